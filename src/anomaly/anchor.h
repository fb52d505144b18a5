// Where a metric has its home, over days, and whether it left.
//
// The anchor moves with a time constant of three days whatever the sampling rate, and no reading
// pulls it further than three spreads: who raises a metric slowly to teach the baseline is found
// out long before the baseline has learned. A lasting change is accepted after a day or two.
//
//   home --(far for watch_after)--> watch --(farther for critical_after)--> critical
//
// Up is away: less load, heat or use than ever is no danger. A departure counts only past a
// distance in the metric's own unit as well, so that a quiet metric does not alarm over trifles.
// Nothing is said before there is an hour of history, nothing critical before a day.
//
// Pure; no allocation. Thread: one at a time.
#pragma once

#include <cstdint>

#include "anomaly/limit.h"
#include "base/clock.h"
#include "model/verdict.h"

namespace ota::anomaly {

// When a metric is far from home.
struct DepartureRule {
  double least = 0;  // in the metric's unit
  milliseconds watch_after{0};
  milliseconds clear_after{0};
  milliseconds longest_gap{0};
};

class Anchor {
 public:
  // `recent`: the mean of the last readings; `value`: the last one.
  void observe(const DepartureRule& rule, double value, double recent, WallTime at);

  model::Level level() const;
  WallTime since() const;
  double centre() const { return centre_; }
  double spread() const;
  // Below this it is at home.
  double edge(const DepartureRule& rule) const;

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("centre", self.centre_);
    visit("variance", self.variance_);
    visit("watch", self.watch_);
    visit("critical", self.critical_);
  }
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    each_told(self, visit);
    visit("first_at", self.first_at_);
    visit("last_at", self.last_at_);
    visit("count", self.count_);
  }

 private:
  double reach(const DepartureRule& rule, double spreads) const;
  void learn(double value, WallTime at);

  double centre_ = 0;
  double variance_ = 0;
  WallTime first_at_{};
  WallTime last_at_{};
  std::uint32_t count_ = 0;
  Latch watch_;
  Latch critical_;
};

}  // namespace ota::anomaly
