#include "fleet/history_ring.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/prefetch.h"

namespace ota::fleet {
namespace {

// (value + 100) * 100 + 1 in 16 bits: from -100 to 555 in hundredths; 0 stands for "not sent".
constexpr double kOffset = 100;
constexpr double kScale = 100;
constexpr milliseconds kTick(100);

std::uint16_t pack_value(std::optional<double> value) {
  if (!value) return 0;
  const double scaled = std::round((*value + kOffset) * kScale) + 1;
  return static_cast<std::uint16_t>(std::clamp(scaled, 1.0, 65535.0));
}

std::optional<float> unpack_value(std::uint16_t packed) {
  if (packed == 0) return std::nullopt;
  return static_cast<float>((packed - 1) / kScale - kOffset);
}

}  // namespace

std::size_t readings_of_each(std::size_t wanted, std::size_t devices) {
  constexpr std::size_t kBytesOfAll = std::size_t{128} << 20;
  constexpr std::size_t kBytesOfOne = 14;
  constexpr std::size_t kLeast = 60;
  const std::size_t share = kBytesOfAll / kBytesOfOne / std::max<std::size_t>(devices, 1);
  return std::min(wanted, std::max(share, kLeast));
}

void HistoryRing::push(WallTime at,
                       const std::array<std::optional<double>, model::kMetricCount>& values,
                       double score, model::Level level) {
  if (capacity_ == 0) return;
  // An hour of slack before the first reading: clocks step back.
  if (size_ == 0) base_ = at - std::chrono::hours(1);
  const auto ticks = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>((at - base_) / kTick, 0, std::int64_t{UINT32_MAX}));
  Packed packed{};
  packed.at = {static_cast<std::uint16_t>(ticks >> 16), static_cast<std::uint16_t>(ticks)};
  for (std::size_t i = 0; i < values.size(); ++i)
    packed.values[i] = pack_value(values[i]);
  packed.score = static_cast<std::uint8_t>(std::lround(std::clamp(score, 0.0, 1.0) * 255));
  packed.level = level;
  if (size_ < capacity_) return append(packed);
  place(next_) = packed;
  next_ = (next_ + 1) % capacity_;
}

void HistoryRing::fetch_ahead() const {
  const std::size_t next = size_ < capacity_ ? size_ : next_;
  if (next < blocks_.size() * kBlock) prefetch(&place(next), sizeof(Packed));
}

void HistoryRing::append(const Packed& packed) {
  if (size_ == blocks_.size() * kBlock) blocks_.push_back(std::make_unique<Block>());
  place(size_++) = packed;
}

HistoryPoint HistoryRing::unpack(const Packed& packed) const {
  HistoryPoint point;
  const std::uint32_t ticks = (std::uint32_t{packed.at[0]} << 16) | packed.at[1];
  point.at = base_ + ticks * kTick;
  for (std::size_t i = 0; i < packed.values.size(); ++i) {
    point.values[i] = unpack_value(packed.values[i]);
  }
  point.score = static_cast<float>(packed.score) / 255;
  point.level = packed.level;
  return point;
}

std::vector<HistoryPoint> HistoryRing::points() const {
  std::vector<HistoryPoint> out;
  out.reserve(size_);
  for (std::size_t i = 0; i < size_; ++i)
    out.push_back(unpack(place((next_ + i) % size_)));
  return out;
}

void HistoryRing::set_capacity(std::size_t capacity) {
  if (capacity == capacity_) return;
  HistoryRing other(capacity);
  other.base_ = base_;
  for (std::size_t i = size_ - std::min(size_, capacity); i < size_; ++i)
    other.append(place((next_ + i) % size_));
  *this = std::move(other);
}

}  // namespace ota::fleet
