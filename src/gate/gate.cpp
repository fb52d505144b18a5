#include "gate/gate.h"

#include <array>

#include "gate/checks.h"

namespace ota::gate {
namespace {

using model::Answer;
using model::CheckResult;

constexpr std::string_view kWindowCheck = "window";

constexpr std::array<Check, 11> kChecks{{
    {"known", "The device is in the whitelist.", rules::known},
    {"enrolled", "It has a key and a certificate of its own, and they are not revoked.",
     rules::enrolled},
    {"online", "Its telemetry arrives.", rules::online},
    {"trusted-image", "It runs the image that the server believes it runs.", rules::trusted_image},
    {"verdict", "Its telemetry shows no anomaly.", rules::verdict},
    {"published", "The release is in the signed metadata.", rules::published},
    {"hardware", "The release is made for its hardware.", rules::hardware},
    {"version", "The release is newer than what it confirmed.", rules::version},
    {"no-job", "No other update of it is running.", rules::no_job},
    {"not-rejected", "It did not fall back from this release before.", rules::not_rejected},
    {kWindowCheck, "A maintenance window of its group is open.", rules::maintenance_window},
}};

std::string blocked(std::string_view reason) {
  std::string headline = "BLOCKED: ";
  headline += reason;
  return headline;
}

// Checks whose refusal does not matter to a device that has the version already.
bool yields_to_skip(std::string_view check) {
  return check == "online" || check == "verdict";
}

// Of a device that no window is for, nothing is said about one: no line more for every operator who
// has none, and decisions on record from before there were windows are made again as they were.
bool is_told(const Check& check, const Input& input) {
  return check.name != kWindowCheck || input.window.has_value();
}

model::CheckOutcome outcome_of(std::string_view check, const Finding& finding) {
  return {std::string(check), finding.result, finding.observed, finding.required, finding.remedy};
}

}  // namespace

std::span<const Check> checks() {
  return kChecks;
}

model::Decision evaluate(const Input& input) {
  model::Decision decision;
  decision.device = input.device;
  decision.version = input.release.version;
  decision.sha256 = input.release.sha256;
  decision.at = input.now;
  decision.override_reason = input.override_reason;

  std::array<Finding, kChecks.size()> findings;
  bool skipped = false;
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    findings[i] = kChecks[i].evaluate(input);
    skipped = skipped || findings[i].result == CheckResult::kSkip;
    if (is_told(kChecks[i], input)) {
      decision.checks.push_back(outcome_of(kChecks[i].name, findings[i]));
    }
  }
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    if (findings[i].result == CheckResult::kSkip) {
      decision.answer = Answer::kSkip;
      decision.headline = "SKIPPED: Device already on " + input.release.version.label();
      return decision;
    }
    if (findings[i].result != CheckResult::kBlock) continue;
    if (skipped && yields_to_skip(kChecks[i].name)) continue;
    decision.answer = Answer::kBlock;
    decision.headline = blocked(findings[i].reason);
    if (findings[i].reason == "Anomaly Detected") decision.risk = input.verdict.label;
    return decision;
  }
  if (input.unsaved) return refuse_unsaved(std::move(decision), *input.unsaved);
  decision.answer = Answer::kAllow;
  decision.headline = "SUCCESS: Update to " + input.release.version.label() + " initiated";
  return decision;
}

model::Decision preview(const Input& input) {
  model::Decision decision = evaluate(input);
  if (decision.answer == Answer::kAllow) {
    decision.headline = "ALLOWED: Update to " + input.release.version.label() + " may start now";
  }
  return decision;
}

std::string_view headline_reason(const model::Decision& decision) {
  const std::string_view text = decision.headline;
  const auto colon = text.find(": ");
  return colon == std::string_view::npos ? text : text.substr(colon + 2);
}

model::Decision refuse_unsaved(model::Decision decision, const std::string& problem) {
  const Finding finding{CheckResult::kBlock, problem.empty() ? "not written" : problem,
                        "decisions are on disk before anyone is told",
                        "free disk space or make state/ writable", "State Not Saved"};
  decision.answer = Answer::kBlock;
  decision.headline = blocked(finding.reason);
  decision.checks.push_back(outcome_of("state-saved", finding));
  return decision;
}

}  // namespace ota::gate
