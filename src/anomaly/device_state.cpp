#include "anomaly/device_state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "base/prefetch.h"

namespace ota::anomaly {
namespace {

using model::Level;
using model::Metric;
using model::SampleFault;

constexpr std::uint32_t kRefusalsInARow = 3;
constexpr milliseconds kDepartureWatch = seconds(60);

bool is_impossible(SampleFault fault) {
  return fault == SampleFault::kNotANumber || fault == SampleFault::kOutOfRange ||
         fault == SampleFault::kFuture || fault == SampleFault::kMalformed;
}

// In the metric's unit: what an operator would shrug at, whatever the statistics say.
double shrug(std::optional<Metric> metric) {
  if (!metric) return 0;
  switch (*metric) {
    case Metric::kCpu:
      return 30;
    case Metric::kMem:
      return 15;
    case Metric::kDisk:
      return 5;
    case Metric::kTemp:
      return 12;
  }
  return 0;
}

}  // namespace

DepartureRule Channel::departure(const model::Thresholds& thresholds) const {
  return {shrug(metric), std::max(thresholds.raise_after, kDepartureWatch), thresholds.clear_after,
          thresholds.stale_after};
}

bool DeviceState::leads(const Channel& channel) const {
  return told.open && channel.lead.rarity > 0;
}

Level DeviceState::baseline_level(const Channel& channel) const {
  const bool unusual = leads(channel) || channel.alone.on();
  return unusual ? std::max(channel.anchor.level(), Level::kWatch) : channel.anchor.level();
}

WallTime DeviceState::baseline_since(const Channel& channel) const {
  WallTime first = WallTime::max();
  if (channel.anchor.level() != Level::kStable) first = channel.anchor.since();
  if (leads(channel)) first = std::min(first, channel.lead.since);
  if (channel.alone.on()) first = std::min(first, channel.alone.since());
  return first;
}

double Channel::least_effect() const {
  return shrug(metric) / 2;
}

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

DeviceState::DeviceState(std::shared_ptr<const model::Thresholds> wanted)
    : thresholds(std::move(wanted)) {}

void DeviceState::make_channels() {
  channels.resize(model::kMetricCount);
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    model::to_text(metric).copy(channels[i].name.data(), kLongestMetricName);
    channels[i].metric = metric;
  }
}

void DeviceState::set_thresholds(std::shared_ptr<const model::Thresholds> wanted) {
  const auto before = std::exchange(thresholds, std::move(wanted));
  if (*before == *thresholds) return;
  for (Channel& channel : channels) {
    if (!channel.metric) continue;
    const LimitRule rule = limit_rule(*thresholds, *channel.metric);
    if (rule != limit_rule(*before, *channel.metric)) channel.limit.change(rule);
  }
  if (last_at != WallTime{}) settle(last_at);
}

void DeviceState::hold_limits() {
  for (Channel& channel : channels) {
    if (!channel.metric || !channel.seen()) continue;
    const LimitRule rule = limit_rule(*thresholds, *channel.metric);
    channel.limit.observe(rule, channel.value, channel.seen_at - thresholds->raise_after);
    channel.limit.observe(rule, channel.value, channel.seen_at);
  }
  if (last_at != WallTime{}) settle(last_at);
}

void DeviceState::booted(const model::BootId& fresh, WallTime at) {
  if (boot_samples > 0 && fresh == boot) return;
  if (boot_samples > 0) restarts.boot(boot_samples, thresholds->min_samples, at);
  boot = fresh;
  boot_at = at;
  boot_samples = 0;
  copy.restart();
}

void DeviceState::observe(const model::Sample& sample, WallTime received) {
  // The server's clock may be set back; what was seen stays seen.
  const WallTime at = std::max(received, last_at);
  // Of a large fleet, a device is in no cache: all that is looked at is asked for at once.
  prefetch(this, sizeof *this);
  prefetch(channels.data(), channels.size() * sizeof(Channel));
  engine.fetch_ahead();
  booted(sample.boot, at);
  if (boot_samples < UINT32_MAX) ++boot_samples;
  if (channels.empty()) make_channels();
  refusals.in_a_row = 0;
  const milliseconds passed = last_at == WallTime{} ? milliseconds(0) : at - last_at;
  last_at = at;
  for (Channel& channel : channels)
    channel.fresh = false;
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    if (sample.values[i]) take(channels[i], *sample.values[i], at);
  }
  for (const model::ExtraMetric& extra : sample.extra) {
    if (Channel* found = channel(extra.name); found != nullptr && !found->metric) {
      take(*found, extra.value, at);
    }
  }
  score(at, passed);
  watch_copies();
  settle(at);
}

