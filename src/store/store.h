// What is durable: JSON documents in named collections, and the log of events.
//
// One writer commits in groups; `commit` returns at once and `done` is called on the writer's
// thread after the batch is on disk (or failed: then nothing of the batch was applied). Events get
// their numbers there too, in the order of commits and without a gap, so the log is also the feed
// by which others follow what changed (`changes`). Reads see what is committed and block on the
// database: not for an io thread or the UI thread.
//
// Thread: any, unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/merkle.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/event.h"
#include "model/event_kind.h"

namespace ota::store {

// Collections in use: "devices", "jobs", "enrolments", "operators", "minutes", "meta". Keys sort
// bytewise.
struct Put {
  std::string collection;
  std::string key;
  std::string document;  // JSON text
  // The revision that the document must have for the batch to be applied; 0: there must be none.
  std::optional<std::uint64_t> expected{};
};
struct Erase {
  std::string collection;
  std::string key;
};
// Every key in [from, to).
struct EraseRange {
  std::string collection;
  std::string from;
  std::string to;
};
struct Document {
  std::string key;
  std::string document;
  std::uint64_t revision = 0;  // of its last write; no two writes of a store have the same
};
// A name that exists once, such as "job/iot-001", and who has it.
struct Claim {
  std::string name;
  std::string holder;
};

// Committed as one or not at all: taken out are ranges and erases, released names, then the puts
// and claims are written. Events come without numbers, which they get when the batch is written.
struct Batch {
  std::vector<Put> puts{};
  std::vector<Erase> erases{};
  std::vector<model::Event> events{};
  std::vector<EraseRange> ranges{};     // soft state: changes() does not tell of them
  std::vector<Claim> claims{};          // the batch fails where another holder has the name
  std::vector<std::string> releases{};  // names that exist no more; taken out before the claims
  // Events up to this number leave, by whole bundles of 256 (audit/tile_tree.h): what is over
  // stays. Their hashes stay too, so that the log's tree and every proof of it hold. 0: none leave.
  std::uint64_t retire_until = 0;
  bool empty() const {
    return puts.empty() && erases.empty() && events.empty() && ranges.empty() && claims.empty() &&
           releases.empty() && retire_until == 0;
  }
};

// What a batch became: its events with their numbers, in the order given.
struct Committed {
  std::vector<model::Event> events;
};

// A committed event and the documents that its batch wrote or took out (told with the batch's last
// event).
struct Change {
  model::Event event;
  std::vector<std::pair<std::string, std::string>> touched;  // collection, key
};

// A stored event as its bytes are, of which the log's tree is made (store/event_document.h).
struct LogEntry {
  std::uint64_t seq = 0;
  std::string document;
};

// Kinds of events that say how the log itself went (store/log_verify.h).
inline constexpr std::string_view kLogFromChain =
    model::event_kind::kAuditFromChain;  // it was a chain until here
inline constexpr std::string_view kLogRetired =
    model::event_kind::kAuditRetired;  // events left by their age
inline constexpr std::string_view kLogCut =
    model::event_kind::kAuditCut;  // the chain's end was missing
inline constexpr std::string_view kLogForked =
    model::event_kind::kAuditFork;  // it is not what was signed
inline constexpr std::string_view kLogImported =
    model::event_kind::kAuditImported;  // the state was replaced

struct EventQuery {
  std::uint64_t after = 0;            // only later ones
  std::uint64_t before = UINT64_MAX;  // only earlier ones
  std::size_t limit = 1000;
  model::Severity at_least = model::Severity::kInfo;
  std::string source{};  // empty: all
  std::string kind_prefix{};
  bool newest_first = false;
};

// Why the store takes no writes; shown in the console, and no push is accepted meanwhile.
struct Health {
  bool writable = true;
  std::string problem;
  WallTime since;
};

using Done = std::function<void(Result<Committed>)>;
using Taken = std::function<void(Result<std::string>)>;

// Runs what it is given later, one after the other, and never within the call. With one a store
// needs no thread of its own: a simulator runs the writer's work when its time has come.
using Executor = std::function<void(std::function<void()> task)>;

class Store {
 public:
  virtual ~Store() = default;

  // Queues the batch behind all earlier ones. `done` may be empty, may commit again, and must not
  // wait for the store. Its errors: kFull, kIo, kConflict (locked by another program; a document
  // that has not the expected revision; a name that another holds: the context says which), kLimit
  // (a document over 8 MiB, an event over 60 KiB), kUnavailable (an import is running, or has
  // replaced the state).
  virtual void commit(Batch batch, Done done) = 0;
  // Removes a document and gives it to `done`, once: of many that ask, the others get kNotFound.
  // Behind all that is queued; the document is gone for good when `done` has it.
  virtual void take(std::string collection, std::string key, Taken done) = 0;
  // Waits until all that was queued before is committed, or failed: then with that error. Not on
  // the writer's thread. Where an executor runs the writer, this does its work, on this thread.
  virtual Result<void> flush() = 0;
  // Called on the writer's thread after each commit that brought events; several may be one call.
  // Empty: nobody is called any more, and no call is running when this returns. Not within a call.
  virtual void on_change(std::function<void()> ring) = 0;

  virtual Result<std::vector<Document>> load(const std::string& collection) = 0;
  virtual Result<std::optional<std::string>> get(const std::string& collection,
                                                 const std::string& key) = 0;
  // Keys in [from, to), in order, at most `limit`.
  virtual Result<std::vector<Document>> range(const std::string& collection,
                                              const std::string& from, const std::string& to,
                                              std::size_t limit) = 0;
  // An event that was altered beyond reading comes back as one that does not verify.
  virtual Result<std::vector<model::Event>> events(const EventQuery& query) = 0;
  // The number of the last event on disk; 0: none.
  virtual std::uint64_t last_event() const = 0;
  // Committed events later than `after`, in order, at most `limit`, with what they touched.
  virtual Result<std::vector<Change>> changes(std::uint64_t after, std::size_t limit) = 0;
  // Stored events later than `after`, in order, at most `limit`.
  virtual Result<std::vector<LogEntry>> entries(std::uint64_t after, std::size_t limit) = 0;
  // The same of a log that came with an import and was kept apart: `log` is its number in the event
  // of the import. Of events that had left it before, an entry is the hashes of 256 in base64, at
  // the first one's number.
  virtual Result<std::vector<LogEntry>> closed_entries(std::uint64_t log, std::uint64_t after,
                                                       std::size_t limit) = 0;
  // The log's tree as tiles: the first `width` hashes of tile `n` of `level`, or as many as there
  // are.
  virtual Result<audit::Hashes> tile(unsigned level, std::uint64_t n, std::uint64_t width) = 0;

  // The whole state as one JSON document (src/store/README.md), and back. An import replaces all,
  // or nothing where the document does not verify (kInvalid); batches that come while it writes
  // fail with kUnavailable. Where all was replaced, the store takes no more batches: whoever holds
  // state in memory opens the store anew and loads it again.
  virtual Result<std::string> export_state() = 0;
  virtual Result<void> import_state(std::string_view document) = 0;

  virtual Health health() const = 0;
};

// Opens the store named by `url` ("sqlite:PATH", relative to `root`). Errors: kConflict (another
// process has it open: the context names the pid), kInvalid (not our database, or a newer schema),
// kFull, kIo, kDenied.
Result<std::unique_ptr<Store>> open_store(const std::string& url, const std::string& root,
                                          const Clock& clock);

}  // namespace ota::store
