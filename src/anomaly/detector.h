// A device's health, judged from its telemetry alone.
//
// A DeviceDetector is fed accepted samples in order and holds what it needs of the past; it asks no
// clock, opens no file and allocates nothing in steady state (engine.h).
// The same samples and thresholds give the same bits, so a recorded incident replays to the same
// verdict.
//
// Thread: one at a time (fleet's stripe lock).
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "anomaly/incident.h"
#include "anomaly/peers.h"
#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::anomaly {

struct ScoreTold;

class DeviceDetector {
 public:
  // `thresholds`: not null; devices share theirs. By value: a copy of its own.
  explicit DeviceDetector(std::shared_ptr<const model::Thresholds> thresholds);
  explicit DeviceDetector(const model::Thresholds& thresholds);
  ~DeviceDetector();
  DeviceDetector(DeviceDetector&&) noexcept;
  DeviceDetector& operator=(DeviceDetector&&) noexcept;

  // New limits; history is kept.
  void set_thresholds(std::shared_ptr<const model::Thresholds> thresholds);
  const model::Thresholds& thresholds() const;

  // Takes a plausible, in-order sample that the server received at `received` (server's clock).
  void observe(const model::Sample& sample, WallTime received);
  // The device says in other words than a sample that it has started anew: what was known of it
  // before does not tell how it is now.
  void booted(const model::BootId& boot, WallTime received);
  // A sample that was refused: never healthy, and a device that sends only such becomes unknown.
  void refuse(model::SampleFault fault, WallTime received);

  // Cheap: the level and risk at `now`, staleness included. No allocation.
  model::Level level(WallTime now) const;
  int risk(WallTime now) const;
  // Whether level() is kUnknown only because a reading that must be there has not come yet.
  bool incomplete(WallTime now) const;
  // The earliest time after `now` at which level() may differ without another sample, refused or
  // not; WallTime::max() where there is none. No allocation.
  WallTime changes_at(WallTime now) const;
  double score() const;
  // What the last sample was for the score, and where its incident stands.
  const ScoreTold& told() const;
  // The last alarm, where there was one since this was asked before.
  std::optional<Alarm> take_alarm();
  // The clock that its times are of jumped, which was noticed at `now`: what it remembers happened
  // as long ago as before.
  void clock_jumped(milliseconds jump, WallTime now);
  // What it knows, for a snapshot; and back into a detector that was fed nothing. kInvalid: it is
  // none, or of another program; the detector is a new one then (memory.h).
  std::string keep() const;
  bool has_samples() const;
  Result<void> restore(std::string_view kept);
  // State, heap included.
  std::size_t bytes() const;
  // For the other devices of the group; no allocation.
  Risen risen() const;
  // The whole explanation; allocates.
  model::Verdict verdict(WallTime now) const;
  // What verdict() is made of (evidence.h); allocates.
  nlohmann::json evidence() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ota::anomaly
