// What a rollout would do, before anything is stored: its phases, who comes in which, what each phase
// can be judged by, and what is at stake where it goes wrong.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "rollout/order.h"
#include "rollout/settings.h"

namespace ota::rollout {

enum class PauseAfter : std::uint8_t { kNo, kYes };

// A phase after the canary.
struct PhaseRule {
  double percent = 100;  // of the devices that are exposed when it is open
  seconds watch{0};
  PauseAfter pause_after = PauseAfter::kNo;
};

inline constexpr std::size_t kMostPhaseRules = 31;
inline constexpr seconds kShortestWatch = std::chrono::minutes(15);
inline constexpr seconds kLongestWatch = std::chrono::days(30);

struct PlanSettings {
  CanaryRule canary;
  seconds canary_watch = std::chrono::hours(4);
  std::vector<PhaseRule> phases = {{5, std::chrono::hours(8), PauseAfter::kNo},
                                   {25, std::chrono::hours(24), PauseAfter::kNo},
                                   {100, std::chrono::hours(24), PauseAfter::kNo}};
  // Devices that may be unproven at a time; never fewer than the canary.
  std::optional<std::uint64_t> max_unproven;
  double max_unproven_percent = 25;        // of the rollout
  double max_unproven_group_percent = 50;  // of a group's devices in it
  JudgeSettings judge;
};

// A device that the plan was asked about.
struct PlanDevice {
  Candidate device;
  std::string left_out;     // why it is no member; empty: it is one
  std::string waits;        // what the gate would say now; empty: it would be offered
  std::uint64_t bytes = 0;  // of its image
};

// What a phase can be judged by when its devices are confirmed.
enum class CanJudge : std::uint8_t {
  kBehaviour,  // the smallest chance that its counts can give would halt
  kOutcomes    // failures and restarts only
};

struct PlannedModel {
  std::uint64_t devices = 0;   // in the phase
  std::uint64_t updated = 0;   // by its end
  std::uint64_t controls = 0;  // left then
};

struct PlannedPhase {
  std::string name;                  // "canary", "2", .. "4 rest"
  std::vector<std::size_t> members;  // places in the list, in the order of the offers
  double exposed_percent = 0;        // of the rollout, by its end
  seconds watch{0};
  PauseAfter pause_after = PauseAfter::kNo;
  CanJudge can_judge = CanJudge::kOutcomes;
  std::map<std::string, PlannedModel> models;
};

// Failures that halt: `failed` of at most `of` updates.
struct FailureBorder {
  std::uint64_t failed = 0;
  std::uint64_t of = 0;
};

struct Plan {
  std::vector<PlannedPhase> phases;
  std::uint64_t devices = 0;
  std::uint64_t bytes = 0;
  std::uint64_t no_way_back = 0;
  std::map<std::string, std::uint64_t> left_out;  // by reason
  std::map<std::string, std::uint64_t> waiting;   // by what the gate says now
  std::uint64_t most_unproven = 0;
  std::map<std::string, std::uint64_t> most_unproven_of_group;  // of those that have one
  std::vector<FailureBorder> failures_that_halt;                // the first of them
  seconds earliest_end{0};  // after the start, where nobody waits
};

// kInvalid: phases that do not add up, or a list without a member; the context says which.
// At most two seconds for 100,000 devices.
Result<Plan> make_plan(std::string_view rollout, const std::vector<PlanDevice>& devices,
                       const PlanSettings& settings);

// "5%:8h,25%:24h,100%": percent of the devices and watch; the last watch may be left out (24 h).
Result<std::vector<PhaseRule>> parse_phases(std::string_view text);

}  // namespace ota::rollout
