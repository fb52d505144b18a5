// One look at a rollout: the changes and outcomes of its devices in, evidence and a decision out.
//
// Each metric is tested in each hardware model by the rank sum of the updated devices' changes among
// those of the controls, and over all models together; each outcome by an exact test. The rollout
// halts where the smallest chance, adjusted to the whole rollout, is at most alpha. It is held where
// nobody can judge, and where a halt would hang on one group alone.
//
// Pure: the same numbers give the same bytes, in whatever order the devices come. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/enum_text.h"
#include "rollout/settings.h"
#include "rollout/shares.h"

namespace ota::rollout {

using model::enum_text;
using model::enum_value;

// What a device did since the look before, each bad by itself.
enum class Outcome : std::uint8_t { kRestart, kRestartLoop, kSilent, kCritical };
inline constexpr model::EnumTable<Outcome, kOutcomeCount> kOutcomeWords{
    {{Outcome::kRestart, "restart"},
     {Outcome::kRestartLoop, "restart-loop"},
     {Outcome::kSilent, "silent"},
     {Outcome::kCritical, "critical"}}};
OTA_ENUM_TEXT(Outcome, parse_outcome, kOutcomeWords)

enum class Side : std::uint8_t { kUpdated, kControl };

// A device that a look compares. Models and groups are numbered in the order of their names; group
// 0 is none.
struct Subject {
  std::uint32_t model = 0;
  std::uint32_t group = 0;
  Side side = Side::kControl;
  std::array<bool, kOutcomeCount> outcomes{};
};

struct LookInput {
  std::uint32_t phase = 0;
  std::span<const Subject> subjects;
  // A row for each subject, in it a change for each metric of the settings; kNoValue: not known.
  std::span<const double> changes;
  std::span<const std::string> models;
  std::span<const std::string> groups;
};

inline constexpr const char* kAllModels = "*";

struct Evidence {
  std::string test;   // a metric or an outcome
  std::string model;  // kAllModels: pooled
  double p = 1;
  double adjusted = 1;
  std::uint64_t updated = 0;  // that were tested
  // By how much the changes of the updated are above those of their controls, in the metric's unit:
  // the median. None for an outcome.
  std::optional<double> shift;
  // Of an outcome.
  std::uint64_t bad = 0;
  std::uint64_t controls = 0;
  std::uint64_t bad_controls = 0;
};

enum class Decision : std::uint8_t { kContinue, kHold, kHalt };
inline constexpr model::EnumTable<Decision, 3> kDecisionWords{
    {{Decision::kContinue, "continue"}, {Decision::kHold, "hold"}, {Decision::kHalt, "halt"}}};
OTA_ENUM_TEXT(Decision, parse_decision, kDecisionWords)

enum class HoldReason : std::uint8_t { kNone, kNoUpdated, kNoControls, kNoData, kOneGroup };
inline constexpr model::EnumTable<HoldReason, 5> kHoldReasonWords{
    {{HoldReason::kNone, "none"},
     {HoldReason::kNoUpdated, "no-updated"},
     {HoldReason::kNoControls, "no-controls"},
     {HoldReason::kNoData, "no-data"},
     {HoldReason::kOneGroup, "one-group"}}};
OTA_ENUM_TEXT(HoldReason, parse_hold_reason, kHoldReasonWords)

struct LookFound {
  Decision decision = Decision::kContinue;
  HoldReason hold = HoldReason::kNone;
  std::string group;                              // that the halt hangs on, where it is held for it
  std::uint64_t updated = 0;                      // devices
  std::uint64_t with_data = 0;                    // of them
  std::map<std::string, std::uint64_t> controls;  // of each model that has updated devices
  std::vector<Evidence> evidence;                 // the smallest adjusted chance first
  // What halts, or would halt but for its group: a place in `evidence`.
  std::optional<std::size_t> reason;
};

LookFound judge_look(const JudgeSettings& settings, const LookInput& input);

}  // namespace ota::rollout
