#include "gate/gate.h"

#include <array>

#include "gate/checks.h"

namespace ota::gate {
namespace {

using model::Answer;
using model::CheckResult;

constexpr std::array<Check, kCheckCount> kChecks{{
    {CheckName::kKnown, rules::known, rules::known_words},
    {CheckName::kEnrolled, rules::enrolled, rules::enrolled_words},
    {CheckName::kOnline, rules::online, rules::online_words},
    {CheckName::kTrustedImage, rules::trusted_image, rules::trusted_image_words},
    {CheckName::kVerdict, rules::verdict, rules::verdict_words},
    {CheckName::kPublished, rules::published, rules::published_words},
    {CheckName::kHardware, rules::hardware, rules::hardware_words},
    {CheckName::kVersion, rules::version, rules::version_words},
    {CheckName::kNoJob, rules::no_job, rules::no_job_words},
    {CheckName::kNotRejected, rules::not_rejected, rules::not_rejected_words},
    {CheckName::kNotStopped, rules::not_stopped, rules::not_stopped_words},
    {CheckName::kWindow, rules::maintenance_window, rules::maintenance_window_words},
    {CheckName::kDataBudget, rules::data_budget, rules::data_budget_words},
    {CheckName::kStateSaved, rules::state_saved, rules::state_saved_words},
}};

// Whether tables stand in the order of their enumeration, since they are looked up by it.
template <class Table, class Key>
constexpr bool in_order(const Table& table, Key key) {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(key(table[i])) != i) return false;
  }
  return true;
}
static_assert(in_order(kChecks, [](const Check& check) { return check.name; }));
static_assert(in_order(kCheckInfos, [](const CheckInfo& info) { return info.name; }));
static_assert(in_order(kReasonInfos, [](const ReasonInfo& info) { return info.reason; }));

using Findings = std::array<Reason, kCheckCount>;

Findings judge_all(const Question& asked) {
  Findings findings{};
  for (std::size_t i = 0; i < kChecks.size(); ++i)
    findings[i] = kChecks[i].judge(asked);
  return findings;
}

// Checks whose refusal does not matter to a device that has the version already.
bool yields_to_skip(CheckName check) {
  return check == CheckName::kOnline || check == CheckName::kVerdict;
}

Reason first_reason(const Findings& findings) {
  const bool skipped =
      result_of(findings[static_cast<std::size_t>(CheckName::kVersion)]) == CheckResult::kSkip;
  for (const Reason found : findings) {
    if (result_of(found) == CheckResult::kSkip) return found;
    if (result_of(found) != CheckResult::kBlock) continue;
    if (skipped && yields_to_skip(info_of(found).check)) continue;
    return found;
  }
  return Reason::kAllowed;
}

// What is as it always is needs no line: where nobody has stopped anything, nothing is said of a stop.
bool is_told(Reason found) {
  return found != Reason::kNotStopped && found != Reason::kNoWindow && found != Reason::kNoBudget &&
         found != Reason::kSaved;
}

model::CheckOutcome outcome_of(Reason found, Words words) {
  return {std::string(info_of(info_of(found).check).word), result_of(found),
          std::move(words.observed), std::move(words.required), std::move(words.remedy)};
}

std::string headline_of(Reason reason, const model::Version& version) {
  switch (answer_of(reason)) {
    case Answer::kAllow:
      return "SUCCESS: Update to " + version.label() + " initiated";
    case Answer::kSkip:
      return "SKIPPED: Device already on " + version.label();
    case Answer::kBlock:
      break;
  }
  return "BLOCKED: " + std::string(info_of(reason).headline);
}

}  // namespace

std::span<const Check, kCheckCount> checks() {
  return kChecks;
}

Question question_of(const Input& input) {
  Question asked;
  asked.now = input.now;
  if (input.spec) asked.spec = &*input.spec;
  if (input.record) asked.record = &*input.record;
  asked.online = input.online;
  asked.level = input.verdict.level;
  asked.incomplete = input.verdict.level == model::Level::kUnknown &&
                     input.verdict.label == model::kIncompleteTelemetry;
  if (input.release_published) asked.release = &input.release;
  if (input.release_published || input.release.version != model::Version{}) {
    asked.wanted = &input.release.version;
  }
  if (input.confirmed_published_sha256) asked.published_sha256 = *input.confirmed_published_sha256;
  asked.job_running = input.running_job.has_value();
  asked.override_reason = input.override_reason;
  asked.again = input.again;
  asked.unsaved = input.unsaved.has_value();
  asked.ddi = input.ddi;
  asked.unusable = input.unusable;
  if (input.window) asked.window_open = input.window->open;
  asked.stopped = input.stop.has_value();
  asked.data = input.data;
  return asked;
}

Reason judge(CheckName check, const Input& input) {
  return kChecks[static_cast<std::size_t>(check)].judge(question_of(input));
}

Reason deciding_reason(const Question& asked) {
  return first_reason(judge_all(asked));
}

model::Decision evaluate(const Input& input) {
  const Findings findings = judge_all(question_of(input));
  const Reason reason = first_reason(findings);
  model::Decision decision;
  decision.answer = answer_of(reason);
  decision.device = input.device;
  decision.version = input.release.version;
  decision.sha256 = input.release.sha256;
  decision.at = input.now;
  decision.override_reason = input.override_reason;
  decision.headline = headline_of(reason, decision.version);
  if (reason == Reason::kAnomaly) decision.risk = input.verdict.label;
  decision.checks.reserve(findings.size());
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (!is_told(findings[i])) continue;
    decision.checks.push_back(outcome_of(findings[i], kChecks[i].words(input, findings[i])));
  }
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
  Input input;
  input.unsaved = problem;
  decision.answer = Answer::kBlock;
  decision.headline = headline_of(Reason::kUnsaved, decision.version);
  decision.checks.push_back(
      outcome_of(Reason::kUnsaved, rules::state_saved_words(input, Reason::kUnsaved)));
  return decision;
}

}  // namespace ota::gate
