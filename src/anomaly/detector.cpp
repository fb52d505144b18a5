#include "anomaly/detector.h"

#include <algorithm>
#include <utility>

#include "anomaly/device_state.h"
#include "anomaly/evidence.h"
#include "anomaly/memory.h"
#include "base/json_numbers.h"

namespace ota::anomaly {

struct DeviceDetector::State : DeviceState {
  using DeviceState::DeviceState;
};

DeviceDetector::DeviceDetector(std::shared_ptr<const model::Thresholds> thresholds)
    : state_(std::make_unique<State>(std::move(thresholds))) {}
DeviceDetector::DeviceDetector(const model::Thresholds& thresholds)
    : DeviceDetector(std::make_shared<const model::Thresholds>(thresholds)) {}
DeviceDetector::~DeviceDetector() = default;
DeviceDetector::DeviceDetector(DeviceDetector&&) noexcept = default;
DeviceDetector& DeviceDetector::operator=(DeviceDetector&&) noexcept = default;

void DeviceDetector::set_thresholds(std::shared_ptr<const model::Thresholds> thresholds) {
  state_->set_thresholds(std::move(thresholds));
}

const model::Thresholds& DeviceDetector::thresholds() const {
  return *state_->thresholds;
}

void DeviceDetector::observe(const model::Sample& sample, WallTime received) {
  state_->observe(sample, received);
}

void DeviceDetector::booted(const model::BootId& boot, WallTime received) {
  if (state_->boot_samples > 0) state_->booted(boot, std::max(received, state_->last_at));
}

void DeviceDetector::refuse(model::SampleFault fault, WallTime received) {
  state_->refuse(fault, received);
}

model::Level DeviceDetector::level(WallTime now) const {
  return state_->level(now);
}

bool DeviceDetector::incomplete(WallTime now) const {
  return level(now) == model::Level::kUnknown && !state_->stale(now) && !state_->starting();
}

int DeviceDetector::risk(WallTime now) const {
  return state_->risk(now);
}

WallTime DeviceDetector::changes_at(WallTime now) const {
  return state_->changes_at(now);
}

double DeviceDetector::score() const {
  return state_->told.score;
}

const ScoreTold& DeviceDetector::told() const {
  return state_->told;
}

std::optional<Alarm> DeviceDetector::take_alarm() {
  const ScoreTold& told = state_->told;
  if (std::exchange(state_->alarms_asked, told.alarm_count) == told.alarm_count) return {};
  return told.alarm;
}

std::string DeviceDetector::keep() const {
  return anomaly::keep(*state_);
}

void DeviceDetector::clock_jumped(milliseconds jump, WallTime now) {
  anomaly::move_times(*state_, jump, now);
}

bool DeviceDetector::has_samples() const {
  return state_->last_at != WallTime{};
}

Result<void> DeviceDetector::restore(std::string_view kept) {
  auto fresh = std::make_unique<State>(state_->thresholds);
  auto restored = anomaly::restore(*fresh, kept);
  if (restored) state_ = std::move(fresh);
  return restored;
}

std::size_t DeviceDetector::bytes() const {
  return state_->bytes();
}

Risen DeviceDetector::risen() const {
  Risen risen = 0;
  for (std::size_t i = 0; i < std::min(model::kMetricCount, state_->channels.size()); ++i) {
    const Channel& channel = state_->channels[i];
    bool up = std::max(channel.limit.level(), channel.anchor.level()) >= model::Level::kWatch;
    up = up || channel.alone.on() || (state_->leads(channel) && channel.value > channel.centre);
    if (up) risen = static_cast<Risen>(risen | (1U << i));
  }
  return risen;
}

model::Verdict DeviceDetector::verdict(WallTime now) const {
  return explain(*state_, now);
}

nlohmann::json DeviceDetector::evidence() const {
  return evidence_of(*state_);
}

}  // namespace ota::anomaly
