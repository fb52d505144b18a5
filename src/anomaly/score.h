// From surprises to one anomaly score in [0, 1], and from many high scores to one alarm.
//
// A device's metrics are pooled: one metric alone may be alarming (its surprise less what looking
// at several metrics costs), or all of them together may be unusual where none is by itself; the
// mean's own history calibrates the latter. The filter then lets each incident speak once: after an
// alarm, scores stay below the threshold until the series has been quiet for a while.
//
// Pure; no allocation. Thread: one at a time.
#pragma once

#include <cstdint>
#include <span>

#include "anomaly/tail.h"

namespace ota::anomaly {

// 0 at no surprise, 0.5 at the surprise that labelled public series were best told apart by, 1
// never.
double score_of(double surprise);
// The inverse, for explanations: the surprise that gives this score (below 1).
double surprise_of(double score);

// A score of an incident that had its alarm: below the threshold.
double hushed(double raw, double threshold);

class JointModel {
 public:
  // The pooled surprise of one row; `surprises` holds the combined surprise of each metric in it.
  double observe(std::span<const double> surprises);

 private:
  TailEstimate tail_;
};

class AlarmFilter {
 public:
  // Readings without a high score after which the next one is a new incident.
  static constexpr std::uint32_t kQuietRows = 80;

  // The score as it is reported: `raw` where it opens an incident or is below `threshold` anyway,
  // else scaled to below `threshold`.
  double filter(double raw, double threshold);

 private:
  std::uint32_t quiet_ = kQuietRows;
};

}  // namespace ota::anomaly
