#include "anomaly/anchor.h"

#include <algorithm>
#include <cmath>

namespace ota::anomaly {
namespace {

using std::chrono::hours;

constexpr double kWatchSpreads = 6;
constexpr double kCriticalSpreads = 10;
constexpr milliseconds kFirstWord = hours(1);
constexpr milliseconds kFirstCritical = hours(24);
// Longer than backups and batch jobs take.
constexpr milliseconds kCriticalAfter = hours(2);
constexpr std::uint32_t kFewest = 60;  // readings

}  // namespace

double Anchor::spread() const {
  return std::sqrt(variance_);
}

double Anchor::reach(const DepartureRule& rule, double spreads) const {
  return std::max(rule.least * spreads / kWatchSpreads, spreads * spread());
}

double Anchor::edge(const DepartureRule& rule) const {
  return centre_ + reach(rule, kWatchSpreads);
}

void Anchor::observe(const DepartureRule& rule, double value, double recent, WallTime at) {
  if (count_ == 0) {
    first_at_ = at;
    last_at_ = at;
  }
  const bool after_gap = at - last_at_ > rule.longest_gap;
  const milliseconds known = at - first_at_;
  if (count_ >= kFewest && known >= kFirstWord) {
    const double away = recent - centre_;
    const double far = reach(rule, kWatchSpreads);
    watch_.observe({away >= far, away < far, at, after_gap}, rule.watch_after, rule.clear_after);
    const bool farther = known >= kFirstCritical && away >= reach(rule, kCriticalSpreads);
    critical_.observe({farther, !farther, at, after_gap}, kCriticalAfter, rule.clear_after);
  }
  learn(value, at);
}

void Anchor::learn(double value, WallTime at) {
  constexpr double kMemorySeconds = 3 * 24 * 3600.0;
  constexpr double kClip = 3;  // spreads
  const double passed = std::chrono::duration<double>(at - last_at_).count();
  const double steady = 1 - std::exp(-std::max(0.0, passed) / kMemorySeconds);
  // The first hour is a plain mean.
  const bool young = at - first_at_ < kFirstWord;
  const double step = young ? 1.0 / (static_cast<double>(count_) + 1) : steady;
  double distance = value - centre_;
  if (!young && count_ >= kFewest) {
    const double most = kClip * std::max(spread(), 1e-3 * std::abs(centre_));
    distance = std::clamp(distance, -most, most);
  }
  // The spread follows slower still: a climb must not widen what it is measured by.
  constexpr double kSpreadShare = 0.25;
  variance_ +=
      (young ? step : kSpreadShare * step) * (distance * distance * (1 - step) - variance_);
  centre_ += step * distance;
  last_at_ = at;
  if (count_ < UINT32_MAX) ++count_;
}

model::Level Anchor::level() const {
  if (critical_.on()) return model::Level::kCritical;
  return watch_.on() ? model::Level::kWatch : model::Level::kStable;
}

WallTime Anchor::since() const {
  return watch_.on() ? watch_.since() : critical_.since();
}

}  // namespace ota::anomaly
