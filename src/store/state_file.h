// The whole state as one JSON document: `otactl state export` and `import`.
//
//   {"format":"secure-ota-state","version":2,
//   "documents":{"devices":{"iot-001":{...}}},
//   "retired":["<hashes of the 256 events of a bundle that left, base64>"],
//   "events":[{...},{...}]}
//
// One line a document, so that two exports can be compared with diff. Order is fixed (collections
// and keys bytewise, events by number), so equal states give equal bytes. The events are the log's
// entries to the byte. Version 1, of programs before the log's tree, has no "retired" and is read
// too. An import is checked as a whole before anything is replaced: form, names, the chain of
// those events that have one, and the root that a checkpoint in it names. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "audit/merkle.h"
#include "base/result.h"
#include "model/event.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace ota::store {

// Where a state keeps the log's last checkpoint (log_signer.h).
inline constexpr std::string_view kCheckpointCollection = "meta";
inline constexpr std::string_view kCheckpointKey = "audit-checkpoint";
// Where it stands whether all updates are stopped (model/stop.h). What was said here last holds over
// an import: an old state lifts no stop.
inline constexpr std::string_view kStopCollection = "fleet";
inline constexpr std::string_view kStopKey = "stop";
// The highest number that a job was given (job_archive.h). Once it is written it holds over an import
// as well: a device that remembers a job must not take another one for it.
inline constexpr std::string_view kJobNumberCollection = "fleet";
inline constexpr std::string_view kJobNumberKey = "job-number";

struct StoredEvent {
  model::Event event;
  std::string document;  // the entry
};

struct State {
  std::vector<Put> documents;
  audit::Hashes retired;  // of the events before the first one here, in whole bundles
  std::vector<StoredEvent> events;
  std::string checkpoint{};  // the signed note among the documents; empty: there is none
};

// kInvalid with what is wrong and where; kLimit for names and nesting.
Result<State> parse_state(std::string_view text);

// Builds the document piece by piece; each call in the order of the format.
class StateText {
 public:
  StateText();
  ~StateText();
  // Collections and keys must come in ascending order. kInvalid where `document` is no JSON.
  Result<void> add_document(std::string_view collection, std::string_view key,
                            std::string_view document);
  void add_retired(std::span<const audit::Hash> hashes);
  Result<void> add_event(std::string_view document);
  std::string finish();

 private:
  Result<void> append_json(std::string_view document);
  void begin_retired();
  void begin_events();

  struct Checker;
  std::unique_ptr<Checker> checker_;
  std::string text_;
  std::string collection_;
  enum class Part : std::uint8_t { kDocuments, kRetired, kEvents } part_ = Part::kDocuments;
  bool any_in_part_ = false;
};

}  // namespace ota::store
