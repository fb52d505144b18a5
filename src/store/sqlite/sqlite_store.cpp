#include "store/sqlite/sqlite_store.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <limits>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "store/sqlite/database.h"
#include "store/sqlite/event_query.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"
#include "store/state_file.h"

namespace ota::store {
namespace {

namespace fs = std::filesystem;

Result<Head> read_head(Database& database) {
  auto last = database.prepare("SELECT seq, document FROM events ORDER BY seq DESC LIMIT 1");
  if (!last) return last.error();
  auto row = last->step();
  if (!row) return row.error();
  if (!*row) return Head{};
  const auto seq = static_cast<std::uint64_t>(last->number(0));
  return Head{seq, event_of(seq, last->text(1)).hash};
}

std::int64_t clamped(std::uint64_t number) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(number, kMost));
}

class SqliteStore final : public Store {
 public:
  SqliteStore(fs::path path, FileLock lock, std::string vfs, Database reader, Database writing,
              Head head, const Clock& clock, milliseconds probe_every)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        vfs_(std::move(vfs)),
        reader_(std::move(reader)),
        writer_(std::move(writing), std::move(head), clock, probe_every) {}

  std::vector<model::Event> commit(Batch batch, Done done) override {
    return writer_.commit(std::move(batch), std::move(done));
  }

  Result<void> flush() override {
    std::promise<Result<void>> outcome;
    writer_.commit({}, [&outcome](const Result<void>& result) { outcome.set_value(result); });
    return outcome.get_future().get();
  }

  Result<std::vector<Document>> load(const std::string& collection) override {
    const std::lock_guard lock(mutex_);
    auto rows =
        reader_.prepare("SELECT key, document FROM documents WHERE collection = ?1 ORDER BY key");
    if (!rows) return rows.error();
    rows->bind(1, collection);
    return documents_of(*rows);
  }

  Result<std::optional<std::string>> get(const std::string& collection,
                                         const std::string& key) override {
    const std::lock_guard lock(mutex_);
    auto rows =
        reader_.prepare("SELECT document FROM documents WHERE collection = ?1 AND key = ?2");
    if (!rows) return rows.error();
    rows->bind(1, collection);
    rows->bind(2, key);
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return std::optional<std::string>();
    return std::optional<std::string>(rows->text(0));
  }

  Result<std::vector<Document>> range(const std::string& collection, const std::string& from,
                                      const std::string& to, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    auto rows = reader_.prepare(
        "SELECT key, document FROM documents WHERE collection = ?1 AND key >= ?2 AND key < ?3 "
        "ORDER BY key LIMIT ?4");
    if (!rows) return rows.error();
    rows->bind(1, collection);
    rows->bind(2, from);
    rows->bind(3, to);
    rows->bind(4, clamped(limit));
    return documents_of(*rows);
  }

  Result<std::vector<model::Event>> events(const EventQuery& query) override {
    const std::lock_guard lock(mutex_);
    return query_events(reader_, query);
  }

  std::uint64_t last_event() const override { return writer_.head().seq; }

  // On a connection of its own: a long export holds up no other read, and the transaction makes it
  // one moment's state.
  Result<std::string> export_state() override {
    auto database = Database::open(path_, Database::Mode::kReadOnly, vfs_);
    if (!database) return database.error();
    if (auto begun = database->run("BEGIN"); !begun) return begun.error();
    StateText text;
    auto documents = database->prepare(
        "SELECT collection, key, document FROM documents ORDER BY collection, key");
    if (!documents) return documents.error();
    while (true) {
      auto row = documents->step();
      if (!row) return row.error();
      if (!*row) break;
      auto added = text.add_document(documents->text(0), documents->text(1), documents->text(2));
      if (!added) return added.error().within("export");
    }
    auto events = database->prepare("SELECT document FROM events ORDER BY seq");
    if (!events) return events.error();
    while (true) {
      auto row = events->step();
      if (!row) return row.error();
      if (!*row) break;
      if (auto added = text.add_event(events->text(0)); !added) {
        return added.error().within("export");
      }
    }
    return text.finish();
  }

  Result<void> import_state(std::string_view document) override {
    auto state = parse_state(document);
    if (!state) return state.error().within("import");
    return writer_.replace_all(std::move(*state));
  }

  Health health() const override { return writer_.health(); }

 private:
  static Result<std::vector<Document>> documents_of(Statement& rows) {
    std::vector<Document> found;
    while (true) {
      auto row = rows.step();
      if (!row) return row.error();
      if (!*row) return found;
      found.push_back({std::string(rows.text(0)), std::string(rows.text(1))});
    }
  }

  const fs::path path_;
  const FileLock lock_;
  const std::string vfs_;
  std::mutex mutex_;  // the reader's
  Database reader_;
  Writer writer_;  // last, so that it ends first
};

// SQLite would make it readable by all; the write-ahead log takes over the file's mode.
Result<void> make_private_file(const fs::path& path) {
  if (auto folder = make_directories(path.parent_path(), 0700); !folder) return folder;
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(errno, "open " + path.string());
  return sync_directory(path.parent_path());
}

Result<std::unique_ptr<Store>> open_locked(const fs::path& path, FileLock lock, const Clock& clock,
                                           const SqliteOptions& options) {
  auto writing = Database::open(path, Database::Mode::kReadWrite, options.vfs);
  if (!writing) return writing.error();
  for (const char* setting : {"PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON",
                              "PRAGMA journal_size_limit=67108864"}) {
    if (auto set = writing->run(setting); !set) return set.error();
  }
  if (auto prepared = prepare_schema(*writing, migrations()); !prepared) return prepared.error();
  auto head = read_head(*writing);
  if (!head) return head.error();
  auto reader = Database::open(path, Database::Mode::kReadOnly, options.vfs);
  if (!reader) return reader.error();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(
      path, std::move(lock), options.vfs, std::move(*reader), std::move(*writing), std::move(*head),
      clock, options.probe_every));
}

}  // namespace

Result<std::unique_ptr<Store>> open_sqlite(const fs::path& path, const Clock& clock,
                                           const SqliteOptions& options) {
  const std::string what = "state database " + path.string();
  if (auto made = make_private_file(path); !made) return made.error().within(what);
  auto lock = FileLock::try_acquire(path.string() + ".lock");
  if (!lock) return lock.error().within(what + ": is another console running on this root?");
  auto store = open_locked(path, std::move(*lock), clock, options);
  if (!store) return store.error().within(what);
  return store;
}

}  // namespace ota::store