void DeviceState::score(WallTime at, milliseconds passed) {
  std::array<double, model::kMetricCount + model::kMaxExtraMetrics> values{};
  for (std::size_t i = 0; i < channels.size(); ++i)
    values[i] = channels[i].fresh ? channels[i].value : kNoReading;
  const Judgement row = engine.observe(at, std::span(values).first(channels.size()),
                                       thresholds->anomaly_score_threshold);
  constexpr std::size_t kRecent = 18;  // readings; the anchor looks at their mean
  for (std::size_t i = 0; i < channels.size(); ++i) {
    Channel& channel = channels[i];
    if (!channel.fresh) continue;
    channel.centre = engine.metric(i).home().centre();
    channel.spread = engine.metric(i).home().spread();
    channel.rarity = engine.metric(i).rarity();
    if (!channel.metric) continue;
    channel.anchor.observe(channel.departure(*thresholds), channel.value,
                           engine.metric(i).mean_of_last(kRecent), at);
  }
  take_leads(row, at);
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    if (channels[i].fresh) judge_alone(i, passed);
  }
}

// The score pools three metrics, so a fault that shows in one of four counts a third there. One
// that is rare enough to be so among all metrics, and high enough to matter, is told by itself.
void DeviceState::judge_alone(std::size_t index, milliseconds passed) {
  constexpr std::size_t kRecent = 5;  // readings
  Channel& channel = channels[index];
  const MetricScore& metric = engine.metric(index);
  const double effect = metric.mean_of_last(kRecent) - channel.centre;
  const double bar = engine.tuning().bar + std::log10(static_cast<double>(channels.size()));
  const bool high = metric.judged() && effect >= channel.least_effect();
  const bool after_gap = passed > thresholds->stale_after;
  channel.alone.observe(
      {high && metric.rarity() >= bar, effect < channel.least_effect(), last_at, after_gap},
      milliseconds(0), thresholds->clear_after);
  if (!channel.alone.on()) return;
  // A lead of an incident that is over is not this one's.
  const bool known = leads(channel) || channel.lead.since >= channel.alone.since();
  if (known && metric.rarity() < channel.lead.rarity) return;
  channel.lead =
      lead_told(metric, channel.value, known ? channel.lead.since : channel.alone.since());
}

void DeviceState::take_leads(const Judgement& row, WallTime at) {
  if (row.alarm == Alarm::kNew) {
    for (Channel& channel : channels)
      channel.lead = LeadTold{};
    told.since = at;
  }
  told.take(row, engine);
  // Of the alarm's row, and of worse ones since.
  const bool tells = row.alarm != Alarm::kNone || (told.open && row.counted >= told.rarity_told);
  if (!tells) return;
  told.rarity_told = row.counted;
  for (const std::uint16_t index : row.lead()) {
    Channel& channel = channels[index];
    const WallTime since = channel.lead.rarity > 0 ? channel.lead.since : at;
    channel.lead = lead_told(engine.metric(index), channel.value, since);
  }
}

void DeviceState::watch_copies() {
  std::uint64_t print = 14695981039346656037ULL;  // FNV-1a over the readings' bits
  for (const Channel& channel : channels) {
    if (!channel.fresh) continue;
    print = (print ^ std::bit_cast<std::uint64_t>(channel.value)) * 1099511628211ULL;
    print ^= print >> 31;
  }
  copy.observe(print, last_at);
}

bool DeviceState::frozen() const {
  constexpr std::uint32_t kLongRun = 100;
  constexpr int kLonger = 5;  // without a history, an idle machine is more likely than a lie
  if (copy.copied()) return true;
  bool any = false;
  for (const Channel& channel : channels) {
    if (!channel.seen()) continue;
    any = true;
    if (channel.flat.ever_changed() || channel.flat.run() < kLongRun ||
        last_at - channel.flat.since() < kLonger * thresholds->frozen_after) {
      return false;
    }
  }
  return any;
}

