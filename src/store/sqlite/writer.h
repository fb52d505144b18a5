// The one that writes to the database: it drains the queue of batches into one transaction, commits
// it with one fsync, and tells each batch's owner.
//
//   commit() --queue--> [batch][batch][batch] --writer--> BEGIN ... COMMIT --> done, in order
//
// The group is the unit of failure: when a transaction fails, every batch of it fails, and nothing
// of it is applied. (Savepoints would not help: SQLite rolls the whole transaction back on a full
// disk.) What stands behind it in the queue is tried by itself: events get their numbers only when
// they are written, so the log has no gap whatever fails. A batch whose condition does not hold
// (an expected revision, a claim) fails alone, before anything of it is written.
//
// While the disk is full each commit tries anew, and without one a small probe is written every few
// seconds, so that health() recovers by itself. A writer may also begin without a database, where
// the disk took no writes at the start: then it tries to open one as often as it would probe, and
// refuses all commits until it has it.
//
// It has a thread of its own, or an executor runs it; then flush() does what is left to do, and the
// probe too. Thread: any; `done` is called on the writer's thread, which must not wait for it.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/sqlite/batch_writer.h"
#include "store/sqlite/database.h"
#include "store/state_file.h"
#include "store/store.h"

namespace ota::store {

struct WriterOptions {
  milliseconds probe_every{2000};
  Executor executor{};  // empty: a thread of its own
};

class Writer {
 public:
  // Called on the writer's thread.
  using OpenDatabase = std::function<Result<Database>()>;
  // `database`, or why there is none yet; `open_again` is for that case alone.
  Writer(Result<Database> database, OpenDatabase open_again, Position position, const Clock& clock,
         WriterOptions options);
  ~Writer();  // commits what is queued, then ends
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void commit(Batch batch, Done done);
  void take(Erase wanted, Taken done);
  Result<void> flush();
  void on_change(std::function<void()> bell);
  // Replaces all documents and events in one transaction, behind all that is queued. Blocks.
  // Batches that arrive meanwhile fail with kUnavailable; where it succeeds, later ones too: what
  // their owners hold in memory is of the state that is gone.
  Result<void> replace_all(State state);
  std::uint64_t last_event() const;
  Health health() const;

 private:
  struct Item {
    WriteItem write{};                  // without anything in it: a flush that waits
    std::uint64_t failures_before = 0;  // of the writer, when this was queued
    std::function<void(const Result<void>& outcome, WriteItem& item)> answer{};
  };
  struct Alive;

  void queue(Item item);
  void run();
  bool step();
  void run_queued();
  std::vector<Item> take_group();
  void finish(std::vector<Item> group, const Result<void>& outcome);
  Result<void> write(std::vector<Item>& group);
  void probe();
  void look_for_database();
  void note_success();
  void note_failure(const Error& error);

  const Clock& clock_;
  const WriterOptions options_;
  const OpenDatabase open_again_;
  // The writer's own, once it runs:
  Result<Database> database_;
  BatchWriter batches_;
  MonoTime look_again_{};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  std::uint64_t last_event_ = 0;  // on disk
  std::uint64_t failures_ = 0;    // groups that were not written; the writer alone changes these
  std::optional<Error> last_failure_;
  Health health_;
  bool replacing_ = false;  // stays so once the state was replaced
  bool stopping_ = false;
  bool posted_ = false;  // the executor has our task
  std::shared_ptr<Alive> alive_;

  std::mutex bell_mutex_;  // held while it rings
  std::function<void()> bell_;
  std::thread thread_;
};

}  // namespace ota::store
