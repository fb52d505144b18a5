#include "anomaly/device_state.h"

#include <algorithm>
#include <cmath>

namespace ota::anomaly {
namespace {

using model::Level;
using model::Metric;
using model::SampleFault;

constexpr std::uint32_t kRefusalsInARow = 3;

bool is_impossible(SampleFault fault) {
  return fault == SampleFault::kNotANumber || fault == SampleFault::kOutOfRange ||
         fault == SampleFault::kFuture || fault == SampleFault::kMalformed;
}

}  // namespace

int limit_risk(const LimitRule& rule, Metric metric, double value, Level level) {
  constexpr double kHeatSpan = 20;  // degrees over the limit at which a board is past saving
  const double end = metric == Metric::kTemp ? rule.limit + kHeatSpan : 100.0;
  const double quiet = rule.quiet_level();
  const auto part = [](double v, double from, double to) {
    return to > from ? std::clamp((v - from) / (to - from), 0.0, 1.0) : 1.0;
  };
  const double calm = part(value, 0, quiet);
  switch (level) {
    case Level::kCritical:
      return 70 + static_cast<int>(std::lround(30 * part(value, rule.limit, end)));
    case Level::kWatch:
      return 30 + static_cast<int>(std::lround(39 * part(value, quiet, rule.limit)));
    default:
      return static_cast<int>(std::lround(29 * calm * calm));
  }
}

DeviceState::DeviceState(const model::Thresholds& wanted) : thresholds(wanted) {
  channels.resize(model::kMetricCount);
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    model::to_text(metric).copy(channels[i].name.data(), kLongestMetricName);
    channels[i].metric = metric;
  }
  make_rules();
}

void DeviceState::make_rules() {
  const std::array<double, model::kMetricCount> limits{
      thresholds.cpu_threshold, thresholds.mem_threshold, thresholds.disk_threshold,
      thresholds.temp_threshold};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    rules[i] = {limits[i],
                thresholds.hysteresis,
                thresholds.watch_margin,
                thresholds.raise_after,
                thresholds.clear_after,
                thresholds.stale_after};
  }
}

void DeviceState::set_thresholds(const model::Thresholds& wanted) {
  if (wanted == thresholds) return;
  thresholds = wanted;
  const auto before = rules;
  make_rules();
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (rules[i] != before[i]) channels[i].limit.change(rules[i]);
  }
  if (last_at != WallTime{}) settle(last_at);
}

void DeviceState::observe(const model::Sample& sample, WallTime received) {
  // The server's clock may be set back; what was seen stays seen.
  const WallTime at = std::max(received, last_at);
  if (boot_samples == 0 || sample.boot != boot) {
    boot = sample.boot;
    boot_samples = 0;
  }
  if (boot_samples < UINT32_MAX) ++boot_samples;
  refusals.in_a_row = 0;
  last_at = at;
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    if (sample.values[i]) take(channels[i], *sample.values[i], at);
  }
  for (const model::ExtraMetric& extra : sample.extra) {
    if (Channel* channel = extra_channel(extra.name)) take(*channel, extra.value, at);
  }
  settle(at);
}

void DeviceState::take(Channel& channel, double value, WallTime at) {
  channel.value = value;
  channel.seen_at = at;
  if (channel.metric) {
    channel.limit.observe(rules[static_cast<std::size_t>(*channel.metric)], value, at);
  }
}

// A device that invents new names is followed for the first few only.
Channel* DeviceState::extra_channel(std::string_view name) {
  if (name.empty() || name.size() > kLongestMetricName) return nullptr;
  for (std::size_t i = model::kMetricCount; i < channels.size(); ++i) {
    if (name == channels[i].name.data()) return &channels[i];
  }
  if (channels.size() >= model::kMetricCount + model::kMaxExtraMetrics) return nullptr;
  Channel& channel = channels.emplace_back();
  name.copy(channel.name.data(), kLongestMetricName);
  return &channel;
}

void DeviceState::refuse(SampleFault fault, WallTime received) {
  const WallTime at = std::max(received, last_at);
  refusals.last = fault;
  if (refusals.in_a_row < UINT32_MAX) ++refusals.in_a_row;
  if (is_impossible(fault)) {
    if (!refusing(at)) refusals.impossible_since = at;
    refusals.impossible_at = at;
  }
  settle(at);
}

void DeviceState::settle(WallTime at) {
  if (stale(at)) return;  // since() knows when silence began
  const Level now = level(at);
  if (now == last_level && last_level_since != WallTime{}) return;
  last_level = now;
  last_level_since = at;
}

bool DeviceState::stale(WallTime now) const {
  return last_at == WallTime{} || now - last_at > thresholds.stale_after;
}

bool DeviceState::starting() const {
  return boot_samples < thresholds.min_samples;
}

bool DeviceState::refusing(WallTime now) const {
  if (refusals.in_a_row >= kRefusalsInARow) return true;
  return refusals.impossible_at != WallTime{} &&
         now - refusals.impossible_at < thresholds.clear_after;
}

bool DeviceState::missing(const Channel& channel) const {
  return channel.seen() && last_at - channel.seen_at > thresholds.stale_after;
}

Level DeviceState::worst_channel() const {
  Level worst = Level::kStable;
  for (const Channel& channel : channels) {
    worst = std::max(worst, channel.limit.level());
    if (missing(channel)) worst = std::max(worst, Level::kWatch);
  }
  return worst;
}

// Silence outranks all: of a device that says nothing, nothing is known. A breach outranks the
// start, so that a restart does not hide it.
Level DeviceState::level(WallTime now) const {
  if (stale(now)) return Level::kUnknown;
  const Level worst = worst_channel();
  if (worst == Level::kCritical) return worst;
  if (starting()) return Level::kUnknown;
  return refusing(now) ? std::max(worst, Level::kWatch) : worst;
}

int DeviceState::risk(WallTime now) const {
  const Level overall = level(now);
  if (overall == Level::kUnknown) return 0;
  int worst = overall == Level::kWatch ? 30 : 0;
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    const Channel& channel = channels[i];
    if (!channel.seen()) continue;
    worst = std::max(worst,
                     limit_risk(rules[i], *channel.metric, channel.value, channel.limit.level()));
  }
  return worst;
}

WallTime DeviceState::since(WallTime now) const {
  const Level current = level(now);
  if (current == last_level) return last_level_since;
  // What changes by the passing of time alone: silence, and the end of a suspicion.
  if (current == Level::kUnknown) return last_at + thresholds.stale_after;
  return std::min(now, refusals.impossible_at + thresholds.clear_after);
}

}  // namespace ota::anomaly
