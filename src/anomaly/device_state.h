// What a DeviceDetector remembers, and the questions that its verdict is made of. Private to this
// folder: detector.cpp feeds it, explain.cpp puts it into words.
//
// Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "anomaly/anchor.h"
#include "anomaly/engine.h"
#include "anomaly/limit.h"
#include "anomaly/liveness.h"
#include "anomaly/told.h"
#include "base/clock.h"
#include "model/settings.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::anomaly {

inline constexpr std::size_t kLongestMetricName = 24;

// One metric of one device; its score is the engine's (at the same place in both).
struct Channel {
  std::array<char, kLongestMetricName + 1> name{};
  std::optional<model::Metric> metric;  // none: of the device's own naming, without a hard limit
  bool fresh = false;                   // in the sample at hand
  LimitWatch limit;
  Anchor anchor;
  FlatLine flat;
  Latch alone;    // unusual and high by itself, whatever the other metrics do
  LeadTold lead;  // of the open incident, or of what is unusual alone
  double value = 0;
  double centre = 0;  // what is usual, as of its last reading
  double spread = 0;
  double rarity = 0;   // of its last reading, decades
  WallTime seen_at{};  // "never": not yet

  bool seen() const { return seen_at != WallTime{}; }
  DepartureRule departure(const model::Thresholds& thresholds) const;
  // From this distance above its centre on, in its unit, a metric alone is worth a look.
  double least_effect() const;
};

// Refused samples: impossible ones make a device suspect at once, late and repeated ones only in a
// row, because an agent that lost an answer sends again in good faith.
struct Refusals {
  model::SampleFault last = model::SampleFault::kMalformed;
  WallTime impossible_at{};
  WallTime impossible_since{};
  std::uint32_t in_a_row = 0;
};

struct DeviceState {
  explicit DeviceState(std::shared_ptr<const model::Thresholds> wanted);

  void set_thresholds(std::shared_ptr<const model::Thresholds> wanted);
  void observe(const model::Sample& sample, WallTime received);
  void booted(const model::BootId& fresh, WallTime at);
  void refuse(model::SampleFault fault, WallTime received);
  // As if the last readings had been so for as long as any limit takes.
  void hold_limits();

  model::Level level(WallTime now) const;
  int risk(WallTime now) const;
  WallTime since(WallTime now) const;
  // See DeviceDetector.
  WallTime changes_at(WallTime now) const;

  bool stale(WallTime now) const;
  bool starting() const;
  bool refusing(WallTime now) const;
  // The readings of this device do not live: played again, or none ever moved.
  bool frozen() const;
  // A metric that was reported once and no longer is.
  bool missing(const Channel& channel) const;
  // One without which nobody is judged healthy, and that this boot has not reported yet.
  bool awaited(const Channel& channel) const;
  bool incomplete() const;  // any metric is awaited
  // What the channel's past has against it: its anchor, or the lead of an incident that is open.
  bool leads(const Channel& channel) const;
  model::Level baseline_level(const Channel& channel) const;
  WallTime baseline_since(const Channel& channel) const;
  // The worst that any channel has to say.
  model::Level worst_channel() const;
  // The metric of that name, made where it is new; null where there is no room, or for a bad name.
  Channel* channel(std::string_view name);
  std::size_t bytes() const;

  std::shared_ptr<const model::Thresholds> thresholds;  // one for a whole fleet; never null
  // The four known metrics, then the device's own. Made at the first sample: a device that is only
  // known costs no models.
  std::vector<Channel> channels;
  Refusals refusals;
  Engine engine;
  ScoreTold told;                  // of the last sample
  std::uint32_t alarms_asked = 0;  // see DeviceDetector::take_alarm
  CopyWatch copy;
  RestartWatch restarts;
  model::BootId boot;
  std::uint32_t boot_samples = 0;
  WallTime boot_at{};  // when the first word of this boot came
  WallTime last_at{};  // when the last accepted sample came
  model::Level last_level = model::Level::kUnknown;
  WallTime last_level_since{};

 private:
  void make_channels();
  void take(Channel& channel, double value, WallTime at);
  void score(WallTime at, milliseconds passed);
  void judge_alone(std::size_t index, milliseconds passed);
  void take_leads(const Judgement& row, WallTime at);
  void watch_copies();
  void settle(WallTime at);
};

// How near the channel's value is to its limit, as a risk from 0 to 100 that agrees with its level:
// stable below 30, watch from 30, critical from 70.
int limit_risk(const LimitRule& rule, model::Metric metric, double value, model::Level level);

model::Verdict explain(const DeviceState& state, WallTime now);

}  // namespace ota::anomaly
