#include "store/sqlite/sqlite_store.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <limits>
#include <mutex>
#include <utility>

#include "audit/tile_tree.h"
#include "base/file.h"
#include "store/sqlite/database.h"
#include "store/sqlite/event_query.h"
#include "store/sqlite/log_position.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/writer.h"
#include "store/state_file.h"

namespace ota::store {
namespace {

namespace fs = std::filesystem;

std::int64_t clamped(std::uint64_t number) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(number, kMost));
}

// The connections of a store that can write.
// One of SQLite's own (https://www.sqlite.org/vfs.html, section 2.1).
constexpr const char* kWithoutLocks = "unix-none";

struct Connections {
  Database writing;
  Database reader;
};

Result<Connections> connect(const fs::path& path, const std::string& vfs) {
  auto writing = Database::open(path, Database::Mode::kReadWrite, vfs);
  if (!writing) return writing.error();
  for (const char* setting : {"PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON",
                              "PRAGMA journal_size_limit=67108864"}) {
    if (auto set = writing->run(setting); !set) return set.error();
  }
  // It would stay so, also when the disk takes writes again.
  if (writing->read_only()) return fail(Errc::kFull, path.string() + " can only be read");
  if (auto prepared = prepare_schema(*writing, migrations()); !prepared) return prepared.error();
  if (auto planted = plant_tree(*writing); !planted) return planted.error();
  auto reader = Database::open(path, Database::Mode::kReadOnly, vfs);
  if (!reader) return reader.error();
  // SQLite opens the files with the first query.
  if (auto read = reader->number("PRAGMA user_version"); !read) return read.error();
  return Connections{std::move(*writing), std::move(*reader)};
}

Result<Database> opened_to_read(const fs::path& path, Database::Mode mode, const char* setting,
                                const std::string& vfs) {
  auto database = Database::open(path, mode, vfs);
  if (!database) return database;
  if (auto set = database->run(setting); !set) return set.error();
  if (auto readable = prepare_reading(*database, migrations()); !readable) return readable.error();
  return database;
}

// What was committed, on a disk that takes no writes. WAL mode wants to make files even to read, so
// that each case has a way of its own: no log (the last end was in order), and a log that a kill
// left. Its index is then kept in memory, which only a connection that shares with no other may do;
// the lock that says so would be a write again, so SQLite takes none: ours keeps others away.
Result<Database> connect_to_read(const fs::path& path, const std::string& vfs) {
  std::error_code error;
  const auto log = fs::file_size(path.string() + "-wal", error);
  if (error || log == 0)
    return opened_to_read(path, Database::Mode::kFrozen, "PRAGMA trusted_schema=OFF", vfs);
  return opened_to_read(path, Database::Mode::kReadOnly, "PRAGMA locking_mode=EXCLUSIVE",
                        kWithoutLocks);
}

// Whether there may be something to read although nothing can be written.
bool takes_no_writes(const Error& error) {
  return error.code == Errc::kFull || error.code == Errc::kDenied || error.code == Errc::kIo;
}

class SqliteStore final : public Store {
 public:
  SqliteStore(fs::path path, FileLock lock, std::string vfs, Database reader,
              Result<Database> writing, Position position, const Clock& clock,
              WriterOptions options)
      : path_(std::move(path)),
        lock_(std::move(lock)),
        vfs_(std::move(vfs)),
        reader_(std::move(reader)),
        read_only_(!writing.has_value()),
        writer_(
            std::move(writing), [this] { return open_again(); }, std::move(position), clock,
            std::move(options)) {}

  // The connection that may write closes last: SQLite then leaves no write-ahead log behind, and
  // the file alone can be read on a disk that takes no writes.
  ~SqliteStore() override {
    const std::lock_guard lock(mutex_);
    reader_ = fail(Errc::kUnavailable, "the store is closed");
  }
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  void commit(Batch batch, Done done) override {
    writer_.commit(std::move(batch), std::move(done));
  }

  void take(std::string collection, std::string key, Taken done) override {
    writer_.take({std::move(collection), std::move(key)}, std::move(done));
  }

  Result<void> flush() override { return writer_.flush(); }

  void on_change(std::function<void()> bell) override { writer_.on_change(std::move(bell)); }

  Result<std::vector<Document>> load(const std::string& collection) override {
    const std::lock_guard lock(mutex_);
    auto rows = prepare_read(
        "SELECT key, document, revision FROM documents WHERE collection = ?1 ORDER BY key");
    if (!rows) return rows.error();
    rows->bind(1, collection);
    return documents_of(*rows);
  }

  Result<std::optional<std::string>> get(const std::string& collection,
                                         const std::string& key) override {
    const std::lock_guard lock(mutex_);
    auto rows = prepare_read("SELECT document FROM documents WHERE collection = ?1 AND key = ?2");
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
    auto rows = prepare_read(
        "SELECT key, document, revision FROM documents "
        "WHERE collection = ?1 AND key >= ?2 AND key < ?3 "
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
    if (!reader_) return reader_.error();
    return query_events(*reader_, query);
  }

  Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    if (!reader_) return reader_.error();
    return query_changes(*reader_, after, limit);
  }

