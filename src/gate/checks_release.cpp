#include "gate/checks.h"

namespace ota::gate::rules {
namespace {

using model::CheckResult;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "nothing" : out;
}

}  // namespace

Finding published(const Input& input) {
  const std::string required = "in the signed metadata";
  if (input.release_published) {
    return {CheckResult::kPass, input.release.version.label() + " is published", required, ""};
  }
  return {CheckResult::kBlock,
          input.release.version == model::Version{}
              ? "no target version is set"
              : input.release.version.label() + " is not in the signed metadata",
          required, "publish it: otactl firmware add, or choose a version of otactl firmware list",
          "Release Not Published"};
}

Finding hardware(const Input& input) {
  if (!input.release_published) return {CheckResult::kWarn, "no release to compare", "", ""};
  const std::string required = "one of " + joined(input.release.hardware);
  const std::string listed = input.spec ? input.spec->hardware : "unknown";
  const std::string reported = input.record ? input.record->hardware : "";
  if (!reported.empty() && reported != listed) {
    return {CheckResult::kBlock, "listed as " + listed + ", says that it is " + reported, required,
            "correct its model in config/devices.json or in the agent's configuration",
            "Wrong Hardware"};
  }
  if (input.release.fits(listed)) return {CheckResult::kPass, listed, required, ""};
  return {CheckResult::kBlock, listed, required, "choose a release made for " + listed,
          "Wrong Hardware"};
}

Finding version(const Input& input) {
  const std::string required = "newer than the confirmed version";
  const auto* facts = input.record ? &input.record->facts : nullptr;
  if (input.ddi && (facts == nullptr || !facts->confirmed)) {
    return {CheckResult::kWarn, "its attributes do not say which version it runs", required, ""};
  }
  if (facts == nullptr || !facts->confirmed) {
    return {CheckResult::kBlock, "no confirmed version", required,
            "wait for the device's first report", "Version Unknown"};
  }
  const model::Version& confirmed = facts->confirmed->version;
  const model::Version& wanted = input.release.version;
  const std::string observed = "confirmed " + confirmed.label() + ", asked for " + wanted.label();
  if (wanted > confirmed) return {CheckResult::kPass, observed, required, ""};
  if (wanted == confirmed) {
    return {CheckResult::kSkip, observed, required, "nothing to do"};
  }
  return {CheckResult::kBlock, observed, required,
          "choose a version newer than " + confirmed.label() +
              "; to go back to the previous slot use rollback",
          "Downgrade Refused"};
}

Finding no_job(const Input& input) {
  const std::string required = "no update running";
  if (!input.running_job) return {CheckResult::kPass, "none running", required, ""};
  const model::Job& job = *input.running_job;
  return {CheckResult::kBlock,
          job.id + " to " + job.release.version.label() + " is " +
              std::string(model::to_text(job.state)),
          required, "wait for it, or otactl cancel " + job.id, "Update Already Running"};
}

Finding not_rejected(const Input& input) {
  const std::string required = "never fallen back from";
  if (!input.record) return {CheckResult::kPass, "never tried", required, ""};
  const auto found = input.record->rejected.find(input.release.sha256);
  if (found == input.record->rejected.end() || input.release.sha256.empty()) {
    return {CheckResult::kPass, "never fallen back from", required, ""};
  }
  const std::string observed = "fell back from it: " + found->second;
  if (input.again)
    return {CheckResult::kWarn, observed, required, "offered again by explicit word"};
  return {CheckResult::kBlock, observed, required, "publish a mended version, or push with --again",
          "Release Rejected Before"};
}

Finding maintenance_window(const Input& input) {
  const std::string required = "within a maintenance window of its group";
  if (!input.window) return {CheckResult::kPass, "no window names its group", required, ""};
  const model::WindowState& window = *input.window;
  if (window.open) {
    return {CheckResult::kPass,
            window.name + " is open until " + format_rfc3339(window.until, Fraction::kNone),
            required, ""};
  }
  const std::string opens = format_rfc3339(window.until, Fraction::kNone);
  const std::string observed =
      "closed; " + window.name + " opens " + opens + ", in " + format_age(window.until - input.now);
  if (overridden(input)) {
    return {CheckResult::kOverridden, observed, required, "overridden: " + input.override_reason};
  }
  std::string remedy = "push at or after " + opens;
  if (input.release.release_class != model::ReleaseClass::kFunctional) {
    remedy += "; or push with --override \"reason\"";
  }
  return {CheckResult::kBlock, observed, required, remedy, "Maintenance Window Closed"};
}

}  // namespace ota::gate::rules
