// How unusual one metric is: five sizes of its last reading, each as rare as its own past says.
//
//   now     the reading's distance from home                   spikes of one row
//   mean5   the same of the mean of 5                           events of 3 to 10 rows
//   mean60  the same of the mean of 60                          level shifts, ramps
//   change  the step from the row before                        a series that wanders; more
//   variance step    the mean of 5 against that of the 30 before it      what is small beside a
//   day's swing
//
// All are in spreads of the metric's home. The rarest of the five is the metric's rarity. A row is
// judged first and learnt from afterwards: judge() and then learn(), once each for a row that has
// the metric.
//
// About 1.5 KiB for readings of one decimal, 4 KiB at most. Pure. Thread: one at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "anomaly/home.h"
#include "anomaly/rarity.h"
#include "anomaly/readings.h"
#include "anomaly/tuning.h"
#include "model/enum_text.h"

namespace ota::anomaly {

using model::enum_text;
using model::enum_value;

enum class Size : std::uint8_t { kNow, kMean5, kMean60, kChange, kStep };
inline constexpr std::size_t kSizeCount = 5;
inline constexpr model::EnumTable<Size, kSizeCount> kSizeWords{{{Size::kNow, "now"},
                                                                {Size::kMean5, "mean5"},
                                                                {Size::kMean60, "mean60"},
                                                                {Size::kChange, "change"},
                                                                {Size::kStep, "step"}}};
OTA_ENUM_TEXT(Size, parse_size, kSizeWords)

class MetricScore {
 public:
  // `value`: finite, at most 1e30 in size; `row`: of the device, counted from 1.
  void judge(double value, std::uint32_t row, const Tuning& tuning);
  // The reading that was judged last counts as so many units of one (rarity.h).
  void learn(double value, std::uint32_t row, std::uint32_t weight, double longest_stride);
  // This row lacks the metric: it says nothing.
  void pass() { judged_ = false, rarity_ = 0; }

  // Of the row at hand; false where it lacks the metric or nothing is known of it yet.
  bool judged() const { return judged_; }
  double rarity() const { return rarity_; }
  Size by() const { return by_; }  // the rarest
  const std::array<double, kSizeCount>& sizes() const { return sizes_; }

  const Home& home() const { return home_; }
  double mean_of_last(std::size_t count) const;

  std::size_t bytes() const { return sizeof *this + readings_.bytes() + rarities_.bytes(); }
  void fetch_ahead() const;

  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    visit("readings", self.readings_);
    visit("home", self.home_);
    visit("rarities", self.rarities_);
    visit("count", self.count_);
    visit("row", self.row_);
    visit("last", self.last_);
    visit("rarity", self.rarity_);
    visit("by", self.by_);
    visit("judged", self.judged_);
    for (auto& size : self.sizes_)
      visit("size", size);
  }
  // Slots of the readings: the last ones, then the home's.
  static constexpr std::size_t kRecent = Home::kFirst;
  static constexpr std::size_t kSlots = Home::kSlots + kRecent;

 private:
  Readings readings_{kSlots};
  Home home_;
  Rarity rarities_{Scale::kOctaves, kSizeCount};
  std::uint32_t count_ = 0;  // readings
  std::uint32_t row_ = 0;    // of the last one
  double last_ = 0;
  double rarity_ = 0;
  std::array<double, kSizeCount> sizes_{};
  std::array<std::uint8_t, kSizeCount> bins_{};  // that the sizes count in, until they are learnt
  Size by_ = Size::kNow;
  bool judged_ = false;
};

}  // namespace ota::anomaly
