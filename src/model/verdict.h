// What the telemetry of a device says about its health, and why.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/enum_text.h"

namespace ota::model {

// kUnknown: missing or stale data. Only kStable earns an update.
enum class Level : std::uint8_t { kUnknown, kStable, kWatch, kCritical };
inline constexpr EnumTable<Level, 4> kLevelWords{{{Level::kUnknown, "unknown"},
                                                  {Level::kStable, "stable"},
                                                  {Level::kWatch, "watch"},
                                                  {Level::kCritical, "critical"}}};
OTA_ENUM_TEXT(Level, parse_level, kLevelWords)

enum class SignalKind : std::uint8_t { kLimit, kBaseline, kFlatLine, kData };
inline constexpr EnumTable<SignalKind, 4> kSignalKindWords{{{SignalKind::kLimit, "limit"},
                                                            {SignalKind::kBaseline, "baseline"},
                                                            {SignalKind::kFlatLine, "flat-line"},
                                                            {SignalKind::kData, "data"}}};
OTA_ENUM_TEXT(SignalKind, parse_signal_kind, kSignalKindWords)

enum class Scope : std::uint8_t { kUntold, kOwn, kShared };
inline constexpr EnumTable<Scope, 3> kScopeWords{
    {{Scope::kUntold, ""}, {Scope::kOwn, "own"}, {Scope::kShared, "shared"}}};
OTA_ENUM_TEXT(Scope, parse_scope, kScopeWords)

// One reason of a verdict, in numbers and in words.
struct Signal {
  std::string metric;  // "cpu", "mem", "disk", "temp" or an extra metric's name
  SignalKind kind = SignalKind::kLimit;
  Level level = Level::kWatch;     // what this signal alone amounts to
  double value = 0;                // observed last
  double limit = 0;                // the threshold, where kind is kLimit
  std::optional<double> expected;  // baseline's centre
  std::optional<double> spread;    // and its spread (one sigma)
  std::optional<double> tail;      // probability of a value this far out on a healthy device
  WallTime since;                  // when it began
  double share = 0;                // of the score, 0 to 1
  std::string text;                // "CPU 97 % (limit 90 %) for 40 s"
};

// The label of a device that sends telemetry, but not all that is needed.
inline constexpr std::string_view kIncompleteTelemetry = "Incomplete Telemetry";

struct Verdict {
  Level level = Level::kUnknown;
  int risk = 0;      // 0 to 100
  double score = 0;  // anomaly score, 0 to 1
  std::string
      label;  // "Stable", "High Load", "Overheating", "No telemetry", ...: the short risk name
  std::string sentence;  // one sentence for an operator
  std::string
      would_clear;  // the smallest change that makes it stable, in words; empty where it is stable
  // Whose it is, where the device's group is large enough to tell: kOwn or kShared by most of the
  // others; and that in words.
  Scope scope = Scope::kUntold;
  std::string group;            // "as 7 of 9 others of group lab"
  WallTime since;               // when this level began
  std::vector<Signal> signals;  // worst first
};

void to_json(nlohmann::json& out, const Signal& signal);
void from_json(const nlohmann::json& in, Signal& signal);
void to_json(nlohmann::json& out, const Verdict& verdict);
void from_json(const nlohmann::json& in, Verdict& verdict);

}  // namespace ota::model
