// Telemetry that is not alive: a reading that no longer moves, a series that was recorded and is
// played again, a device that dies as soon as it is up.
//
// Each is judged by what the device itself did before, so an idle disk may stand still for weeks
// and a load may not for a minute.
//
// Pure; no allocation but CopyWatch's for its first thousand readings. Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace ota::anomaly {

// One metric that stands still for longer than chance allows, given how often it repeated itself
// before.
class FlatLine {
 public:
  // Stuck after `shortest` at the soonest.
  void observe(double value, WallTime at, milliseconds shortest);
  bool stuck() const { return stuck_; }
  WallTime since() const { return run_since_; }
  // -log10 of the probability of a run this long.
  double surprise() const;
  bool ever_changed() const { return changes_ > 0; }
  bool lively() const { return changes_ >= 10; }  // enough changes to know its ways
  std::uint32_t run() const { return run_; }

  // See Latch::each_told.
  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("since", self.run_since_);
    visit("run", self.run_);
    visit("steps", self.steps_);
    visit("changes", self.changes_);
    visit("stuck", self.stuck_);
  }
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    each_told(self, visit);
    visit("last", self.last_);
  }

 private:
  double last_ = 0;
  WallTime run_since_{};
  std::uint32_t run_ = 0;  // repeats of the last value
  float steps_ = 0;        // of ended runs; old ones fade
  float changes_ = 0;
  bool stuck_ = false;
};

// Sixteen readings in a row, all metrics of each, that came in the same order before. The last
// thousand readings are remembered. A restart forgets them, for a simulator may begin again, but
// not that a recording was found out.
class CopyWatch {
 public:
  void restart();
  void observe(std::uint64_t fingerprint, WallTime at);
  std::size_t bytes() const { return seen_.capacity() * sizeof(std::uint64_t); }  // on the heap
  bool copied() const { return copied_at_ != WallTime{}; }
  WallTime since() const { return copied_at_; }
  // Readings that were not sent before until it is forgiven.
  std::uint64_t left() const { return kRun * kRuns + 1 - (count_ - last_copy_); }

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("since", self.copied_at_);
    visit("count", self.count_);
    visit("last", self.last_copy_);
  }
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    each_told(self, visit);
    visit("recent", self.recent_);
    visit("seen", self.seen_);
  }

 private:
  static constexpr std::size_t kRun = 16;
  static constexpr std::size_t kRuns = 64;

  std::array<std::uint64_t, kRun> recent_{};
  std::vector<std::uint64_t> seen_;  // at most kRuns; a new device does not pay for all
  std::uint64_t count_ = 0;
  std::uint64_t last_copy_ = 0;
  WallTime copied_at_{};
};

// Starts that ended before the device had sent enough to be judged.
class RestartWatch {
 public:
  // A new boot; `samples` is how many the boot before it sent.
  void boot(std::uint32_t samples, std::uint32_t enough, WallTime at);
  bool looping(WallTime now) const;
  // When it no longer loops if it stays up; in the past where it does not.
  WallTime settled_at() const;
  std::uint32_t deaths() const { return deaths_; }
  WallTime since() const { return since_; }

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("deaths", self.deaths_);
    visit("since", self.since_);
    visit("last", self.last_boot_);
  }

 private:
  std::uint32_t deaths_ = 0;  // in a row
  WallTime since_{};
  WallTime last_boot_{};
};

}  // namespace ota::anomaly
