// All devices in memory, striped by id: samples of different devices take different locks.
//
// A LiveDevice stays where it is as long as the table lives; it is touched only under its stripe's
// lock. No call here runs under two stripes' locks. Thread: any.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "fleet/live_device.h"

namespace ota::fleet {

class DeviceTable {
 public:
  static constexpr std::size_t kStripes = 64;

  struct Stripe {
    std::mutex mutex;
    std::unordered_map<std::string, std::unique_ptr<LiveDevice>> devices;
    std::vector<LiveDevice*> dirty;  // rows to build anew

    void touch(LiveDevice& device) {
      if (device.dirty) return;
      device.dirty = true;
      dirty.push_back(&device);
    }
  };

  Stripe& stripe_of(const std::string& id) {
    return stripes_[std::hash<std::string>{}(id) % kStripes];
  }
  std::array<Stripe, kStripes>& stripes() { return stripes_; }

  // Calls `use(device)` under its lock and marks its row. False where there is no such device.
  template <class Use>
  bool with(const std::string& id, Use&& use) {
    Stripe& stripe = stripe_of(id);
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.devices.find(id);
    if (found == stripe.devices.end()) return false;
    stripe.touch(*found->second);
    use(*found->second);
    return true;
  }
  // The same for reading: the row stays as it is.
  template <class Use>
  bool look(const std::string& id, Use&& use) {
    Stripe& stripe = stripe_of(id);
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.devices.find(id);
    if (found == stripe.devices.end()) return false;
    use(static_cast<const LiveDevice&>(*found->second));
    return true;
  }

 private:
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace ota::fleet
