#include "store/sqlite/writer.h"

#include <future>
#include <utility>

#include "store/audit_chain.h"

namespace ota::store {
namespace {

// Past this, a larger group is no faster (the fsync is spread over thousands of rows already), but
// the first in it waits longer.
constexpr std::size_t kGroupBatches = 4096;
// A document is a device, a job, a minute: kilobytes. What is larger is a defect of its writer.
constexpr std::size_t kMaxDocumentBytes = 8U << 20;
constexpr std::size_t kMaxNameBytes = 512;

std::optional<Error> refuse(const Batch& batch) {
  for (const Put& put : batch.puts) {
    if (put.document.size() > kMaxDocumentBytes) {
      return fail(Errc::kLimit, put.collection + "/" + put.key + " is a document of " +
                                    std::to_string(put.document.size()) + " bytes; at most " +
                                    std::to_string(kMaxDocumentBytes));
    }
    if (put.collection.empty() || put.collection.size() > kMaxNameBytes ||
        put.key.size() > kMaxNameBytes) {
      return fail(Errc::kLimit, "a document's collection or key is empty or longer than " +
                                    std::to_string(kMaxNameBytes) + " bytes");
    }
  }
  return std::nullopt;
}

}  // namespace

struct Writer::Statements {
  Statement put;
  Statement erase;
  Statement range;
  Statement event;
};

Writer::Writer(Result<Database> database, OpenDatabase open_again, Head head, const Clock& clock,
               milliseconds probe_every)
    : clock_(clock),
      probe_every_(probe_every),
      open_again_(std::move(open_again)),
      database_(std::move(database)),
      look_again_(clock.mono() + probe_every),
      head_(head),
      committed_(std::move(head)) {
  if (!database_) note_failure(database_.error());
  thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::vector<model::Event> Writer::commit(Batch batch, Done done) {
  Item item;
  item.done = std::move(done);
  item.refused = refuse(batch);
  std::vector<model::Event> linked;
  bool was_idle = false;
  {
    const std::lock_guard lock(mutex_);
    if (replacing_) {
      item.refused = fail(Errc::kUnavailable, "the whole state is replaced by an import");
    }
    if (!item.refused) {
      item.events.reserve(batch.events.size());
      for (model::Event& event : batch.events) {
        std::string document = link_document(event, head_.seq + 1, head_.hash);
        head_ = {event.seq, event.hash};
        item.events.push_back(
            {event.seq, event.severity, event.source, event.kind, std::move(document)});
      }
      if (!item.events.empty()) item.head = head_;
      linked = std::exchange(batch.events, {});
      item.batch = std::move(batch);
    }
    was_idle = queue_.empty();
    queue_.push_back(std::move(item));
  }
  if (was_idle) wake_.notify_one();
  return linked;
}

Result<void> Writer::replace_all(State state) {
  std::promise<Result<void>> outcome;
  {
    const std::lock_guard lock(mutex_);
    if (replacing_) return fail(Errc::kConflict, "another import is running, or has just ended");
    replacing_ = true;
    Item item;
    item.replacement = std::make_unique<State>(std::move(state));
    item.done = [&outcome](const Result<void>& result) { outcome.set_value(result); };
    queue_.push_back(std::move(item));
  }
  wake_.notify_one();
  return outcome.get_future().get();
}

Head Writer::head() const {
  const std::lock_guard lock(mutex_);
  return head_;
}

Health Writer::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

// -- the writer thread --

void Writer::run() {
  while (true) {
    std::vector<Item> group = next_group();
    if (group.empty()) {
      if (const std::lock_guard lock(mutex_); stopping_) return;
      probe();
      continue;
    }
    const Result<void> outcome = write(group);
    finish(std::move(group), outcome);
  }
}

// Waits for batches and takes them; empty where the writer shall end, or look after the disk. A
// replacement is a group of its own.
std::vector<Writer::Item> Writer::next_group() {
  std::unique_lock lock(mutex_);
  const auto due = [this] { return stopping_ || !queue_.empty(); };
  if (health_.writable) {
    wake_.wait(lock, due);
  } else {
    wake_.wait_for(lock, probe_every_, due);
  }
  std::vector<Item> group;
  while (!queue_.empty() && group.size() < kGroupBatches) {
    const bool alone = queue_.front().replacement != nullptr;
    if (alone && !group.empty()) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) break;
  }
  return group;
}

void Writer::finish(std::vector<Item> group, const Result<void>& outcome) {
  {
    const std::lock_guard lock(mutex_);
    if (outcome) {
      for (const Item& item : group) {
        if (!item.events.empty()) committed_ = item.head;
        if (item.replacement) head_ = committed_ = item.replacement->head;
      }
    } else {
      for (Item& item : queue_)
        group.push_back(std::move(item));
      queue_.clear();
      head_ = committed_;
    }
    for (const Item& item : group) {
      if (item.replacement && !outcome) replacing_ = false;
    }
  }
  for (Item& item : group) {
    if (!item.done) continue;
    if (item.refused) {
      item.done(*item.refused);
    } else {
      item.done(outcome);
    }
  }
}

Result<void> Writer::write(const std::vector<Item>& group) {
  bool anything = false;
  for (const Item& item : group) {
    anything = anything || item.replacement || !item.batch.empty() || !item.events.empty();
  }
  if (!anything) return {};
  if (!database_ && clock_.mono() >= look_again_) look_for_database();
  if (!database_) return database_.error();
  auto outcome = database_->run("BEGIN IMMEDIATE");
  if (outcome) outcome = write_items(group);
  if (outcome) outcome = database_->run("COMMIT");
  if (outcome) {
    note_success();
    return outcome;
  }
  if (!database_->autocommit()) (void)database_->run("ROLLBACK");
  // A replacement that was refused for its content says nothing about the disk.
  if (outcome.error().code != Errc::kInvalid || !group.front().replacement) {
    note_failure(outcome.error());
  }
  return outcome;
}

Result<void> Writer::write_items(const std::vector<Item>& group) {
  if (!statements_) {
    auto put = database_->prepare(
        "INSERT INTO documents(collection, key, document) VALUES(?1, ?2, ?3) "
        "ON CONFLICT(collection, key) DO UPDATE SET document = excluded.document");
    auto erase = database_->prepare("DELETE FROM documents WHERE collection = ?1 AND key = ?2");
    auto range = database_->prepare(
        "DELETE FROM documents WHERE collection = ?1 AND key >= ?2 AND key < ?3");
    auto event = database_->prepare(
        "INSERT INTO events(seq, severity, source, kind, document) VALUES(?1, ?2, ?3, ?4, ?5)");
    if (!put) return put.error();
    if (!erase) return erase.error();
    if (!range) return range.error();
    if (!event) return event.error();
    statements_ = std::make_unique<Statements>(
        Statements{std::move(*put), std::move(*erase), std::move(*range), std::move(*event)});
  }
  for (const Item& item : group) {
    auto done = item.replacement ? write_replacement(*item.replacement) : write_batch(item);
    if (!done) return done;
  }
  return {};
}

Result<void> Writer::write_batch(const Item& item) {
  for (const EraseRange& range : item.batch.ranges) {
    statements_->range.bind(1, range.collection);
    statements_->range.bind(2, range.from);
    statements_->range.bind(3, range.to);
    if (auto done = statements_->range.run(); !done) return done;
  }
  for (const Put& put : item.batch.puts) {
    statements_->put.bind(1, put.collection);
    statements_->put.bind(2, put.key);
    statements_->put.bind(3, put.document);
    if (auto done = statements_->put.run(); !done) return done;
  }
  for (const Erase& erase : item.batch.erases) {
    statements_->erase.bind(1, erase.collection);
    statements_->erase.bind(2, erase.key);
    if (auto done = statements_->erase.run(); !done) return done;
  }
  for (const EventRow& row : item.events) {
    auto done = insert_event(row.seq, row.severity, row.source, row.kind, row.document);
    if (!done) return done;
  }
  return {};
}

Result<void> Writer::insert_event(std::uint64_t seq, model::Severity severity,
                                  std::string_view source, std::string_view kind,
                                  std::string_view document) {
  Statement& insert = statements_->event;
  insert.bind(1, static_cast<std::int64_t>(seq));
  insert.bind(2, static_cast<std::int64_t>(severity));
  insert.bind(3, source);
  insert.bind(4, kind);
  insert.bind(5, document);
  return insert.run();
}

Result<void> Writer::write_replacement(const State& state) {
  if (auto cleared = database_->run("DELETE FROM documents; DELETE FROM events"); !cleared) {
    return cleared;
  }
  for (const Put& put : state.documents) {
    statements_->put.bind(1, put.collection);
    statements_->put.bind(2, put.key);
    statements_->put.bind(3, put.document);
    if (auto done = statements_->put.run(); !done) return done;
  }
  for (const auto& [event, document] : state.events) {
    auto done = insert_event(event.seq, event.severity, event.source, event.kind, document);
    if (!done) return done;
  }
  return {};
}

// Large enough that a disk with a last free block does not look healthy.
void Writer::probe() {
  if (!database_) look_for_database();
  if (!database_) return;
  auto outcome = database_->run(
      "BEGIN IMMEDIATE; INSERT OR REPLACE INTO probe(id, filler) VALUES(1, zeroblob(262144));"
      "COMMIT");
  if (outcome) outcome = database_->run("DELETE FROM probe");
  if (outcome) {
    note_success();
    return;
  }
  if (!database_->autocommit()) (void)database_->run("ROLLBACK");
  note_failure(outcome.error());
}

void Writer::look_for_database() {
  look_again_ = clock_.mono() + probe_every_;
  database_ = open_again_();
  if (!database_) note_failure(database_.error());
}

void Writer::note_success() {
  const std::lock_guard lock(mutex_);
  health_ = Health{};
}

void Writer::note_failure(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (health_.writable) health_.since = clock_.wall();
  health_.writable = false;
  health_.problem = error.text();
}

}  // namespace ota::store
