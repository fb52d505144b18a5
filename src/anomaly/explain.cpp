// A verdict in words: which signals, what the operator is told, and the smallest change that clears
// it.

#include <algorithm>
#include <cmath>
#include <optional>
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

double share_of(const DeviceState& state, const Channel& channel) {
  double sum = 0;
  for (const Channel& other : state.channels)
    sum += other.rarity;
  return sum > 0 ? channel.rarity / sum : 0;
}

// How likely the channel's last reading was by its own past.
double tail_of(const Channel& channel) {
  return std::pow(10.0, -channel.rarity);
}

Signal limit_signal(const DeviceState& state, const Channel& channel, const LimitRule& rule,
                    WallTime now) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kLimit;
  signal.level = channel.limit.level();
  signal.value = channel.value;
  signal.limit = rule.limit;
  signal.expected = channel.centre;
  signal.spread = channel.spread;
  signal.tail = tail_of(channel);
  // The baseline's signal has the share where the channel has both.
  if (state.baseline_level(channel) == Level::kStable) signal.share = share_of(state, channel);
  signal.since = channel.limit.since();
  signal.text = display_name(channel) + " " + with_unit(channel, channel.value, 0) + " (limit " +
                with_unit(channel, rule.limit, 1) + ") for " +
                format_age(std::max(milliseconds(0), now - signal.since));
  return signal;
}

// "CPU 71.2 % as the mean of 5 readings where 14.9 % ± 2.1 is usual (1 in 20000 of its own past)",
// or "CPU moved by 31.0 within 5 readings where ...".
std::string lead_text(const Channel& channel) {
  const LeadTold& lead = channel.lead;
  const bool distance = is_distance(lead.by);
  std::string text =
      display_name(channel) + (distance ? " moved by " : " ") + with_unit(channel, lead.seen, 1);
  if (const auto words = size_words(lead.by); !words.empty()) text.append(" ").append(words);
  return text + " where " + with_unit(channel, lead.centre, 1) + " ± " +
         format_number(lead.spread, 1) + " is usual (" + one_in(lead.rarity) + " of its own past)";
}

Signal baseline_signal(const DeviceState& state, const Channel& channel, WallTime now) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kBaseline;
  signal.level = state.baseline_level(channel);
  signal.value = channel.value;
  // The anchor knows the metric's home over days; else it is the score's.
  const bool departed = channel.anchor.level() != Level::kStable;
  signal.expected = departed ? channel.anchor.centre() : channel.lead.centre;
  signal.spread = departed ? channel.anchor.spread() : channel.lead.spread;
  signal.tail = departed ? tail_of(channel) : std::pow(10.0, -channel.lead.rarity);
  signal.since = state.baseline_since(channel);
  signal.share = share_of(state, channel);
  const std::string lasts = ", for " + format_age(std::max(milliseconds(0), now - signal.since));
  const bool told = state.leads(channel) || channel.alone.on();
  signal.text = departed && !told
                    ? display_name(channel) + " " + with_unit(channel, channel.value, 1) +
                          " where " + with_unit(channel, *signal.expected, 1) + " ± " +
                          format_number(*signal.spread, 1) + " is usual" + lasts
                    : lead_text(channel) + lasts;
  return signal;
}

Signal stuck_signal(const Channel& channel, WallTime now) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kFlatLine;
  signal.level = Level::kWatch;
  signal.value = channel.value;
  signal.tail = std::pow(10.0, -std::min(channel.flat.surprise(), 300.0));
  signal.since = channel.flat.since();
  signal.text = display_name(channel) + " stands at " + with_unit(channel, channel.value, 2) +
                " for " + format_age(now - signal.since) + ", which it never did before";
  return signal;
}

