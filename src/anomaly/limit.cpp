#include "anomaly/limit.h"

#include <algorithm>

#include "model/metric_limit.h"

namespace ota::anomaly {

double LimitRule::quiet_level() const {
  return limit - std::max(hysteresis, watch_margin);
}

LimitRule limit_rule(const model::Thresholds& thresholds, model::Metric metric) {
  return {model::limit_of(thresholds, metric),
          thresholds.hysteresis,
          thresholds.watch_margin,
          thresholds.raise_after,
          thresholds.clear_after,
          thresholds.stale_after};
}

void Latch::observe(const Reading& reading, milliseconds raise_after, milliseconds clear_after) {
  if (reading.over && since_ == WallTime{}) since_ = reading.at;
  if (reading.over && !on_ && reading.at - since_ >= raise_after) on_ = true;

  if (!reading.under) {
    under_since_ = WallTime{};
    return;
  }
  if (under_since_ == WallTime{} || reading.after_gap) under_since_ = reading.at;
  if (!on_ || reading.at - under_since_ >= clear_after) *this = Latch{};
}

void LimitWatch::observe(const LimitRule& rule, double value, WallTime at) {
  const bool after_gap = seen() && at - last_at_ > rule.longest_gap;
  const bool breach = value >= rule.limit;
  critical_.observe({breach, value < rule.limit - rule.hysteresis, at, after_gap}, rule.raise_after,
                    rule.clear_after);
  const bool near = value >= rule.limit - rule.watch_margin;
  watch_.observe({near, value < rule.quiet_level(), at, after_gap},
                 breach ? milliseconds(0) : rule.raise_after, rule.clear_after);
  last_value_ = value;
  last_at_ = at;
}

void LimitWatch::change(const LimitRule& rule) {
  if (!seen()) return;
  if (last_value_ < rule.limit) critical_ = Latch{};
  if (last_value_ < rule.limit - rule.watch_margin) watch_ = Latch{};
}

model::Level LimitWatch::level() const {
  if (critical_.on()) return model::Level::kCritical;
  return watch_.on() ? model::Level::kWatch : model::Level::kStable;
}

WallTime LimitWatch::since() const {
  if (critical_.on()) return critical_.since();
  return watch_.on() ? watch_.since() : WallTime{};
}

}  // namespace ota::anomaly
