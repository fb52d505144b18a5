// Readings that wander as real ones do: the same for the same number, and never the same series
// twice (a detector takes one that repeats for a recording).
#pragma once

#include <cstdint>

namespace ota::bench {

// From 0 to 2.
inline double noise(std::uint64_t number, std::uint64_t stream) {
  std::uint64_t bits = number * 4 + stream + 0x9e3779b97f4a7c15ULL;  // splitmix64
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9ULL;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebULL;
  return static_cast<double>((bits ^ (bits >> 31)) >> 11) / static_cast<double>(1ULL << 52);
}

}  // namespace ota::bench
