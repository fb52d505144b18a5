// What is durable: JSON documents in named collections, and the chain of events.
//
// One writer thread commits in groups; `commit` returns at once and `done` is called on the writer
// thread after the batch is on disk (or failed: then nothing of the batch was applied). Reads see
// what is committed and block on the database: not for an io thread or the UI thread.
//
// When a write fails (disk full), every batch that is queued at that moment fails with it, and the
// chain of events goes back to the last one on disk. The events that commit() returned for them are
// void, and their numbers are given anew: who keeps such an event must drop it when `done` brings
// an error, or wait for `done` before showing it.
//
// Thread: any, unless said otherwise.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "model/event.h"

namespace ota::store {

// Collections in use: "devices", "jobs", "enrolments", "operators", "minutes", "meta". Keys sort
// bytewise.
struct Put {
  std::string collection;
  std::string key;
  std::string document;  // JSON text
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
};

// Committed as one or not at all. Events get their sequence number, previous hash and hash when the
// batch is queued.
struct Batch {
  std::vector<Put> puts{};
  std::vector<Erase> erases{};
  std::vector<model::Event> events{};
  std::vector<EraseRange> ranges{};  // taken out before the puts
  bool empty() const { return puts.empty() && erases.empty() && events.empty() && ranges.empty(); }
};

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

using Done = std::function<void(Result<void>)>;

class Store {
 public:
  virtual ~Store() = default;

  // Queues the batch behind all earlier ones and returns its events, complete with seq and hashes
  // (none where the batch is refused at once). `done` may be empty, may commit again, and must not
  // wait for the store. Its errors: kFull, kIo, kConflict (locked by another program), kLimit (a
  // document over 8 MiB), kUnavailable (an import is running, or has replaced the state).
  virtual std::vector<model::Event> commit(Batch batch, Done done) = 0;
  // Waits until all that was queued before is committed (or failed: then with that error). Not on
  // the writer thread.
  virtual Result<void> flush() = 0;

  virtual Result<std::vector<Document>> load(const std::string& collection) = 0;
  virtual Result<std::optional<std::string>> get(const std::string& collection,
                                                 const std::string& key) = 0;
  // Keys in [from, to), in order, at most `limit`.
  virtual Result<std::vector<Document>> range(const std::string& collection,
                                              const std::string& from, const std::string& to,
                                              std::size_t limit) = 0;
  // An event that was altered beyond reading comes back as one that does not verify.
  virtual Result<std::vector<model::Event>> events(const EventQuery& query) = 0;
  // The chain's last sequence number (0: none) as queued.
  virtual std::uint64_t last_event() const = 0;

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
