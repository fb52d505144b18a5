#include "store/sqlite/writer.h"

#include <future>
#include <utility>

namespace ota::store {
namespace {

// Past this, a larger group is no faster (the fsync is spread over thousands of rows already), but
// the first in it waits longer.
constexpr std::size_t kGroupBatches = 4096;

}  // namespace

// A task that the executor still has must not reach a writer that is gone.
struct Writer::Alive {
  Writer* writer = nullptr;
};

Writer::Writer(Result<Database> database, OpenDatabase open_again, Position position,
               const Clock& clock, WriterOptions options)
    : clock_(clock),
      options_(std::move(options)),
      open_again_(std::move(open_again)),
      database_(std::move(database)),
      batches_(std::move(position)),
      look_again_(clock.mono() + options_.probe_every),
      last_event_(batches_.last_event()),
      alive_(std::make_shared<Alive>(Alive{this})) {
  if (!database_) note_failure(database_.error());
  if (!options_.executor) thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  if (!options_.executor) {
    wake_.notify_all();
    thread_.join();
    return;
  }
  alive_->writer = nullptr;
  while (step()) {
  }
}

void Writer::commit(Batch batch, Done done) {
  Item item;
  item.write.refused = unfit(batch);
  item.write.batch = std::move(batch);
  item.answer = [done = std::move(done)](const Result<void>& outcome, WriteItem& written) {
    if (!done) return;
    if (outcome) {
      done(std::move(written.committed));
    } else {
      done(outcome.error());
    }
  };
  queue(std::move(item));
}

void Writer::take(Erase wanted, Taken done) {
  Item item;
  item.write.take = std::move(wanted);
  item.answer = [done = std::move(done)](const Result<void>& outcome, WriteItem& written) {
    if (outcome) {
      done(std::move(written.taken));
    } else {
      done(outcome.error());
    }
  };
  queue(std::move(item));
}

void Writer::queue(Item item) {
  bool was_idle = false;
  bool post = false;
  {
    const std::lock_guard lock(mutex_);
    if (replacing_ && !item.write.replacement) {
      item.write.refused = fail(Errc::kUnavailable, "the whole state is replaced by an import");
    }
    item.failures_before = failures_;
    was_idle = queue_.empty();
    queue_.push_back(std::move(item));
    post = options_.executor && !std::exchange(posted_, true);
  }
  if (post) {
    options_.executor([alive = alive_] {
      if (alive->writer != nullptr) alive->writer->run_queued();
    });
  } else if (was_idle) {
    wake_.notify_one();
  }
}

Result<void> Writer::flush() {
  std::promise<Result<void>> outcome;
  Item item;
  item.answer = [&outcome](const Result<void>& result, WriteItem&) { outcome.set_value(result); };
  queue(std::move(item));
  if (options_.executor) {
    if (!health().writable) probe();
    run_queued();
  }
  return outcome.get_future().get();
}

Result<void> Writer::replace_all(State state) {
  std::promise<Result<void>> outcome;
  Item item;
  item.write.replacement = std::make_unique<State>(std::move(state));
  item.write.at = clock_.wall();
  item.answer = [&outcome](const Result<void>& result, WriteItem&) { outcome.set_value(result); };
  {
    const std::lock_guard lock(mutex_);
    if (replacing_) return fail(Errc::kConflict, "another import is running, or has just ended");
    replacing_ = true;
  }
  queue(std::move(item));
  if (options_.executor) run_queued();
  return outcome.get_future().get();
}

void Writer::on_change(std::function<void()> bell) {
  const std::lock_guard lock(bell_mutex_);
  bell_ = std::move(bell);
}

std::uint64_t Writer::last_event() const {
  const std::lock_guard lock(mutex_);
  return last_event_;
}

Health Writer::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

// -- the writer's thread, or the executor's --

void Writer::run() {
  const auto due = [this] { return stopping_ || !queue_.empty(); };
  while (true) {
    if (step()) continue;
    std::unique_lock lock(mutex_);
    if (health_.writable) {
      wake_.wait(lock, due);
    } else if (!wake_.wait_for(lock, options_.probe_every, due)) {
      lock.unlock();
      probe();
      continue;
    }
    if (stopping_ && queue_.empty()) return;
  }
}

void Writer::run_queued() {
  {
    const std::lock_guard lock(mutex_);
    posted_ = false;
  }
  while (step()) {
  }
}

// Writes what is queued as one group; false: nothing was.
bool Writer::step() {
  std::vector<Item> group = take_group();
  if (group.empty()) return false;
  const Result<void> outcome = write(group);
  finish(std::move(group), outcome);
  return true;
}

// A replacement is a group of its own.
std::vector<Writer::Item> Writer::take_group() {
  const std::lock_guard lock(mutex_);
  std::vector<Item> group;
  while (!queue_.empty() && group.size() < kGroupBatches) {
    const bool alone = queue_.front().write.replacement != nullptr;
    if (alone && !group.empty()) break;
    group.push_back(std::move(queue_.front()));
    queue_.pop_front();
    if (alone) break;
  }
  return group;
}

void Writer::finish(std::vector<Item> group, const Result<void>& outcome) {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = last_event_ != batches_.last_event();
    last_event_ = batches_.last_event();
    if (!outcome) {
      ++failures_;
      last_failure_ = outcome.error();
    }
    for (const Item& item : group) {
      if (item.write.replacement && !outcome) replacing_ = false;
    }
  }
  for (Item& item : group) {
    if (item.write.refused) {
      item.answer(*item.write.refused, item.write);
    } else if (outcome && item.write.empty() && item.failures_before != failures_) {
      item.answer(*last_failure_, item.write);  // of what a flush waited for
    } else {
      item.answer(outcome, item.write);
    }
  }
  if (!news) return;
  const std::lock_guard lock(bell_mutex_);
  if (bell_) bell_();
}

Result<void> Writer::write(std::vector<Item>& group) {
  std::vector<WriteItem*> items;
  for (Item& item : group) {
    if (!item.write.refused && !item.write.empty()) items.push_back(&item.write);
  }
  if (items.empty()) return {};
  if (!database_ && clock_.mono() >= look_again_) look_for_database();
  if (!database_) return database_.error();
  auto outcome = database_->run("BEGIN IMMEDIATE");
  if (outcome) outcome = batches_.write(*database_, items);
  if (outcome) outcome = database_->run("COMMIT");
  if (outcome) {
    batches_.committed();
    note_success();
    return outcome;
  }
  if (!database_->autocommit()) (void)database_->run("ROLLBACK");
  batches_.rolled_back();
  // A replacement that was refused for its content says nothing about the disk.
  if (outcome.error().code != Errc::kInvalid || !items.front()->replacement) {
    note_failure(outcome.error());
  }
  return outcome;
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
  look_again_ = clock_.mono() + options_.probe_every;
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
