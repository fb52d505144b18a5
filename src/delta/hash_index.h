// Finds a long piece of a large base that begins like a given one, in little memory: the hash of 16
// bytes says where in the base they stand, one position in each `step`.
//
// Against a suffix array: a match of fewer than 16 + step bytes may be missed, of many places that
// begin alike the first ones alone are known, and where chance fills a bucket some places (a tenth)
// are not. It takes 4 bytes for `step` bytes of the base instead of 4 for each, and is made some
// twenty times faster. Each question looks at up to 16 places of the base.
// The base stays the caller's. Thread: any, once filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "delta/suffix_index.h"

namespace ota::delta {

class HashIndex {
 public:
  HashIndex() = default;
  // `searched`: of how many bytes of the base positions will be added. `step`: at least 1, and such
  // that the base has fewer than 2^32 of them. Throws std::bad_alloc.
  HashIndex(ByteView base, std::size_t searched, std::size_t step);

  // Memory that it takes.
  static std::uint64_t bytes_for(std::size_t searched, std::size_t step);
  // The positions of these bytes of the base.
  void add(std::size_t begin, std::size_t length);
  bool empty() const { return slots_.empty(); }
  // At its address in the base.
  SuffixIndex::Found longest(ByteView pattern) const;

 private:
  static std::size_t buckets_for(std::size_t searched, std::size_t step);
  std::size_t bucket_of(const std::uint8_t* bytes) const;

  ByteView base_;
  std::size_t step_ = 1;
  std::size_t buckets_ = 0;
  std::vector<std::uint32_t> slots_;  // positions in steps, a bucket's beside each other
};

}  // namespace ota::delta
