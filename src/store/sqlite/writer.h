// The one thread that writes to the database: it drains the queue of batches into one transaction,
// commits it with one fsync, and tells each batch's owner.
//
//   commit() --link, queue--> [batch][batch][batch] --writer--> BEGIN ... COMMIT --> done, in order
//
// The group is the unit of failure. A batch is linked into the chain of events when it is queued,
// so what stands behind a failed batch is linked to events that do not exist: when a transaction
// fails, every batch that is queued fails with it, and the chain's head goes back to the last
// committed event. The chain on disk has no gap, and no batch is applied in part. (Savepoints would
// not help: SQLite rolls the whole transaction back on a full disk.)
//
// While the disk is full each commit tries anew, and without one a small probe is written every few
// seconds, so that health() recovers by itself. A writer may also begin without a database, where
// the disk took no writes at the start: then it tries to open one as often as it would probe, and
// refuses all commits until it has it.
//
// Thread: any; `done` is called on the writer thread, which must not wait for the writer.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "store/sqlite/database.h"
#include "store/state_file.h"
#include "store/store.h"

namespace ota::store {

class Writer {
 public:
  // Called on the writer thread.
  using OpenDatabase = std::function<Result<Database>()>;
  // `database`, or why there is none yet; `open_again` is for that case alone.
  Writer(Result<Database> database, OpenDatabase open_again, Head head, const Clock& clock,
         milliseconds probe_every);
  ~Writer();  // commits what is queued, then ends
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  std::vector<model::Event> commit(Batch batch, Done done);
  // Replaces all documents and events in one transaction, behind all that is queued. Blocks.
  // Batches that arrive meanwhile fail with kUnavailable; where it succeeds, later ones too: what
  // their owners hold in memory is of the state that is gone.
  Result<void> replace_all(State state);
  Head head() const;
  Health health() const;

 private:
  // An event as its row has it. The event itself is its owner's.
  struct EventRow {
    std::uint64_t seq = 0;
    model::Severity severity{};
    std::string source;
    std::string kind;
    std::string document;
  };
  struct Item {
    Batch batch;  // without its events, which are:
    std::vector<EventRow> events;
    Head head;  // the chain's after these, where there are any
    Done done;
    std::optional<Error> refused;  // failed before it was queued; only `done` is left to do
    std::unique_ptr<State> replacement;
  };
  struct Statements;

  void run();
  std::vector<Item> next_group();
  void finish(std::vector<Item> group, const Result<void>& outcome);
  Result<void> write(const std::vector<Item>& group);
  Result<void> write_items(const std::vector<Item>& group);
  Result<void> write_batch(const Item& item);
  Result<void> write_replacement(const State& state);
  Result<void> insert_event(std::uint64_t seq, model::Severity severity, std::string_view source,
                            std::string_view kind, std::string_view document);
  void probe();
  void look_for_database();
  void note_success();
  void note_failure(const Error& error);

  const Clock& clock_;
  const milliseconds probe_every_;
  const OpenDatabase open_again_;
  Result<Database> database_;               // writer thread only, once it runs
  std::unique_ptr<Statements> statements_;  // the same
  MonoTime look_again_{};                   // the same

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Item> queue_;
  Head head_;       // with all that is queued
  Head committed_;  // on disk
  Health health_;
  bool replacing_ = false;  // stays so once the state was replaced
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ota::store
