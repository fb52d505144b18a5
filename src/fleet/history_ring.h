// The last readings of one device for its graphs, in 14 bytes each: hundredths of a unit and tenths
// of a second, which no screen can tell from the exact values.
//
// Memory grows with what was pushed, up to the capacity, in blocks that stay where they are: in a
// fleet of thousands, arrays that grow by doubling leave as much behind as they hold. Thread: one
// at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "fleet/snapshot.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::fleet {

// How many readings of each device are kept: what is wanted, or fewer where there are so many
// devices that all rings together would take more than 128 MiB (some 10,600 devices with 900
// readings each); never below 60.
std::size_t readings_of_each(std::size_t wanted, std::size_t devices);

class HistoryRing {
 public:
  explicit HistoryRing(std::size_t capacity) : capacity_(capacity) {}

  void push(WallTime at, const std::array<std::optional<double>, model::kMetricCount>& values,
            double score, model::Level level);
  // push() is called soon (base/prefetch.h).
  void fetch_ahead() const;
  std::vector<HistoryPoint> points() const;  // oldest first
  // Keeps the newest that fit.
  void set_capacity(std::size_t capacity);
  std::size_t size() const { return size_; }

 private:
  struct Packed {
    std::array<std::uint16_t, 2> at;  // tenths of a second since base_, high half first
    std::array<std::uint16_t, model::kMetricCount> values;  // 0: none; else see history_ring.cpp
    std::uint8_t score = 0;                                 // of 255
    model::Level level = model::Level::kUnknown;
  };
  static_assert(sizeof(Packed) == 14);
  static constexpr std::size_t kBlock = 32;  // readings
  using Block = std::array<Packed, kBlock>;

  Packed& place(std::size_t i) const { return (*blocks_[i / kBlock])[i % kBlock]; }
  void append(const Packed& packed);
  HistoryPoint unpack(const Packed& packed) const;

  std::size_t capacity_;
  std::size_t next_ = 0;  // where the next one goes once the ring is full
  WallTime base_{};
  std::size_t size_ = 0;
  std::vector<std::unique_ptr<Block>> blocks_;
};

}  // namespace ota::fleet