// What is wrong with the telemetry as a whole.
Signal data_signal(std::string text, SignalKind kind, WallTime since) {
  Signal signal;
  signal.metric = "samples";
  signal.kind = kind;
  signal.level = Level::kWatch;
  signal.since = since;
  signal.text = std::move(text);
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

Signal awaited_signal(const DeviceState& state, const Channel& channel) {
  Signal signal;
  signal.metric = channel.name.data();
  signal.kind = SignalKind::kData;
  signal.level = Level::kWatch;
  signal.since = state.boot_at;
  signal.text = "no " + display_name(channel) + " reading since the device started";
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
      const LimitRule rule = limit_rule(*state.thresholds, *channel.metric);
      signals.push_back(limit_signal(state, channel, rule, now));
    }
    if (state.baseline_level(channel) != Level::kStable) {
      signals.push_back(baseline_signal(state, channel, now));
    }
    if (channel.flat.stuck()) signals.push_back(stuck_signal(channel, now));
    if (state.missing(channel)) {
      signals.push_back(missing_signal(channel, now));
    } else if (state.awaited(channel)) {
      signals.push_back(awaited_signal(state, channel));
    }
  }
  if (state.refusing(now)) signals.push_back(refusal_signal(state));
  if (state.copy.copied()) {
    signals.push_back(data_signal("the same readings came in the same order before",
                                  SignalKind::kFlatLine, state.copy.since()));
  } else if (state.frozen()) {
    signals.push_back(data_signal("no reading has ever moved", SignalKind::kFlatLine,
                                  state.channels.front().flat.since()));
  }
  if (state.restarts.looping(now)) {
    signals.push_back(
        data_signal(std::to_string(state.restarts.deaths()) + " starts in a row ended at once",
                    SignalKind::kData, state.restarts.since()));
  }
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

milliseconds rows(const DeviceState& state, std::uint32_t count) {
  return seconds(std::llround(std::max(1.0, std::ceil(state.told.interval)) * count));
}

// The means look back over 60 readings: all of them have to be new, and then 40 rows quiet.
constexpr std::uint32_t kMeanRows = 60;

// What the channel has to come back to, and how long it takes to be believed.
struct Clearing {
  std::optional<double> under;
  bool usual = false;  // around its centre, as it was
  milliseconds time{0};

  void lower(double edge) { under = under ? std::min(*under, edge) : edge; }
};

Clearing clearing_of(const DeviceState& state, const Channel& channel) {
  Clearing clearing;
  if (channel.limit.level() != Level::kStable) {
    const LimitRule rule = limit_rule(*state.thresholds, *channel.metric);
    clearing.lower(rule.quiet_level());
    clearing.time = state.thresholds->clear_after;
  }
  if (channel.anchor.level() != Level::kStable) {
    clearing.lower(channel.anchor.edge(channel.departure(*state.thresholds)));
    clearing.time = state.thresholds->clear_after + rows(state, kMeanRows);
  }
  if (state.leads(channel) || channel.alone.on()) {
    // A limit that lies below what is usual goes first.
    clearing.usual = !clearing.under || channel.centre + channel.spread < *clearing.under;
  }
  return clearing;
}

std::string clearing_text(const DeviceState& state, WallTime now) {
  std::string out;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : ", ") + text; };
  milliseconds time{0};
  bool unusual = state.told.open;
  for (const Channel& channel : state.channels) {
    const Clearing clearing = clearing_of(state, channel);
    time = std::max(time, clearing.time);
    unusual = unusual || channel.alone.on();
    if (clearing.usual) {
      add(display_name(channel) + " back at " + with_unit(channel, channel.centre, 1) + " ± " +
          format_number(channel.spread, 1));
    } else if (clearing.under) {
      // Rounded to the strict side, so that the words keep what they promise.
      const double under = std::floor(*clearing.under * 10) / 10;
      add(display_name(channel) + " under " + with_unit(channel, under, 1));
    }
  }
  if (unusual) {
    add("nothing else unusual");
    time = std::max(time, rows(state, kMeanRows + Incidents::kQuietRows));
  }
  if (!out.empty()) out += " for " + lasting(time);
  for (const Channel& channel : state.channels) {
    if (state.missing(channel) || state.awaited(channel)) {
      add("a " + display_name(channel) + " reading");
    }
    if (channel.flat.stuck()) add("another " + display_name(channel) + " reading");
  }
  if (state.refusing(now)) add("no refused reading for " + lasting(state.thresholds->clear_after));
  if (state.copy.copied()) {
    add(std::to_string(state.copy.left()) + " readings that were not sent before");
  } else if (state.frozen()) {
    add("readings that move");
  }
  if (state.restarts.looping(now)) add("60 s without a restart");
  return out;
}

