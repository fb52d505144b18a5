// The chain of events as programs before the log's tree wrote it: for tests of what still reads it.
#pragma once

#include <string>

#include "base/json.h"
#include "model/event.h"
#include "store/audit_chain.h"

namespace ota::test {

// Sets seq, previous and hash so that the event follows the given head; its document, as theirs
// was.
inline std::string link(model::Event& event, std::uint64_t seq, const std::string& previous) {
  event.id.clear();
  event.seq = seq;
  event.previous = previous;
  event.hash = store::event_hash(event);
  return dump_json(Json(event));
}

}  // namespace ota::test
