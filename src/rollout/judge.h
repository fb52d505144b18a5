// A whole rollout judged as it happens: what becomes of its devices and their minutes in, looks and
// halts out. The same class judges recordings, simulated rollouts and, fed from the store, live ones.
//
//   phase: offered.. --10 min quiet, 80 % ended, one confirmed--> ready --15 min, 30 min, .. 16 h--> looks
//
// Time comes in with what happens, in order, and a look at t sees what happened before t alone; so
// nothing that comes later can change what was said. A halt is final: what follows it is not looked
// at. Kept are the minutes that a look may still need: three days before the start, eight hours
// after it.
//
// Pure: no clock, no I/O. Thread: one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "rollout/levels.h"
#include "rollout/look.h"
#include "rollout/phase.h"
#include "rollout/settings.h"

namespace ota::rollout {

struct CohortDevice {
  std::string id;
  std::uint32_t model = 0;  // a place in Cohort::models
  std::uint32_t group = 0;  // a place in Cohort::groups; 0: none
};

// A value of a device's minute.
struct Column {
  std::optional<std::size_t> rule;  // the metric of the settings that it is; none: not judged
  double limit = kNoValue;          // five minutes in a row at or over it are critical
};

struct Cohort {
  std::string id;  // of the rollout; may be empty
  WallTime start;
  std::uint32_t phases = 1;
  std::vector<std::string> models;         // ascending
  std::vector<std::string> groups = {""};  // ascending; the first is none
  std::vector<Column> columns;
  std::vector<CohortDevice> devices;
};

struct LookReport {
  WallTime at;
  std::uint32_t phase = 0;
  std::uint32_t look = 0;  // from 1
  seconds age{0};          // of the phase since it was ready
  LookFound found;
};

// A halt by failed updates, which no look brought.
struct FailureReport {
  WallTime at;
  double evidence = 0;
  std::uint64_t failed = 0;
  std::uint64_t ended = 0;
};

using Report = std::variant<LookReport, FailureReport>;

// In a row, at or over a limit.
inline constexpr std::uint32_t kCriticalMinutes = 5;
// Readings that are kept: a gibibyte.
inline constexpr std::uint64_t kMostReadings = 1ULL << 27;

class Judge {
 public:
  // `report` is called from within the calls below, in the order of time.
  Judge(JudgeSettings settings, Cohort cohort, std::function<void(const Report&)> report);

  // It is `now`, which never goes back: what is due by then is reported. What happened before `now`
  // must have been told. The calls below are about the last `now`.
  void advance(WallTime now);

  // kConflict: what a device with this history cannot do, in words that name the device.
  Result<void> offered(std::size_t device, std::uint32_t phase);
  Result<void> confirmed(std::size_t device);
  // It could not install it, or fell back from it.
  Result<void> failed(std::size_t device);
  // A restart that is not the update's own.
  void booted(std::size_t device);
  // The means of the minute that begins now, one for each column. kConflict: it has this minute
  // already; kLimit: more than kMostReadings.
  Result<void> minute(std::size_t device, std::span<const double> values);

  std::optional<WallTime> halted() const { return halted_; }
  std::uint64_t looks() const { return looks_; }
  // Devices that were ever offered the release.
  std::uint64_t offered() const { return offered_; }
  const Cohort& cohort() const { return cohort_; }
  const JudgeSettings& settings() const { return settings_; }

 private:
  enum class State : std::uint8_t { kWaiting, kOffered, kConfirmed, kFailed };

  struct Device {
    State state = State::kWaiting;
    std::uint32_t phase = 0;
    WallTime confirmed;
    std::array<std::optional<WallTime>, kLoopRestarts> boots;  // the latest last
    std::optional<WallTime> last_minute;                       // with or without a value
    std::optional<WallTime> heard;                             // with one
    std::optional<WallTime> critical;
    std::vector<std::uint32_t> over;  // minutes in a row, of each column
    std::vector<double> history;      // before the start; a row of minutes for each metric
    std::vector<double> recent;       // after it: a ring of minutes for each metric
  };

  struct Phase : PhaseProgress {
    std::uint32_t held = 0;  // looks
  };

  std::string name(std::size_t device) const;
  bool hold_next_look(WallTime now);
  void hold_look(std::uint32_t phase, WallTime at);
  std::vector<std::size_t> compared(const Window& window, std::size_t& updated) const;
  void fill_changes(const Window& window, std::span<const std::size_t> devices,
                    std::vector<double>& changes);
  Subject subject_of(std::size_t device, Side side, const Window& window, seconds age) const;
  double level(const Device& device, std::size_t metric, const Window& window);
  void keep(Device& device, std::size_t metric, double value);
  void watch_limits(Device& device, std::span<const double> values);

  JudgeSettings settings_;
  Cohort cohort_;
  std::function<void(const Report&)> report_;
  WallTime now_;
  WallTime history_begin_;
  std::uint64_t history_minutes_ = 0;
  std::uint64_t recent_minutes_ = 0;
  std::uint64_t kept_ = 0;
  std::vector<Device> devices_;
  std::vector<Phase> phases_;
  // Of each model, in the order in which they become controls.
  std::vector<std::vector<std::size_t>> control_order_;
  std::uint64_t offered_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t looks_ = 0;
  std::optional<WallTime> halted_;
  std::vector<double> window_room_;
  std::vector<double> median_room_;
};

}  // namespace ota::rollout
