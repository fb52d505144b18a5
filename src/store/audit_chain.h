// The chain of events of programs before the tree (audit/): each carries the SHA-256 of the one
// before it, so an edit, a gap or a swap shows. None is written any more; those that are stored are
// entries of the log as they are, and are walked along their links besides.
//
// hash = SHA-256 over the canonical JSON (sorted keys, no blanks, UTF-8) of the event without its
// member "hash". Pure; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "model/event.h"

namespace ota::store {

inline const std::string kChainStart = std::string(64, '0');

// The hash that the event must carry, `previous` included.
std::string event_hash(const model::Event& event);

struct ChainFault {
  std::uint64_t seq = 0;  // the first event that is wrong or missing
  std::string what;       // "edited", "missing", "out of order", in a sentence
};

// Fed events in order; reports the first fault.
class ChainVerifier {
 public:
  ChainVerifier() = default;
  // Goes on behind an event that is not there any more.
  ChainVerifier(std::uint64_t last_seq, std::string head)
      : last_seq_(last_seq), head_(std::move(head)) {}

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
