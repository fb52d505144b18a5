// A fleet of any size without a network: enrolled devices in a store, in memory or as a whole root,
// and samples for them.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "fleet/fleet.h"
#include "model/settings.h"
#include "store/store.h"

namespace ota::bench {

std::string device_name(std::size_t number);  // "d-000042"

// Writes config/devices.json and the devices' records into state/ota.db of `root`.
void write_large_root(const std::filesystem::path& root, std::size_t devices, const Clock& clock);

// The strand as in production, and the longest task that it has run.
class TimedExecutor final : public Executor {
 public:
  void post(Task task) override;
  void drain() override { thread_.drain(); }
  double take_longest_ms();  // since the last call

 private:
  std::atomic<std::int64_t> longest_ns_{0};
  ThreadExecutor thread_;
};

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
  void advance(milliseconds step) { clock_.advance(step); }
  // One tick, to its end.
  void tick();
  // Waits until all that was asked for is done and stored.
  void settle();
  double take_longest_task_ms() { return strand_.take_longest_ms(); }

 private:
  void post(std::size_t device);

  ManualClock clock_;
  std::size_t devices_;
  std::uint64_t seq_ = 0;
  std::unique_ptr<store::Store> store_;
  TimedExecutor strand_;
  std::unique_ptr<fleet::Fleet> fleet_;
};

}  // namespace ota::bench
