#include "delta/suffix_index.h"

#include <divsufsort.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <stdexcept>

namespace ota::delta {
namespace {

constexpr std::size_t kPairs = std::size_t{1} << 16;

std::size_t pair_of(const std::uint8_t* bytes) {
  return std::size_t{bytes[0]} << 8 | bytes[1];
}

}  // namespace

std::size_t common_prefix(ByteView a, ByteView b) {
  static_assert(std::endian::native == std::endian::little);
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t i = 0;
  for (; i + 8 <= most; i += 8) {
    std::uint64_t left = 0;
    std::uint64_t right = 0;
    std::memcpy(&left, a.data() + i, 8);
    std::memcpy(&right, b.data() + i, 8);
    if (left != right) return i + static_cast<std::size_t>(std::countr_zero(left ^ right)) / 8;
  }
  while (i < most && a[i] == b[i])
    ++i;
  return i;
}

SuffixIndex::SuffixIndex(ByteView text) : text_(text) {
  if (text.size() > kMaxText) throw std::length_error("a text beyond 2 GiB");
  if (text.size() < 2) return;
  order_.resize(text.size());
  if (divsufsort(text.data(), order_.data(), static_cast<std::int32_t>(text.size())) != 0)
    throw std::bad_alloc();
  begin_.assign(kPairs + 1, 0);
  for (std::size_t i = 0; i + 1 < text.size(); ++i)
    ++begin_[pair_of(&text[i]) + 1];
  // The last suffix is one byte alone, which stands before all pairs that begin with it.
  ++begin_[std::size_t{text.back()} << 8];
  for (std::size_t i = 0; i < kPairs; ++i)
    begin_[i + 1] += begin_[i];
}

SuffixIndex::Found SuffixIndex::longest(ByteView pattern) const {
  if (pattern.size() < 2 || order_.empty()) return {};
  const std::size_t pair = pair_of(pattern.data());
  std::size_t left = begin_[pair];
  // Less the lone last byte, where it stands at the end of this pair's.
  std::size_t right = begin_[pair + 1];
  Found best;
  // Suffixes before `left` are less than the pattern, those from `right` on are not; they have that
  // many bytes in common with it.
  std::size_t common_left = 0;
  std::size_t common_right = 0;
  while (left < right) {
    const std::size_t middle = left + (right - left) / 2;
    const auto at = static_cast<std::size_t>(order_[middle]);
    const ByteView suffix = text_.subspan(at);
    std::size_t common = std::min(common_left, common_right);
    common += common_prefix(suffix.subspan(common), pattern.subspan(common));
    if (common > best.length) best = {at, common};
    if (common == pattern.size()) break;
    if (common == suffix.size() || suffix[common] < pattern[common]) {
      left = middle + 1;
      common_left = common;
    } else {
      right = middle;
      common_right = common;
    }
  }
  return best.length >= 2 ? best : Found{};
}

}  // namespace ota::delta