void DeviceState::take(Channel& channel, double value, WallTime at) {
  channel.value = value;
  channel.seen_at = at;
  channel.fresh = true;
  if (channel.metric) {
    channel.limit.observe(limit_rule(*thresholds, *channel.metric), value, at);
  }
  channel.flat.observe(value, at, thresholds->frozen_after);
}

// A device that invents new names is followed for the first few only.
Channel* DeviceState::channel(std::string_view name) {
  if (name.empty() || name.size() > kLongestMetricName) return nullptr;
  if (channels.empty()) make_channels();
  for (Channel& known : channels) {
    if (name == known.name.data()) return &known;
  }
  if (channels.size() >= model::kMetricCount + model::kMaxExtraMetrics) return nullptr;
  Channel& made = channels.emplace_back();
  name.copy(made.name.data(), kLongestMetricName);
  return &made;
}

std::size_t DeviceState::bytes() const {
  return sizeof *this - sizeof engine + engine.bytes() + channels.size() * sizeof(Channel) +
         copy.bytes();
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
  return last_at == WallTime{} || now - last_at > thresholds->stale_after;
}

bool DeviceState::starting() const {
  return boot_samples < thresholds->min_samples;
}

bool DeviceState::refusing(WallTime now) const {
  if (refusals.in_a_row >= kRefusalsInARow) return true;
  return refusals.impossible_at != WallTime{} &&
         now - refusals.impossible_at < thresholds->clear_after;
}

bool DeviceState::missing(const Channel& channel) const {
  return channel.seen() && last_at - channel.seen_at > thresholds->stale_after;
}

bool DeviceState::awaited(const Channel& channel) const {
  const bool needed = channel.metric == Metric::kCpu || channel.metric == Metric::kMem;
  return needed && (!channel.seen() || channel.seen_at < boot_at);
}

bool DeviceState::incomplete() const {
  // The known metrics come first, in their order: asked of each sample, so nothing is searched.
  const auto lacks = [this](Metric metric) {
    return awaited(channels[static_cast<std::size_t>(metric)]);
  };
  return channels.empty() || lacks(Metric::kCpu) || lacks(Metric::kMem);
}

Level DeviceState::worst_channel() const {
  Level worst = told.open ? Level::kWatch : Level::kStable;
  for (const Channel& channel : channels) {
    worst = std::max({worst, channel.limit.level(), baseline_level(channel)});
    if (channel.flat.stuck() || missing(channel)) worst = std::max(worst, Level::kWatch);
  }
  return worst;
}

// Silence outranks all: of a device that says nothing, nothing is known. A breach outranks the
// start, so that a restart does not hide it. Who keeps its load to itself is not known either.
Level DeviceState::level(WallTime now) const {
  if (stale(now)) return Level::kUnknown;
  const Level worst = worst_channel();
  if (worst == Level::kCritical) return worst;
  if (starting() || incomplete()) return Level::kUnknown;
  const bool suspect = refusing(now) || frozen() || restarts.looping(now);
  return suspect ? std::max(worst, Level::kWatch) : worst;
}

WallTime DeviceState::changes_at(WallTime now) const {
  if (stale(now)) return WallTime::max();
  WallTime first = last_at + thresholds->stale_after + milliseconds(1);
  for (const WallTime end :
       {refusals.impossible_at + thresholds->clear_after, restarts.settled_at()}) {
    if (end > now) first = std::min(first, end);
  }
  return first;
}

int DeviceState::risk(WallTime now) const {
  const Level overall = level(now);
  if (overall == Level::kUnknown) return 0;
  int worst = overall == Level::kCritical ? 70 : overall == Level::kWatch ? 30 : 0;
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    const Channel& channel = channels[i];
    if (!channel.seen()) continue;
    worst = std::max(worst, limit_risk(limit_rule(*thresholds, *channel.metric), *channel.metric,
                                       channel.value, channel.limit.level()));
  }
  return worst;
}

WallTime DeviceState::since(WallTime now) const {
  const Level current = level(now);
  if (current == last_level) return last_level_since;
  // What changes by the passing of time alone: silence, and the end of a suspicion.
  if (current == Level::kUnknown) return last_at + thresholds->stale_after;
  return std::min(now, std::max(last_at, refusals.impossible_at + thresholds->clear_after));
}

}  // namespace ota::anomaly
