#include "rollout/judge.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/assert.h"
#include "base/digest.h"
#include "rollout/outcomes.h"

namespace ota::rollout {
namespace {

std::uint64_t minutes_between(WallTime from, WallTime to) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::minutes>(to - from).count());
}

// By the digest of the rollout and the device: no one chooses who is looked at, and every gateway
// looks at the same.
std::vector<std::vector<std::size_t>> order_of_controls(const Cohort& cohort) {
  std::vector<std::vector<std::pair<Digest256, std::size_t>>> drawn(cohort.models.size());
  const std::string prefix = cohort.id.empty() ? "" : cohort.id + "/";
  for (std::size_t i = 0; i < cohort.devices.size(); ++i) {
    const CohortDevice& device = cohort.devices[i];
    drawn[device.model].emplace_back(sha256(as_bytes(prefix + device.id)), i);
  }
  std::vector<std::vector<std::size_t>> order(drawn.size());
  for (std::size_t model = 0; model < drawn.size(); ++model) {
    std::sort(drawn[model].begin(), drawn[model].end());
    for (const auto& [digest, device] : drawn[model])
      order[model].push_back(device);
  }
  return order;
}

}  // namespace

Judge::Judge(JudgeSettings settings, Cohort cohort, std::function<void(const Report&)> report)
    : settings_(std::move(settings)),
      cohort_(std::move(cohort)),
      report_(std::move(report)),
      devices_(cohort_.devices.size()),
      phases_(cohort_.phases),
      control_order_(order_of_controls(cohort_)) {
  OTA_ASSERT(settings_.looks > 0);
  const milliseconds longest = milliseconds(look_age(settings_, settings_.looks - 1)) / 2;
  const milliseconds back = std::max<milliseconds>(2 * kDay + longest, std::chrono::hours(1));
  history_begin_ = std::chrono::floor<std::chrono::minutes>(cohort_.start - back);
  history_minutes_ = minutes_between(history_begin_, cohort_.start);
  recent_minutes_ = minutes_between({}, WallTime(longest)) + 1;
}

std::string Judge::name(std::size_t device) const {
  return cohort_.devices[device].id;
}

void Judge::advance(WallTime now) {
  OTA_ASSERT(now >= now_);
  if (now == now_) return;
  for (Phase& phase : phases_)
    phase.find_ready(now);
  while (!halted_ && hold_next_look(now)) {
  }
  now_ = now;
}

bool Judge::hold_next_look(WallTime now) {
  std::optional<std::pair<WallTime, std::uint32_t>> next;
  for (std::uint32_t i = 0; i < phases_.size(); ++i) {
    const Phase& phase = phases_[i];
    if (!phase.ready || phase.held == settings_.looks) continue;
    const WallTime due = *phase.ready + look_age(settings_, phase.held);
    if (due <= now && (!next || due < next->first)) next = {due, i};
  }
  if (!next) return false;
  hold_look(next->second, next->first);
  return true;
}

void Judge::hold_look(std::uint32_t phase, WallTime at) {
  const seconds age = look_age(settings_, phases_[phase].held);
  const Window window = look_window(at, age);
  std::size_t updated = 0;
  const std::vector<std::size_t> devices = compared(window, updated);
  std::vector<Subject> subjects;
  subjects.reserve(devices.size());
  for (std::size_t i = 0; i < devices.size(); ++i) {
    subjects.push_back(
        subject_of(devices[i], i < updated ? Side::kUpdated : Side::kControl, window, age));
  }
  std::vector<double> changes;
  fill_changes(window, devices, changes);

  LookReport report;
  report.at = at;
  report.phase = phase;
  report.look = ++phases_[phase].held;
  report.age = age;
  report.found = judge_look(settings_, {.phase = phase,
                                        .subjects = subjects,
                                        .changes = changes,
                                        .models = cohort_.models,
                                        .groups = cohort_.groups});
  ++looks_;
  if (report.found.decision == Decision::kHalt) halted_ = at;
  report_(report);
}

