// The gate's answer for one device and one release at one time, with every check's outcome.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/enum_text.h"
#include "model/version.h"

namespace ota::model {

enum class Answer : std::uint8_t { kAllow, kSkip, kBlock };
inline constexpr EnumTable<Answer, 3> kAnswerWords{
    {{Answer::kAllow, "allow"}, {Answer::kSkip, "skip"}, {Answer::kBlock, "block"}}};
OTA_ENUM_TEXT(Answer, parse_answer, kAnswerWords)

// kOverridden: would have blocked, an operator's reason let it pass.
enum class CheckResult : std::uint8_t { kPass, kWarn, kSkip, kBlock, kOverridden };
inline constexpr EnumTable<CheckResult, 5> kCheckResultWords{
    {{CheckResult::kPass, "pass"},
     {CheckResult::kWarn, "warn"},
     {CheckResult::kSkip, "skip"},
     {CheckResult::kBlock, "block"},
     {CheckResult::kOverridden, "overridden"}}};
OTA_ENUM_TEXT(CheckResult, parse_check_result, kCheckResultWords)

struct CheckOutcome {
  std::string check;  // its name in the gate's table: "verdict", "hardware", ...
  CheckResult result = CheckResult::kBlock;
  std::string observed;  // "cpu 97 % for 40 s"
  std::string required;  // "stable"
  std::string remedy;    // what would have to change; empty where it passed
};

struct Decision {
  Answer answer = Answer::kBlock;
  std::string device;
  Version version;
  std::string sha256;  // of the release
  WallTime at;
  // The sentence that users know: "SUCCESS: Update to v2.1.5 initiated", "BLOCKED: Anomaly
  // Detected", "BLOCKED: Downgrade Refused", "SKIPPED: Device already on v2.1.5", "BLOCKED:
  // <reason>".
  std::string headline;
  std::string risk;  // the verdict's label where it blocked: "High Load"
  std::string override_reason;
  std::vector<CheckOutcome> checks;  // every check, in the gate's order
};

void to_json(nlohmann::json& out, const CheckOutcome& outcome);
void from_json(const nlohmann::json& in, CheckOutcome& outcome);
void to_json(nlohmann::json& out, const Decision& decision);
void from_json(const nlohmann::json& in, Decision& decision);

}  // namespace ota::model
