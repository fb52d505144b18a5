#include "fleet/backtest.h"

#include <algorithm>

#include "anomaly/detector.h"

namespace ota::fleet {
namespace {

using model::Level;

// A reading a minute is no silence.
model::Thresholds by_the_minute(model::Thresholds limits) {
  constexpr milliseconds kSilence = std::chrono::minutes(3);
  limits.stale_after = std::max(limits.stale_after, kSilence);
  return limits;
}

model::Sample sample_of(const Minute& minute) {
  model::Sample sample;
  sample.boot = {1, 1};
  sample.at = minute.at;
  for (std::size_t i = 0; i < sample.values.size(); ++i) {
    if (minute.values[i]) sample.values[i] = minute.values[i]->mean;
  }
  for (const auto& [name, range] : minute.extra)
    sample.extra.push_back({name, range.mean});
  return sample;
}

}  // namespace

std::vector<LevelChange> compare_levels(std::span<const Minute> minutes,
                                        const BacktestThresholds& thresholds) {
  anomaly::DeviceDetector now(by_the_minute(thresholds.now));
  anomaly::DeviceDetector then(by_the_minute(thresholds.then));
  std::vector<LevelChange> changes;
  bool differs = false;
  for (const Minute& minute : minutes) {
    if (minute.samples == 0) continue;
    const model::Sample sample = sample_of(minute);
    now.observe(sample, minute.at);
    then.observe(sample, minute.at);
    const Level as_is = now.level(minute.at);
    const Level as_would = then.level(minute.at);
    if (as_is == as_would) {
      differs = false;
      continue;
    }
    if (!differs) {
      const auto& sicker = as_is > as_would ? now : then;
      changes.push_back(
          {minute.at, minute.at, as_is, as_would, sicker.verdict(minute.at).sentence});
    }
    differs = true;
    LevelChange& change = changes.back();
    change.to = minute.at + std::chrono::minutes(1);
    change.now = std::max(change.now, as_is);
    change.then = std::max(change.then, as_would);
  }
  return changes;
}

}  // namespace ota::fleet