// The devices of a look: the updated first, then the controls.
std::vector<std::size_t> Judge::compared(const Window& window, std::size_t& updated) const {
  std::vector<std::size_t> devices;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const Device& device = devices_[i];
    if (device.state == State::kConfirmed && device.confirmed + settings_.settle <= window.begin) {
      devices.push_back(i);
    }
  }
  updated = devices.size();
  for (const std::vector<std::size_t>& order : control_order_) {
    std::uint32_t taken = 0;
    for (const std::size_t i : order) {
      if (taken == settings_.max_controls) break;
      if (devices_[i].state != State::kWaiting) continue;
      devices.push_back(i);
      ++taken;
    }
  }
  return devices;
}

// Days before the start are the past of everybody, or the hour before it where nobody has a day:
// one device's past must not be made in another way than its neighbour's.
void Judge::fill_changes(const Window& window, std::span<const std::size_t> devices,
                         std::vector<double>& changes) {
  const std::size_t metrics = settings_.metrics.size();
  const auto days = past_windows(window, cohort_.start);
  bool any = false;
  std::vector<double> pasts;
  pasts.reserve(devices.size() * metrics);
  for (const std::size_t i : devices) {
    for (std::size_t metric = 0; metric < metrics; ++metric) {
      const std::array<double, 2> levels{level(devices_[i], metric, days[0]),
                                         level(devices_[i], metric, days[1])};
      pasts.push_back(past_of(levels));
      any = any || !std::isnan(pasts.back());
    }
  }
  changes.clear();
  changes.reserve(pasts.size());
  const Window hour = hour_before(cohort_.start);
  for (const std::size_t i : devices) {
    for (std::size_t metric = 0; metric < metrics; ++metric) {
      const double past = any ? pasts[changes.size()] : level(devices_[i], metric, hour);
      changes.push_back(level(devices_[i], metric, window) - past);
    }
  }
}

Subject Judge::subject_of(std::size_t index, Side side, const Window& window, seconds age) const {
  const Device& device = devices_[index];
  Subject subject;
  subject.model = cohort_.devices[index].model;
  subject.group = cohort_.devices[index].group;
  subject.side = side;
  WallTime from = window.end - age;
  if (side == Side::kUpdated) from = std::max<WallTime>(from, device.confirmed + settings_.settle);
  const auto set = [&subject](Outcome outcome, bool bad) {
    subject.outcomes[static_cast<std::size_t>(outcome)] = bad;
  };
  set(Outcome::kRestart, device.boots.back() && *device.boots.back() >= from);
  set(Outcome::kRestartLoop, device.boots.front() && *device.boots.front() >= from);
  set(Outcome::kSilent, !device.heard || *device.heard < window.end - kSilentAfter);
  set(Outcome::kCritical, device.critical && *device.critical >= window.begin);
  return subject;
}

// Where a window reaches back over what is kept, or lies on both sides of the start, the minutes
// that are not there count as missing.
double Judge::level(const Device& device, std::size_t metric, const Window& window) {
  if (device.history.empty() && device.recent.empty()) return kNoValue;
  window_room_.clear();
  const WallTime first = window.first_minute();
  const std::uint64_t count = window.minutes();
  for (std::uint64_t i = 0; i < count; ++i) {
    const WallTime minute = first + i * kMinute;
    double value = kNoValue;
    if (minute < cohort_.start) {
      if (!device.history.empty() && minute >= history_begin_) {
        value = device.history[metric * history_minutes_ + minutes_between(history_begin_, minute)];
      }
    } else if (!device.recent.empty() && minute <= device.last_minute) {
      value =
          device.recent[metric * recent_minutes_ + minutes_between({}, minute) % recent_minutes_];
    }
    window_room_.push_back(value);
  }
  return level_of(window_room_, median_room_);
}

Result<void> Judge::offered(std::size_t index, std::uint32_t number) {
  OTA_ASSERT(number < phases_.size());
  if (halted_) return {};
  Device& device = devices_[index];
  if (device.state == State::kOffered || device.state == State::kConfirmed) {
    return fail(Errc::kConflict, name(index) + " was offered the release already");
  }
  if (device.state == State::kWaiting) ++offered_;
  device.state = State::kOffered;
  device.phase = number;
  Phase& phase = phases_[number];
  ++phase.offered;
  phase.last_offer = now_;
  phase.note(now_);
  return {};
}

