// A fleet of any size without a network: enrolled devices in a store, in memory or as a whole root,
// and samples for them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "fleet/fleet.h"
#include "model/settings.h"
#include "store/store.h"

namespace ota::bench {

std::string device_name(std::size_t number);  // "d-000042"

// Writes config/devices.json and the devices' records into state/ota.db of `root`.
void write_large_root(const std::filesystem::path& root, std::size_t devices, const Clock& clock);

class LargeFleet {
 public:
  // Its clock starts just after a full minute. `history`: readings kept for each device.
  LargeFleet(const std::filesystem::path& root, std::size_t devices, std::uint32_t history);

  // One sample of every device within one second of its clock, as the server takes them: decoded
  // from JSON, admitted, ingested; with the four ticks of that second.
  void second();
  fleet::Fleet& fleet() { return *fleet_; }
  store::Store& store() { return *store_; }
  const ManualClock& clock() const { return clock_; }

 private:
  void post(std::size_t device);

  ManualClock clock_;
  std::size_t devices_;
  std::uint64_t seq_ = 0;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<fleet::Fleet> fleet_;
};

}  // namespace ota::bench
