// A verdict in words: which signals, what the operator is told, and the smallest change that clears
// it.

#include <algorithm>
#include <string>

#include "anomaly/device_state.h"
#include "base/text.h"

namespace ota::anomaly {
namespace {

using model::Level;
using model::Metric;
using model::Signal;
using model::SignalKind;
using model::Verdict;

std::string display_name(const Channel& channel) {
  if (!channel.metric) return channel.name.data();
  switch (*channel.metric) {
    case Metric::kCpu:
      return "CPU";
    case Metric::kMem:
      return "memory";
    case Metric::kDisk:
      return "disk";
    case Metric::kTemp:
      return "temperature";
  }
  return channel.name.data();
}

std::string with_unit(const Channel& channel, double value, int decimals) {
  std::string number = format_number(value, decimals);
  if (!channel.metric) return number;
  return number + (*channel.metric == Metric::kTemp ? " °C" : " %");
}

std::string lasting(milliseconds time) {
  return format_number(static_cast<double>(time.count()) / 1000.0, 1) + " s";
}

Signal limit_signal(const Channel& channel, const LimitRule& rule, WallTime now) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kLimit;
  signal.level = channel.limit.level();
  signal.value = channel.value;
  signal.limit = rule.limit;
  signal.since = channel.limit.since();
  signal.text = display_name(channel) + " " + with_unit(channel, channel.value, 0) + " (limit " +
                with_unit(channel, rule.limit, 1) + ") for " +
                format_age(std::max(milliseconds(0), now - signal.since));
  return signal;
}

Signal missing_signal(const Channel& channel, WallTime now) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kData;
  signal.level = Level::kWatch;
  signal.value = channel.value;
  signal.since = channel.seen_at;
  signal.text = "no " + display_name(channel) + " reading for " + format_age(now - channel.seen_at);
  return signal;
}

Signal refusal_signal(const DeviceState& state) {
  Signal signal;
  signal.metric = "samples";
  signal.kind = SignalKind::kData;
  signal.level = Level::kWatch;
  signal.value = state.refusals.in_a_row;
  signal.since = state.refusals.impossible_since;
  signal.text = "readings refused: " + std::string(model::to_text(state.refusals.last));
  return signal;
}

std::vector<Signal> gather(const DeviceState& state, WallTime now) {
  std::vector<Signal> signals;
  for (const Channel& channel : state.channels) {
    if (channel.limit.level() != Level::kStable) {
      const auto index = static_cast<std::size_t>(*channel.metric);
      signals.push_back(limit_signal(channel, state.rules[index], now));
    }
    if (state.missing(channel)) signals.push_back(missing_signal(channel, now));
  }
  if (state.refusing(now)) signals.push_back(refusal_signal(state));
  std::stable_sort(signals.begin(), signals.end(),
                   [](const Signal& a, const Signal& b) { return a.level > b.level; });
  return signals;
}

struct Words {
  std::string_view critical;
  std::string_view watch;
};

Words words_for(const Signal& signal) {
  if (signal.kind == SignalKind::kData) return {"Bad Telemetry", "Bad Telemetry"};
  if (signal.kind == SignalKind::kFlatLine) return {"Frozen Readings", "Frozen Readings"};
  if (signal.kind == SignalKind::kBaseline) return {"Anomaly", "Unusual Readings"};
  const auto metric = model::parse_metric(signal.metric);
  if (metric == Metric::kTemp) return {"Overheating", "Running Warm"};
  if (metric == Metric::kDisk) return {"Disk Full", "Disk Filling"};
  return {"High Load", "Load Near Limit"};
}

// The load names the risk before heat and disk do: it is what the others come from.
std::string label_for(const std::vector<Signal>& signals, Level level) {
  const auto is_load = [&](const Signal& signal) {
    return signal.level == level && signal.kind == SignalKind::kLimit &&
           words_for(signal).critical == "High Load";
  };
  const auto load = std::find_if(signals.begin(), signals.end(), is_load);
  const Words words = words_for(load != signals.end() ? *load : signals.front());
  return std::string(level == Level::kCritical ? words.critical : words.watch);
}

std::string clearing(const DeviceState& state, WallTime now) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  for (const Channel& channel : state.channels) {
    if (channel.limit.level() == Level::kStable) continue;
    const LimitRule& rule = state.rules[static_cast<std::size_t>(*channel.metric)];
    add(display_name(channel) + " under " + with_unit(channel, rule.quiet_level(), 1));
  }
  if (!out.empty()) out += " for " + lasting(state.thresholds.clear_after);
  for (const Channel& channel : state.channels) {
    if (state.missing(channel)) add("a " + display_name(channel) + " reading");
  }
  if (state.refusing(now)) add("no refused reading for " + lasting(state.thresholds.clear_after));
  return out;
}

void explain_unknown(const DeviceState& state, WallTime now, Verdict& verdict) {
  if (state.stale(now)) {
    verdict.label = "No telemetry";
    verdict.sentence = state.last_at == WallTime{}
                           ? "No reading has come from this device yet."
                           : "The last reading came " + format_age(now - state.last_at) + " ago.";
    verdict.would_clear = std::to_string(state.thresholds.min_samples) + " fresh readings";
    return;
  }
  const auto missing = state.thresholds.min_samples - state.boot_samples;
  verdict.label = "Starting";
  verdict.sentence = "Only " + std::to_string(state.boot_samples) + " of " +
                     std::to_string(state.thresholds.min_samples) +
                     " readings have come since the device started.";
  verdict.would_clear = std::to_string(missing) + " more readings";
}

std::string sentence_for(const std::vector<Signal>& signals, Level level) {
  std::string text;
  for (const Signal& signal : signals) {
    if (signal.level == level) text += (text.empty() ? "" : "; ") + signal.text;
  }
  if (!text.empty() && text.front() >= 'a' && text.front() <= 'z') {
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  }
  return text + ".";
}

}  // namespace

Verdict explain(const DeviceState& state, WallTime now) {
  Verdict verdict;
  verdict.level = state.level(now);
  verdict.risk = state.risk(now);
  verdict.since = state.since(now);
  verdict.signals = gather(state, now);
  switch (verdict.level) {
    case Level::kUnknown:
      explain_unknown(state, now, verdict);
      break;
    case Level::kStable:
      verdict.label = "Stable";
      verdict.sentence = "All readings are within their limits.";
      break;
    case Level::kWatch:
    case Level::kCritical:
      verdict.label = label_for(verdict.signals, verdict.level);
      verdict.sentence = sentence_for(verdict.signals, verdict.level);
      verdict.would_clear = clearing(state, now);
      break;
  }
  return verdict;
}

}  // namespace ota::anomaly