  Result<std::vector<LogEntry>> entries(std::uint64_t after, std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    if (!reader_) return reader_.error();
    return query_entries(*reader_, after, limit);
  }

  Result<std::vector<LogEntry>> closed_entries(std::uint64_t log, std::uint64_t after,
                                               std::size_t limit) override {
    const std::lock_guard lock(mutex_);
    if (!reader_) return reader_.error();
    return query_closed_entries(*reader_, log, after, limit);
  }

  Result<audit::Hashes> tile(unsigned level, std::uint64_t n, std::uint64_t width) override {
    const std::lock_guard lock(mutex_);
    if (!reader_) return reader_.error();
    return query_tile(*reader_, level, n, width);
  }

  std::uint64_t last_event() const override { return writer_.last_event(); }

  // On a connection of its own: a long export holds up no other read, and the transaction makes it
  // one moment's state. Where nothing is written, the reader serves: it may be alone on the file.
  Result<std::string> export_state() override {
    {
      const std::lock_guard lock(mutex_);
      if (read_only_) return reader_ ? export_from(*reader_) : reader_.error();
    }
    auto database = Database::open(path_, Database::Mode::kReadOnly, vfs_);
    if (!database) return database.error();
    if (auto begun = database->run("BEGIN"); !begun) return begun.error();
    return export_from(*database);
  }

  Result<void> import_state(std::string_view document) override {
    auto state = parse_state(document);
    if (!state) return state.error().within("import");
    return writer_.replace_all(std::move(*state));
  }

  Health health() const override { return writer_.health(); }

 private:
  // With the mutex held.
  Result<Statement> prepare_read(std::string_view sql) {
    return reader_ ? reader_->prepare(sql) : reader_.error();
  }

  static Result<std::string> export_from(Database& database) {
    StateText text;
    auto documents = database.prepare(
        "SELECT collection, key, document FROM documents ORDER BY collection, key");
    if (!documents) return documents.error();
    while (true) {
      auto row = documents->step();
      if (!row) return row.error();
      if (!*row) break;
      auto added = text.add_document(documents->text(0), documents->text(1), documents->text(2));
      if (!added) return added.error().within("export");
    }
    // Of events that left, their hashes are a part of the log.
    const auto first = database.number("SELECT min(seq) FROM events");
    if (!first) return first.error();
    const auto retired = static_cast<std::uint64_t>(std::max<std::int64_t>(*first - 1, 0));
    for (std::uint64_t n = 0; n < retired / audit::kTileWidth; ++n) {
      auto hashes = query_tile(database, 0, n, audit::kTileWidth);
      if (!hashes) return hashes.error().within("export");
      text.add_retired(*hashes);
    }
    auto events = database.prepare("SELECT document FROM events ORDER BY seq");
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

  // On the writer thread. No read runs meanwhile: the reader may be alone on the file.
  Result<Database> open_again() {
    const std::lock_guard lock(mutex_);
    reader_ = fail(Errc::kUnavailable, "the database is being opened");
    auto opened = connect(path_, vfs_);
    if (opened) {
      reader_ = std::move(opened->reader);
      read_only_ = false;
      return std::move(opened->writing);
    }
    reader_ = connect_to_read(path_, vfs_);
    return opened.error();
  }

  static Result<std::vector<Document>> documents_of(Statement& rows) {
    std::vector<Document> found;
    while (true) {
      auto row = rows.step();
      if (!row) return row.error();
      if (!*row) return found;
      found.push_back({std::string(rows.text(0)), std::string(rows.text(1)),
                       static_cast<std::uint64_t>(rows.number(2))});
    }
  }

  const fs::path path_;
  const FileLock lock_;
  const std::string vfs_;
  std::mutex mutex_;         // guards the two below
  Result<Database> reader_;  // an error where a disk that takes no writes lost what was read
  bool read_only_;
  Writer writer_;  // last, so that it ends first
};

// SQLite would make it readable by all; the write-ahead log takes over the file's mode.
Result<void> make_private_file(const fs::path& path) {
  std::error_code ignored;
  if (fs::exists(path, ignored)) return {};
  if (auto folder = make_directories(path.parent_path(), 0700); !folder) return folder;
  const FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(errno, "open " + path.string());
  return sync_directory(path.parent_path());
}

Result<std::unique_ptr<Store>> open_locked(const fs::path& path, FileLock lock, const Clock& clock,
                                           const SqliteOptions& options) {
  auto opened = connect(path, options.vfs);
  Result<Database> writing = opened ? Result<Database>(std::move(opened->writing)) : opened.error();
  Result<Database> reader = opened ? Result<Database>(std::move(opened->reader)) : opened.error();
  if (!writing && takes_no_writes(writing.error())) {
    if (auto found = connect_to_read(path, options.vfs)) reader = std::move(*found);
  }
  if (!reader) return reader.error();
  auto position = read_position(*reader);
  if (!position) return position.error();
  return std::unique_ptr<Store>(std::make_unique<SqliteStore>(
      path, std::move(lock), options.vfs, std::move(*reader), std::move(writing),
      std::move(*position), clock, WriterOptions{options.probe_every, options.executor}));
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
