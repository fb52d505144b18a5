#include <algorithm>

#include "gate/checks.h"

namespace ota::gate::rules {
namespace {

using model::CheckResult;

constexpr std::size_t kShownDigits = 12;

std::string short_digest(const std::string& sha256) {
  return sha256.empty() ? "no digest" : "sha256 " + sha256.substr(0, kShownDigits);
}

std::string describe(const model::Image& image) {
  return image.version.label() + " (" + short_digest(image.sha256) + ")";
}

// What a DDI client says is a version, without the digest that would prove it.
Finding reported_image(const Input& input, const std::string& required) {
  const auto* facts = input.record ? &input.record->facts : nullptr;
  if (facts == nullptr || !facts->confirmed) {
    return {CheckResult::kWarn, "a DDI client that has not said what it runs", required, ""};
  }
  if (facts->confirmed->sha256.empty()) {
    return {CheckResult::kWarn, facts->confirmed->version.label() + ", as it says itself", required,
            ""};
  }
  return {CheckResult::kPass, describe(*facts->confirmed) + ", installed from here", required, ""};
}

// DDI devices are heard of when they poll.
Finding polls(const Input& input) {
  const std::string required = "a poll within the last intervals";
  if (input.ddi->polls) {
    return {CheckResult::kPass, "polled " + format_age(input.ddi->silent_for) + " ago", required,
            ""};
  }
  const bool never = input.ddi->silent_for < milliseconds::zero();
  return {CheckResult::kBlock,
          never ? "no poll since the server started"
                : "no poll for " + format_age(input.ddi->silent_for),
          required, "start the update client of " + input.device, "Device Offline"};
}

Finding unwatched(const Input& input, const std::string& required) {
  const std::string observed = "unknown: DDI has no telemetry and no agent on it reports";
  if (overridden(input)) {
    return {CheckResult::kOverridden, observed, required, "overridden: " + input.override_reason};
  }
  if (input.ddi->policy == model::DdiWithoutTelemetry::kAllow) {
    return {CheckResult::kWarn, observed, required,
            "gate.ddi_without_telemetry in config/ota_settings.json allows it"};
  }
  return {CheckResult::kBlock, observed, required,
          "run ota-agent beside its update client, or set gate.ddi_without_telemetry to \"allow\" "
          "in config/ota_settings.json",
          "No Telemetry Over DDI"};
}

Finding untrusted(std::string observed, std::string required, std::string remedy) {
  return {CheckResult::kBlock, std::move(observed), std::move(required), std::move(remedy),
          "Untrusted Image"};
}

}  // namespace

bool overridden(const Input& input) {
  return input.release.release_class != model::ReleaseClass::kFunctional &&
         !input.override_reason.empty();
}

Finding known(const Input& input) {
  const std::string required = "listed in config/devices.json";
  if (input.spec) return {CheckResult::kPass, "listed as " + input.spec->hardware, required, ""};
  return {CheckResult::kBlock, "not in the whitelist", required,
          "add " + input.device + " to config/devices.json", "Unknown Device"};
}

Finding enrolled(const Input& input) {
  const std::string required = "enrolled with its own key, not revoked";
  const std::string remedy = input.ddi ? "otactl ddi token " + input.device
                                       : "otactl enroll " + input.device + ", then ota-agent join";
  if (!input.record || (!input.record->enrolled && !input.record->revoked)) {
    return {CheckResult::kBlock, "never enrolled", required, remedy, "Not Enrolled"};
  }
  if (input.record->revoked) {
    return {CheckResult::kBlock, "its certificate is revoked", required, remedy, "Device Revoked"};
  }
  if (input.record->certificate_expires != WallTime{} &&
      input.record->certificate_expires <= input.now) {
    return {CheckResult::kBlock,
            "certificate ended " + format_rfc3339(input.record->certificate_expires), required,
            remedy, "Certificate Expired"};
  }
  if (input.record->second_key_seen) {
    return {CheckResult::kWarn, "enrolled; someone tried to enrol this id with another key",
            required, "look at the enrol.second-key events, then acknowledge the device"};
  }
  return {CheckResult::kPass, "enrolled", required, ""};
}

Finding online(const Input& input) {
  if (input.ddi && !input.ddi->has_agent) return polls(input);
  const std::string required = "telemetry within the stale time";
  if (input.online) {
    return {CheckResult::kPass, "last sample " + format_age(input.silent_for) + " ago", required,
            ""};
  }
  const bool never = input.silent_for < milliseconds::zero();
  return {
      CheckResult::kBlock,
      never ? "no sample since the server started" : "silent for " + format_age(input.silent_for),
      required, "bring " + input.device + " back on line", "Device Offline"};
}

Finding trusted_image(const Input& input) {
  const std::string required = "the device runs the image that the server believes it runs";
  if (input.ddi) return reported_image(input, required);
  const auto* facts = input.record ? &input.record->facts : nullptr;
  if (facts == nullptr || !facts->confirmed) {
    return untrusted("no image reported yet", required, "wait for the device's first report");
  }
  const model::Image& confirmed = *facts->confirmed;
  if (facts->booted && *facts->booted != confirmed) {
    return untrusted("runs " + describe(*facts->booted) + ", confirmed " + describe(confirmed),
                     required, "wait until it confirms what it runs, or roll it back");
  }
  if (confirmed.sha256.empty()) {
    return untrusted(describe(confirmed), required, "the agent must report the image's digest");
  }
  if (input.confirmed_published_sha256) {
    if (*input.confirmed_published_sha256 == confirmed.sha256) {
      return {CheckResult::kPass, describe(confirmed) + ", as published", required, ""};
    }
    return untrusted(
        describe(confirmed) + ", published " + short_digest(*input.confirmed_published_sha256),
        required, "its image is not the published one: inspect and re-flash it");
  }
  const auto& trusted = input.record->trusted;
  if (std::find(trusted.begin(), trusted.end(), confirmed) != trusted.end()) {
    return {CheckResult::kPass, describe(confirmed) + ", not published, known for this device",
            required, ""};
  }
  return untrusted(describe(confirmed) + ", neither published nor known for this device", required,
                   "publish this image, or re-flash the device");
}

Finding verdict(const Input& input) {
  const std::string required = "stable";
  if (input.ddi && !input.ddi->has_agent) return unwatched(input, required);
  const model::Verdict& seen = input.verdict;
  if (seen.level == model::Level::kStable) {
    return {CheckResult::kPass, "stable, risk " + std::to_string(seen.risk), required, ""};
  }
  std::string observed(model::to_text(seen.level));
  observed += ", risk " + std::to_string(seen.risk);
  std::string reasons;
  for (const model::Signal& signal : seen.signals) {
    if (!signal.text.empty()) reasons += (reasons.empty() ? "" : "; ") + signal.text;
  }
  if (reasons.empty()) reasons = seen.sentence;
  if (!reasons.empty()) observed += ": " + reasons;
  if (!seen.group.empty()) observed += "; " + seen.group;

  const bool unknown = seen.level == model::Level::kUnknown;
  std::string remedy = seen.would_clear;
  if (remedy.empty()) {
    remedy =
        unknown ? "wait for fresh telemetry" : "bring its load down and wait until it is stable";
  }
  if (seen.scope == model::Scope::kShared) remedy += "; look at what the group has in common";
  const bool may_override = input.release.release_class != model::ReleaseClass::kFunctional;
  if (overridden(input)) {
    return {CheckResult::kOverridden, std::move(observed), required,
            "overridden: " + input.override_reason};
  }
  if (may_override) remedy += "; or push with --override \"reason\"";
  std::string_view headline = "Anomaly Detected";
  if (unknown) {
    const bool incomplete = seen.label == model::kIncompleteTelemetry;
    headline = incomplete ? model::kIncompleteTelemetry : "No Recent Telemetry";
  }
  return {CheckResult::kBlock, std::move(observed), required, std::move(remedy), headline};
}

}  // namespace ota::gate::rules