Result<void> Judge::confirmed(std::size_t index) {
  if (halted_) return {};
  Device& device = devices_[index];
  if (device.state == State::kWaiting) {
    return fail(Errc::kConflict, name(index) + " was never offered the release");
  }
  if (device.state != State::kOffered) {
    return fail(Errc::kConflict, name(index) + " has ended its update already");
  }
  device.state = State::kConfirmed;
  device.confirmed = now_;
  Phase& phase = phases_[device.phase];
  ++phase.confirmed;
  ++phase.ended;
  ++ended_;
  phase.note(now_);
  return {};
}

// Who was confirmed and falls back has ended before: it is now a failure among as many.
Result<void> Judge::failed(std::size_t index) {
  if (halted_) return {};
  Device& device = devices_[index];
  if (device.state == State::kWaiting) {
    return fail(Errc::kConflict, name(index) + " was never offered the release");
  }
  if (device.state == State::kFailed) {
    return fail(Errc::kConflict, name(index) + " has ended its update already");
  }
  Phase& phase = phases_[device.phase];
  if (device.state == State::kConfirmed) {
    --phase.confirmed;
  } else {
    ++phase.ended;
    ++ended_;
  }
  ++failed_;
  device.state = State::kFailed;
  phase.note(now_);
  const double evidence = failure_evidence(failed_, ended_, settings_.acceptable_failure_rate);
  if (evidence < evidence_that_halts(settings_)) return {};
  halted_ = now_;
  report_(FailureReport{now_, evidence, failed_, ended_});
  return {};
}

void Judge::booted(std::size_t device) {
  auto& boots = devices_[device].boots;
  std::rotate(boots.begin(), boots.begin() + 1, boots.end());
  boots.back() = now_;
}

Result<void> Judge::minute(std::size_t index, std::span<const double> values) {
  OTA_ASSERT(values.size() == cohort_.columns.size());
  if (halted_) return {};
  Device& device = devices_[index];
  if (device.last_minute == now_) {
    return fail(Errc::kConflict, name(index) + " has this minute already");
  }
  const std::size_t metrics = settings_.metrics.size();
  if (now_ < cohort_.start) {
    if (now_ >= history_begin_ && device.history.empty()) {
      device.history.assign(history_minutes_ * metrics, kNoValue);
      kept_ += device.history.size();
    }
  } else if (device.recent.empty()) {
    device.recent.assign(recent_minutes_ * metrics, kNoValue);
    kept_ += device.recent.size();
  } else if (device.last_minute) {
    // Minutes that were left out must not show what stood there a turn before.
    const WallTime from =
        std::max<WallTime>(*device.last_minute + kMinute, now_ - (recent_minutes_ - 1) * kMinute);
    for (WallTime gone = from; gone < now_; gone += kMinute) {
      for (std::size_t metric = 0; metric < metrics; ++metric) {
        device.recent[metric * recent_minutes_ + minutes_between({}, gone) % recent_minutes_] =
            kNoValue;
      }
    }
  }
  if (kept_ > kMostReadings) {
    return fail(Errc::kLimit, "more than the " + std::to_string(kMostReadings) +
                                  " readings that are kept at a time");
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (cohort_.columns[i].rule) keep(device, *cohort_.columns[i].rule, values[i]);
  }
  watch_limits(device, values);
  device.last_minute = now_;
  if (std::any_of(values.begin(), values.end(), [](double value) { return !std::isnan(value); })) {
    device.heard = now_;
  }
  return {};
}

void Judge::keep(Device& device, std::size_t metric, double value) {
  if (now_ >= cohort_.start) {
    device.recent[metric * recent_minutes_ + minutes_between({}, now_) % recent_minutes_] = value;
  } else if (now_ >= history_begin_) {
    device.history[metric * history_minutes_ + minutes_between(history_begin_, now_)] = value;
  }
}

void Judge::watch_limits(Device& device, std::span<const double> values) {
  const bool next = device.last_minute && *device.last_minute + kMinute == now_;
  if (device.over.empty() || !next) device.over.assign(values.size(), 0);
  for (std::size_t i = 0; i < values.size(); ++i) {
    // A comparison with what is not there is false.
    device.over[i] = values[i] >= cohort_.columns[i].limit ? device.over[i] + 1 : 0;
    if (device.over[i] >= kCriticalMinutes) device.critical = now_;
  }
}

}  // namespace ota::rollout
