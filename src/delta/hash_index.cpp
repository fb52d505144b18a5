#include "delta/hash_index.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <span>

namespace ota::delta {
namespace {

constexpr std::size_t kKey = 16;   // bytes that are hashed
constexpr std::size_t kWays = 16;  // positions in a bucket
constexpr std::uint32_t kFree = std::numeric_limits<std::uint32_t>::max();

}  // namespace

std::size_t HashIndex::buckets_for(std::size_t searched, std::size_t step) {
  return searched / step / kWays + 1;
}

std::uint64_t HashIndex::bytes_for(std::size_t searched, std::size_t step) {
  return std::uint64_t{buckets_for(searched, step)} * kWays * sizeof(std::uint32_t);
}

HashIndex::HashIndex(ByteView base, std::size_t searched, std::size_t step)
    : base_(base),
      step_(step),
      buckets_(buckets_for(searched, step)),
      slots_(buckets_ * kWays, kFree) {}

// Two multiplications, each with its high bits folded into the low ones (the constants are odd and
// have about as many ones as zeros; any such do).
std::size_t HashIndex::bucket_of(const std::uint8_t* bytes) const {
  constexpr std::uint64_t kFirst = 0x9E3779B97F4A7C15;
  constexpr std::uint64_t kSecond = 0xD6E8FEB86659FD93;
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  static_assert(sizeof head + sizeof tail == kKey);
  std::memcpy(&head, bytes, sizeof head);
  std::memcpy(&tail, bytes + sizeof head, sizeof tail);
  std::uint64_t mixed = (head ^ tail * kFirst) * kSecond;
  mixed ^= mixed >> 32;
  mixed *= kSecond;
  // The high half of a product spreads evenly over any number of buckets (Lemire, 2016).
  return static_cast<std::size_t>((mixed >> 32) * buckets_ >> 32);
}

void HashIndex::add(std::size_t begin, std::size_t length) {
  const std::size_t end = begin + length;
  for (std::size_t at = (begin + step_ - 1) / step_ * step_; at + kKey <= end; at += step_) {
    const auto bucket = std::span(slots_).subspan(bucket_of(base_.data() + at) * kWays, kWays);
    if (const auto slot = std::ranges::find(bucket, kFree); slot != bucket.end())
      *slot = static_cast<std::uint32_t>(at / step_);
  }
}

SuffixIndex::Found HashIndex::longest(ByteView pattern) const {
  SuffixIndex::Found best;
  if (pattern.size() < kKey || slots_.empty()) return best;
  const std::uint32_t* slot = &slots_[bucket_of(pattern.data()) * kWays];
  for (std::size_t i = 0; i < kWays && slot[i] != kFree; ++i) {
    const std::size_t at = std::size_t{slot[i]} * step_;
    const std::size_t common = common_prefix(base_.subspan(at), pattern);
    if (common > best.length) best = {at, common};
  }
  return best.length >= kKey ? best : SuffixIndex::Found{};
}

}  // namespace ota::delta