// What silence or a start hides has to clear as well.
void add_clearing(const DeviceState& state, WallTime now, Verdict& verdict) {
  const std::string further = clearing_text(state, now);
  if (!further.empty()) verdict.would_clear += ", " + further;
}

std::string awaited_names(const DeviceState& state) {
  std::string out;
  for (const Channel& channel : state.channels) {
    if (state.awaited(channel)) out += (out.empty() ? "" : " and no ") + display_name(channel);
  }
  return out;
}

void explain_unknown(const DeviceState& state, WallTime now, Verdict& verdict) {
  if (state.stale(now)) {
    verdict.label = "No telemetry";
    verdict.sentence = state.last_at == WallTime{}
                           ? "No reading has come from this device since the server started."
                           : "The last reading came " + format_age(now - state.last_at) + " ago.";
    const bool known = state.last_at != WallTime{} && !state.starting();
    verdict.would_clear = known ? "a fresh reading"
                                : std::to_string(state.thresholds->min_samples) + " fresh readings";
    add_clearing(state, now, verdict);
    return;
  }
  if (!state.starting()) {
    verdict.label = model::kIncompleteTelemetry;
    verdict.sentence = "No " + awaited_names(state) + " reading has come since the device started.";
    verdict.would_clear = clearing_text(state, now);
    return;
  }
  const auto missing = state.thresholds->min_samples - state.boot_samples;
  verdict.label = "Starting";
  verdict.sentence = "Only " + std::to_string(state.boot_samples) + " of " +
                     std::to_string(state.thresholds->min_samples) +
                     " readings have come since the device started.";
  verdict.would_clear =
      missing == 1 ? "one more reading" : std::to_string(missing) + " more readings";
  add_clearing(state, now, verdict);
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

// "incident 3, escalation: 1 row in 20000 for this device; the bar is raised to 4.5 decades".
std::string incident_text(const ScoreTold& told) {
  std::string text = "incident " + std::to_string(told.number);
  if (told.alarm != Alarm::kNew) text.append(", ").append(to_text(told.alarm));
  text += ": " + one_in(told.peak) + " rows of this device";
  if (told.alarms > kShippedTuning.free_alarms) {
    text += "; the bar is raised to " + format_number(told.bar, 1) + " decades by " +
            format_number(told.alarms, 0) + " alarms within days";
  }
  return text;
}

}  // namespace

Verdict explain(const DeviceState& state, WallTime now) {
  Verdict verdict;
  verdict.level = state.level(now);
  verdict.risk = state.risk(now);
  verdict.score = state.told.score;
  verdict.since = state.since(now);
  verdict.signals = gather(state, now);
  switch (verdict.level) {
    case Level::kUnknown:
      explain_unknown(state, now, verdict);
      break;
    case Level::kStable:
      verdict.label = "Stable";
      verdict.sentence = "All readings are within their limits.";
      if (state.told.learning()) {
        verdict.sentence += " Learning what is usual, " + std::to_string(state.told.learnt) +
                            " of " + std::to_string(Engine::kLearningRows) + " readings.";
      }
      break;
    case Level::kWatch:
    case Level::kCritical:
      verdict.label = label_for(verdict.signals, verdict.level);
      verdict.sentence = sentence_for(verdict.signals, verdict.level);
      if (state.told.open) {
        verdict.sentence.back() = ';';
        verdict.sentence += " " + incident_text(state.told) + ".";
      }
      verdict.would_clear = clearing_text(state, now);
      break;
  }
  return verdict;
}

}  // namespace ota::anomaly
