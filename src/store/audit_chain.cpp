#include "store/audit_chain.h"

#include <string_view>

#include "base/digest.h"
#include "base/json.h"
#include "store/event_document.h"

namespace ota::store {
namespace {

// The canonical form without the member "hash".
std::string canonical_form(const model::Event& event) {
  std::string out;
  append_member(out, R"({"actor":)", event.actor);
  out += R"(,"at":)";
  out += event.at == WallTime{} ? "null" : '"' + format_rfc3339(event.at) + '"';
  out += R"(,"data":)" + dump_json(event.data);
  append_member(out, R"(,"kind":)", event.kind);
  append_member(out, R"(,"message":)", event.message);
  append_member(out, R"(,"previous":)", event.previous);
  out += R"(,"seq":)" + std::to_string(event.seq);
  append_member(out, R"(,"severity":)", to_text(event.severity));
  append_member(out, R"(,"source":)", event.source);
  out += '}';
  return out;
}

}  // namespace

std::string event_hash(const model::Event& event) {
  return sha256_hex(canonical_form(event));
}

std::optional<ChainFault> ChainVerifier::check(const model::Event& event) {
  const std::uint64_t expected = last_seq_ + 1;
  const std::string expected_previous = head_;
  ++count_;
  last_seq_ = event.seq;
  head_ = event.hash;
  const std::string name = "event " + std::to_string(event.seq);
  if (event.seq > expected) {
    const std::string range = event.seq == expected + 1
                                  ? "event " + std::to_string(expected) + " is missing"
                                  : "events " + std::to_string(expected) + " to " +
                                        std::to_string(event.seq - 1) + " are missing";
    return ChainFault{expected, range + ": the next one is " + std::to_string(event.seq)};
  }
  if (event.seq < expected) {
    return ChainFault{event.seq, name + " is out of order: it stands where event " +
                                     std::to_string(expected) + " belongs"};
  }
  if (event_hash(event) != event.hash) {
    return ChainFault{event.seq, name + " was edited: its content does not match its hash"};
  }
  if (event.previous != expected_previous) {
    return ChainFault{event.seq, name + " does not follow the one before it: event " +
                                     std::to_string(event.seq - 1) +
                                     " was edited and hashed again, or replaced"};
  }
  return std::nullopt;
}

}  // namespace ota::store
