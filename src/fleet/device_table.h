// All devices in memory, striped by id: samples of different devices take different locks.
//
// A LiveDevice stays where it is as long as the table lives; it is touched only under its stripe's
// lock. No call here runs under two stripes' locks. Thread: any.
#pragma once

#include <array>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "anomaly/peers.h"
#include "fleet/live_device.h"

namespace ota::fleet {

// When the passing of time alone has something to say of a device: it fell silent, a minute ended.
// So a tick costs what has come due and not the fleet. Under the stripe's lock.
class DeviceTimers {
 public:
  // At `at`, or before it where that was said before.
  void due_by(LiveDevice& device, WallTime at) {
    if (at >= device.due_at) return;
    device.due_at = at;
    queue_.push({at, &device});
  }
  // A device whose time has come, which is looked at no more until that is said; null: none left.
  LiveDevice* take_due(WallTime now) {
    while (!queue_.empty() && queue_.top().at <= now) {
      const Due due = queue_.top();
      queue_.pop();
      if (due.at != due.device->due_at) continue;  // it was to be earlier, and was
      due.device->due_at = WallTime::max();
      return due.device;
    }
    return nullptr;
  }

 private:
  struct Due {
    WallTime at;
    LiveDevice* device;
    bool operator>(const Due& other) const { return at > other.at; }
  };
  std::priority_queue<Due, std::vector<Due>, std::greater<>> queue_;
};

class DeviceTable {
 public:
  static constexpr std::size_t kStripes = 64;

  struct Stripe {
    std::mutex mutex;
    std::unordered_map<std::string, std::unique_ptr<LiveDevice>> devices;
    std::vector<LiveDevice*> dirty;  // rows to build anew
    DeviceTimers timers;
    std::vector<FinishedMinute> finished;  // until the next tick stores them
    std::vector<LiveDevice*> regrouped;    // count differently among their groups than they did
    std::map<std::string, anomaly::Peers, std::less<>> groups;  // of the devices here, as counted

    void take_finished(std::vector<FinishedMinute>& into) {
      if (finished.empty()) return;
      std::move(finished.begin(), finished.end(), std::back_inserter(into));
      finished.clear();
    }
    // Its row is built anew.
    void show(LiveDevice& device) {
      if (device.dirty) return;
      device.dirty = true;
      dirty.push_back(&device);
    }
    // Anything of it may have changed: its row, the gate's answer, and what the passing of time
    // means for it.
    void touch(LiveDevice& device) {
      show(device);
      device.gate_due = true;
      timers.due_by(device, WallTime::min());
    }
  };

  Stripe& stripe_of(const std::string& id) {
    return stripes_[std::hash<std::string>{}(id) % kStripes];
  }
  std::array<Stripe, kStripes>& stripes() { return stripes_; }

  // Calls `use(device)` under its lock and touches it. False where there is no such device.
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
