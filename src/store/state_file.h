// The whole state as one JSON document: `otactl state export` and `import`.
//
//   {"format":"secure-ota-state","version":1,
//   "documents":{"devices":{"iot-001":{...}}},
//   "events":[{...},{...}]}
//
// One line a document, so that two exports can be compared with diff. Order is fixed (collections
// and keys bytewise, events by number), so equal states give equal bytes. An import is checked as a
// whole before anything is replaced: form, names, and the chain of events. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "store/audit_chain.h"
#include "store/store.h"

namespace ota::store {

// The end of the chain: the last event's number and hash.
struct Head {
  std::uint64_t seq = 0;
  std::string hash = kChainStart;
};

struct StoredEvent {
  model::Event event;
  std::string document;  // canonical JSON
};

struct State {
  std::vector<Put> documents;
  std::vector<StoredEvent> events;
  Head head;
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
  Result<void> add_event(std::string_view document);
  std::string finish();

 private:
  Result<void> append_json(std::string_view document);

  struct Checker;
  std::unique_ptr<Checker> checker_;
  std::string text_;
  std::string collection_;
  enum class Part : std::uint8_t { kDocuments, kEvents } part_ = Part::kDocuments;
  bool any_in_part_ = false;
};

}  // namespace ota::store
