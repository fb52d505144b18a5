// Which events are old enough, or too many, to leave: whole bundles of 256 (audit/tile_tree.h) from
// the log's beginning. Their hashes stay, so that the tree and its proofs hold.
//
// First the log itself says up to where events leave (kLogRetired), then they do: a beginning that
// is missing without such a word was cut off. Blocks on the store; thread: any.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace ota::store {

struct Retention {
  milliseconds keep_for{};
  std::uint64_t keep_most = 0;
};

struct RetirementStep {
  std::uint64_t first = 0;           // the first event that is stored
  std::uint64_t announce_until = 0;  // to be said now; 0: nothing
  std::uint64_t retire_until = 0;    // said, and to be done now; 0: nothing
};

// A step is at most 64 bundles, so that the writer is never held up.
Result<RetirementStep> next_retirement(Store& store, const Retention& retention, WallTime now);

}  // namespace ota::store
