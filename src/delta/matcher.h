// Where the bytes of a new image come from: the publishing side's search.
//
// Aligned pages of 4 KiB that stand in the base, or in what a device has of the new image by then,
// are found by their hash. The rest is searched as bsdiff does (Percival, "Naive differences of
// executable code", 2003): exact matches by an index of the base, extended to both sides as long as
// more than half of the bytes are equal. What is matched in pages is left out of the index but for
// margins, which makes it small where little has changed. The index is a suffix array; over more
// than that is worth, hashes (hash_index.h).
//
// The same base and image give the same copies. Thread: any, once made.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "delta/hash_index.h"
#include "delta/suffix_index.h"

namespace ota::delta {

// `length` bytes from `from` of base and finished image (README.md), then `extra` new ones.
struct Copy {
  std::uint64_t from = 0;
  std::size_t length = 0;
  std::size_t extra = 0;
};

class Matcher {
 public:
  // Of a base, the most bytes that a suffix array is made over: 20 s of CPU, and 0.6 GiB.
  static constexpr std::size_t kMostSorted = std::size_t{128} << 20;

  // Both stay the caller's and outlive it. `block_size` is a multiple of 4 KiB. The index takes at
  // most `index_bytes` of memory, and some 300 KiB where it is a suffix array: with fewer, shorter
  // matches are missed. Below 1 KiB there is none.
  Matcher(ByteView base, ByteView image, std::uint64_t block_size, std::uint64_t index_bytes,
          std::size_t most_sorted = kMostSorted);

  // They make up the block exactly, in order.
  std::vector<Copy> copies(std::size_t block) const;
  // Bytes of the base that are searched.
  std::size_t indexed() const { return searched_; }

 private:
  // Image position x stands beside old[x + shift], where that is within [0, size).
  struct Alignment {
    const std::uint8_t* old = nullptr;
    std::int64_t shift = 0;
    std::int64_t size = 0;
    std::uint64_t address = 0;  // of old[0]

    bool reaches(std::int64_t x) const { return x + shift >= 0 && x + shift < size; }
    bool same_as(const Alignment& other) const { return old == other.old && shift == other.shift; }
  };
  struct Anchor {
    std::int64_t at = 0;  // in the image
    Alignment with;
  };
  // A stretch of text_ as it stands in the base.
  struct Range {
    std::size_t text = 0;
    std::size_t base = 0;
    std::size_t length = 0;
  };

  void match_pages();
  void make_index(std::uint64_t index_bytes, std::size_t most_sorted);
  void sort_ranges();
  void hash_ranges(std::uint64_t index_bytes);
  Alignment align(std::int64_t at, std::uint64_t address, std::int64_t block_begin) const;
  bool equal(const Alignment& with, std::int64_t x) const {
    return with.reaches(x) && with.old[x + with.shift] == image_[static_cast<std::size_t>(x)];
  }
  std::vector<Anchor> anchors(std::int64_t begin, std::int64_t end) const;
  void search(std::int64_t begin, std::int64_t end, std::int64_t block_begin,
              std::vector<Anchor>& into) const;
  SuffixIndex::Found find(std::int64_t at, std::int64_t end, const Alignment& before) const;

  ByteView base_, image_;
  std::uint64_t block_size_;
  // For each whole page of the image the address that it is copied from, or one of these.
  static constexpr std::uint64_t kUnmatched = ~std::uint64_t{0};
  static constexpr std::uint64_t kZeros = kUnmatched - 1;
  std::vector<std::uint64_t> pages_;
  std::vector<bool> used_;  // pages of the base
  Bytes joined_;            // text_, where it is not the base itself
  ByteView text_;
  std::vector<Range> ranges_;
  std::size_t searched_ = 0;  // the ranges' bytes, where there is an index of them
  SuffixIndex sorted_;        // one of the two
  HashIndex hashed_;
};

}  // namespace ota::delta
