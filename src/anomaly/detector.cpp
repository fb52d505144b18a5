#include "anomaly/detector.h"

#include "anomaly/device_state.h"

namespace ota::anomaly {

struct DeviceDetector::State : DeviceState {
  using DeviceState::DeviceState;
};

DeviceDetector::DeviceDetector(const model::Thresholds& thresholds)
    : state_(std::make_unique<State>(thresholds)) {}
DeviceDetector::~DeviceDetector() = default;
DeviceDetector::DeviceDetector(DeviceDetector&&) noexcept = default;
DeviceDetector& DeviceDetector::operator=(DeviceDetector&&) noexcept = default;

void DeviceDetector::set_thresholds(const model::Thresholds& thresholds) {
  state_->set_thresholds(thresholds);
}

void DeviceDetector::observe(const model::Sample& sample, WallTime received) {
  state_->observe(sample, received);
}

void DeviceDetector::refuse(model::SampleFault fault, WallTime received) {
  state_->refuse(fault, received);
}

model::Level DeviceDetector::level(WallTime now) const {
  return state_->level(now);
}

int DeviceDetector::risk(WallTime now) const {
  return state_->risk(now);
}

double DeviceDetector::score() const {
  return state_->score;
}

model::Verdict DeviceDetector::verdict(WallTime now) const {
  return explain(*state_, now);
}

}  // namespace ota::anomaly
