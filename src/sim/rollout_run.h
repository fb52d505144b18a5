// One rollout over a simulated fleet under one rule that may halt it: the shipped judge, hawkBit's
// error condition, or a fixed count of critical devices.
//
// Canary, 5 %, 25 %, rest; a phase opens when the one before is ready and its watch is over: 2, 2, 4 h
// unless said otherwise, shorter than shipped, so that exposure grows fast. A look that is held for want of data,
// or for one group, waits for the next look; one without controls does not (`on_inconclusive` is
// `continue`). Without `success_percent`, so that failing installs are the rules' alone to find.
// Thread: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rollout/judge.h"
#include "rollout/order.h"
#include "rollout/recording_writer.h"
#include "sim/rollout_world.h"

namespace ota::sim {

// What an update does to the devices that have it.
struct RolloutFault {
  std::array<double, kWorldMetrics> shift{};  // in a device's own sigmas
  double leak = 0;                            // sigmas of mem an hour
  int from = 0;                               // minutes after the confirmation
  double looping = 0;                         // share of the devices in a crash-loop
  bool silent = false;                        // nothing is heard 20 minutes after the confirmation
  std::optional<std::uint32_t> model;         // that alone is hit
  double failing = 0.01;                      // share of the installs
  double forging_controls = 0;  // share of those that wait, reading high from the start on
  double forging_canaries = 0;  // share of the updated, reading high
};

enum class HaltRule : std::uint8_t { kJudge, kHawkbit, kCount };

// Of canary, 5 %, 25 %; the rest is watched to the world's end.
inline constexpr std::array<int, 4> kShortWatch{120, 120, 240, 0};  // minutes
inline constexpr std::array<int, 4> kShippedWatch{240, 480, 1440, 0};

struct RolloutRunOptions {
  RolloutFault fault;
  std::array<int, 4> watch_minutes = kShortWatch;
  rollout::CanaryRule canaries;
  rollout::JudgeSettings settings;
  // Gets the rollout that the judge sees as a recording (rollout/recording.h); may be empty.
  std::function<void(std::string_view row)> record = {};
};

struct RolloutResult {
  std::optional<int> halted;  // minutes after the start
  std::string by;             // the test that halted
  double exposed = 0;         // share of the devices that were offered the release
  double delay_h = 0;         // from the first confirmation
  std::uint64_t looks = 0;
  std::uint64_t held = 0;  // looks, but for want of controls
};

class RolloutRun {
 public:
  RolloutRun(const RolloutWorld& world, std::uint64_t seed, HaltRule rule,
             const RolloutRunOptions& options);

  RolloutRun(const RolloutRun&) = delete;
  RolloutRun& operator=(const RolloutRun&) = delete;

  // What happens at the beginning of minute `now`, which the world has not lived yet.
  void act(const RolloutWorld& world, int now);
  // The minute that the world has just lived.
  void take_minute(const RolloutWorld& world, int now);
  bool halted() const { return result_.halted.has_value(); }
  RolloutResult result() const;

 private:
  enum class State : std::uint8_t { kWaiting, kUpdating, kConfirmed, kFailed };
  struct Member {
    State state = State::kWaiting;
    std::uint32_t phase = 0;
    int until = 0;  // of the install
    int confirmed = 0;
    bool will_fail = false;
    bool loops = false;
    bool forges = false;
    int next_crash = 0;
    int install_minutes = 0;
    double dip = 0;
    int over = 0;  // minutes in a row at a limit
    bool was_critical = false;
    bool turned_critical = false;
  };
  struct Phase {
    std::vector<std::size_t> members;
    int watch = 0;  // minutes
    std::uint64_t offered = 0;
    std::uint64_t confirmed = 0;
    std::uint64_t failed = 0;
    std::uint64_t critical = 0;
    int last_offer = 0;
    std::optional<int> ready;
  };
  void make_phases(const RolloutWorld& world, const rollout::Drawn& drawn);
  void tell(int now, Result<void> (rollout::Judge::*judge)(std::size_t),
            void (rollout::RecordingWriter::*write)(WallTime, std::size_t), std::size_t device);
  void make_judge(const RolloutWorld& world);
  void end_installs(const RolloutWorld& world, int now);
  void open_phases(int now);
  void offer(const RolloutWorld& world, int now);
  bool hit(const RolloutWorld& world, std::size_t device) const;
  std::array<double, kWorldMetrics> values_of(const RolloutWorld& world, std::size_t device,
                                              int now);
  void watch_limits(std::size_t device, const std::array<double, kWorldMetrics>& values,
                    bool heard);
  void halt(int now, std::string by);

  HaltRule rule_;
  RolloutRunOptions options_;
  WorldRandom random_;
  double dip_keeps_;
  std::vector<Member> members_;
  std::vector<Phase> phases_;
  std::size_t open_ = 0;  // phases
  std::uint64_t exposed_ = 0;
  std::optional<int> first_confirmed_;
  bool waits_for_look_ = false;
  std::unique_ptr<rollout::Judge> judge_;
  std::unique_ptr<rollout::RecordingWriter> writer_;
  RolloutResult result_;
};

// Lives a world with a rollout under one rule in it, until it halts or the world ends.
RolloutResult run_rollout(const RolloutWorldOptions& world, HaltRule rule,
                          const RolloutRunOptions& options);
// Lives a world with a rollout of each rule in it; the results are in the rules' order.
std::array<RolloutResult, 3> run_rollouts(const RolloutWorldOptions& world,
                                          const RolloutRunOptions& options);

}  // namespace ota::sim
