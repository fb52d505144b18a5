// What one metric is expected to do, and how surprising its last reading was.
//
// Two residual models, each turned into a tail probability by the metric's own history:
//   level    the mean of the last readings against the long-run level, in long-run sigmas: level
//            shifts, ramps, bursts, and a variance that grew;
//   context  the last few readings against a profile of the hours of the week that follows the
//            present hour quickly: sudden changes, and what is normal at another time.
// Both must find a reading unusual for a high surprise; that keeps single outliers quiet.
//
// The window lengths and the pooling are the only parameters; they sit in the middle of a broad
// plateau on labelled public series (`make bench-anomaly`), not on a peak. Strictly causal; the
// same readings give the same bits.
//
// About 450 bytes and 1 KiB for the profile of a whole week, under a microsecond for a reading.
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>

#include "anomaly/tail.h"
#include "anomaly/week_profile.h"
#include "base/clock.h"

namespace ota::anomaly {

// Surprises are -log10 of tail probabilities: 3 is one reading in a thousand.
struct Surprise {
  double level = 0;
  double context = 0;
  double combined() const;
};

class MetricModel {
 public:
  static constexpr std::size_t kRecent = 18;  // readings whose mean is "now"

  // `resolution`: a change of this size is never news (half a point of a percentage, say).
  explicit MetricModel(double resolution = 0) : resolution_(resolution) {}

  // Judges the reading (finite) by what came before it, then learns from it. `at` may stand still
  // or go back, as bad series do; it is used for the hour and for how fast the profile follows.
  Surprise observe(double value, WallTime at);
  // observe() of a reading at that time is called soon (base/prefetch.h).
  void fetch_ahead(WallTime at) const { profile_.fetch_ahead(at); }

  double expected() const { return level_; }
  double spread() const { return spread_; }  // one sigma of the long run
  double recent_mean() const;                // of the last readings
  std::uint32_t count() const { return count_; }

  // See Latch::each_told.
  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("level", self.level_);
    visit("spread", self.spread_);
  }

 private:
  static constexpr std::size_t kContext = 5;  // readings whose mean residual is judged

  double judge_level(double value);
  double judge_context(double value, WallTime at);
  double smallest_spread() const;

  double resolution_;
  std::uint32_t count_ = 0;
  std::uint32_t context_count_ = 0;
  WallTime last_at_{};
  double level_ = 0;
  double spread_ = 0;
  double context_spread_ = 0;
  // Floats: what they round away is far below smallest_spread().
  std::array<float, kRecent> recent_{};
  std::array<float, kContext> residuals_{};
  WeekProfile profile_;
  TailEstimate level_tail_;
  TailEstimate context_tail_;
};

}  // namespace ota::anomaly
