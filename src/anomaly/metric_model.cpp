#include "anomaly/metric_model.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace ota::anomaly {
namespace {

// A long-run rate that is a plain mean until there are enough readings.
double rate(double steady, std::uint32_t count) {
  return std::max(steady, 1.0 / (static_cast<double>(count) + 1));
}

double mean(std::span<const float> values, std::uint32_t count) {
  const std::size_t used = std::min<std::size_t>(values.size(), count);
  double sum = 0;
  for (std::size_t i = 0; i < used; ++i)
    sum += static_cast<double>(values[i]);
  return used == 0 ? 0 : sum / static_cast<double>(used);
}

}  // namespace

double Surprise::combined() const {
  return (level + context) / std::sqrt(2.0);
}

double MetricModel::recent_mean() const {
  return mean(recent_, count_);
}

// Below a thousandth of the level, differences are rounding and not behaviour.
double MetricModel::smallest_spread() const {
  return std::max(resolution_, 1e-3 * std::abs(level_)) + 1e-12;
}

double MetricModel::judge_level(double value) {
  constexpr std::uint32_t kWarm = 20;
  constexpr double kLongRun = 1.733e-4;  // half of the weight in the last 4000 readings
  recent_[count_ % kRecent] = static_cast<float>(value);
  const double now = mean(recent_, count_ + 1);
  double surprise = 0;
  if (count_ > kWarm) {  // before, nothing was measured that a tail could learn from
    const double size = std::abs(now - level_) / std::max(spread(), smallest_spread());
    surprise = level_tail_.surprise(size);
    level_tail_.add(size);
  }
  const double step = rate(kLongRun, count_);
  const double distance = value - level_;
  // The mean distance and not the root of the mean square: one absurd reading would widen that for
  // weeks, and whatever comes after it would hide in its shade.
  constexpr double kSigma = 1.2533;  // sigmas in a mean distance of normal noise: sqrt(pi / 2)
  spread_ += step * (kSigma * std::abs(distance) - spread_);
  level_ += step * distance;
  return surprise;
}

double MetricModel::judge_context(double value, WallTime at) {
  constexpr double kFollowSeconds = 3600;
  constexpr double kFastest = 0.2;
  constexpr double kSpreadRate = 1e-3;
  constexpr double kClip = 3;  // an outlier counts as this many spreads, so that it hides no other
  constexpr std::uint32_t kWarm = 50;

  const auto [usual, seen] = profile_.at(at);

  const double residual = seen > 0 ? value - static_cast<double>(usual) : 0.0;
  residuals_[count_ % kContext] = static_cast<float>(residual);
  double size = 0;
  if (seen >= 2 && context_count_ > 0) {
    size = std::abs(mean(residuals_, count_ + 1)) / std::max(context_spread_, smallest_spread());
  }
  const double surprise = context_tail_.surprise(size);
  context_tail_.add(size);

  if (seen > 0) {
    double far = std::abs(residual);
    if (context_count_ > kWarm) {
      far = std::min(far, kClip * std::max(context_spread_, smallest_spread()));
    }
    context_spread_ += rate(kSpreadRate, context_count_) * (far - context_spread_);
    ++context_count_;
  }
  const double passed = std::chrono::duration<double>(at - last_at_).count();
  double follow = std::min(1 - std::exp(-std::max(0.0, passed) / kFollowSeconds), kFastest);
  if (seen < WeekProfile::kSettled) follow = std::max(follow, 1.0 / (seen + 1.0));
  usual = static_cast<float>(static_cast<double>(usual) +
                             follow * (value - static_cast<double>(usual)));
  if (seen < WeekProfile::kSettled) ++seen;
  return surprise;
}

Surprise MetricModel::observe(double value, WallTime at) {
  constexpr double kLargest = 1e30;  // so that floats stay finite
  value = std::clamp(value, -kLargest, kLargest);
  if (count_ == 0) last_at_ = at;
  Surprise surprise;
  surprise.context = judge_context(value, at);
  surprise.level = judge_level(value);
  last_at_ = at;
  if (count_ < UINT32_MAX - 1) ++count_;
  return surprise;
}

}  // namespace ota::anomaly
