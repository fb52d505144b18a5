// The hash chain of events: each carries the SHA-256 of the one before it, so an edit, a gap or a
// swap shows.
//
// hash = SHA-256 over the canonical JSON (sorted keys, no blanks, UTF-8) of the event without its
// member "hash". A chain that was cut at its end still holds; the signed head (audit_head.h)
// shows that. Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/event.h"

namespace ota::store {

inline const std::string kChainStart = std::string(64, '0');

// The hash that the event must carry, `previous` included.
std::string event_hash(const model::Event& event);
// Sets seq, previous and hash so that it follows the given head.
void link(model::Event& event, std::uint64_t seq, const std::string& previous_hash);
// The same, and the canonical JSON of the linked event, which is what the store keeps.
std::string link_document(model::Event& event, std::uint64_t seq, const std::string& previous_hash);

struct ChainFault {
  std::uint64_t seq = 0;  // the first event that is wrong or missing
  std::string what;       // "edited", "missing", "out of order", in a sentence
};

// Fed events in order; reports the first fault.
class ChainVerifier {
 public:
  // None while the chain holds. After a fault the verifier goes on from the event that it was
  // given, so that a caller who wants to can list further faults.
  std::optional<ChainFault> check(const model::Event& event);
  // Events checked, the faulty ones included.
  std::uint64_t verified() const { return count_; }
  const std::string& head() const { return head_; }

 private:
  std::uint64_t count_ = 0;
  std::uint64_t last_seq_ = 0;
  std::string head_ = kChainStart;
};

}  // namespace ota::store
