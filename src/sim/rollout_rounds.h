// Many simulated rollouts of one kind, counted: how many halt, how many devices are exposed until
// then, and how long it takes; with the intervals of 95 % that so many rounds allow.
//
// `ota-sim rollout` prints them, `make bench B=rollout` makes its table of them. Thread: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "sim/rollout_run.h"

namespace ota::sim {

struct RolloutFaultKind {
  std::string_view name;
  std::string_view help;
  RolloutFault fault;
};
// What an update may do to its devices, "none" first.
std::span<const RolloutFaultKind> rollout_faults();
// Null where there is none of that name.
const RolloutFaultKind* find_rollout_fault(std::string_view name);

struct RolloutRounds {
  RolloutFault fault;
  int rounds = 100;
  int devices = 500;
  std::uint64_t seed = 1;  // of the first; each further one has the next
  rollout::CanaryRule canaries;
  double alpha = 0.01;
  WorldHappens heat = WorldHappens::kSometimes;
  WorldHappens load = WorldHappens::kSometimes;
  double lossy = 0.03;
  MemoryDip dip;
  std::array<int, 4> watch_minutes = kShortWatch;
};

// What came of one rule.
struct RolloutTally {
  int rounds = 0;
  int halted = 0;
  int few_exposed = 0;          // halted with at most 5 % of the devices exposed
  std::vector<double> exposed;  // percent, of those that halted
  std::vector<double> delay_h;  // from the first confirmation
  std::vector<std::string> by;  // the test that halted
  std::uint64_t looks = 0;
  std::uint64_t held = 0;

  void add(const RolloutResult& result);
  // "halted 60 of 60, 100 % (94.04 to 100.00); exposed ..".
  std::string text() const;
  Json json() const;
};

struct RolloutReport {
  RolloutTally judge;
  RolloutTally hawkbit;
  RolloutTally count;
};

// `record` gets the first round as a recording; may be empty.
RolloutReport run_rollout_rounds(const RolloutRounds& rounds,
                                 const std::function<void(std::string_view row)>& record = {});

// "12 of 60, 20 % (10.78 to 32.33)": Clopper, Pearson 1934.
std::string share_with_interval(int count, int of);
// The quantile of the values, and the interval that their order gives it: "3.2 (3.2 to 5.0)".
std::string quantile_with_interval(std::vector<double> values, double quantile, int decimals);

}  // namespace ota::sim
