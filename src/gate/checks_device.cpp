#include <algorithm>

#include "gate/checks.h"

namespace ota::gate::rules {
namespace {

constexpr std::size_t kShownDigits = 12;

std::string short_digest(std::string_view sha256) {
  return sha256.empty() ? "no digest" : "sha256 " + std::string(sha256.substr(0, kShownDigits));
}

const model::Image* confirmed_of(const Question& asked) {
  if (asked.record == nullptr || !asked.record->facts.confirmed) return nullptr;
  return &*asked.record->facts.confirmed;
}

// What a DDI client says is a version, without the digest that would prove it; what was installed
// from here has one.
Reason reported_image(const Question& asked) {
  const model::Image* confirmed = confirmed_of(asked);
  if (confirmed == nullptr) return Reason::kDdiNoImage;
  if (confirmed->sha256.empty()) return Reason::kDdiOwnWord;
  const bool altered =
      !asked.published_sha256.empty() && asked.published_sha256 != confirmed->sha256;
  return altered ? Reason::kAlteredImage : Reason::kDdiInstalled;
}

// Nothing but its polls is heard of it.
bool only_polls(const Question& asked) {
  return asked.ddi && !asked.ddi->has_agent;
}

// The verdict's reasons. Where something is critical, what is only near a limit or unusual is no
// part of it.
std::string reasons_of(const model::Verdict& verdict) {
  std::string reasons;
  for (const model::Signal& signal : verdict.signals) {
    const bool lesser = verdict.level == model::Level::kCritical && signal.level < verdict.level;
    if (lesser || signal.text.empty()) continue;
    reasons += (reasons.empty() ? "" : "; ") + signal.text;
  }
  return reasons.empty() ? verdict.sentence : reasons;
}

// "critical, risk 91: CPU 97 % (limit 90 %) for 40 s; 7 of 9 others of group roof show it too"
std::string observed_verdict(const model::Verdict& verdict) {
  std::string observed(model::to_text(verdict.level));
  observed += ", risk " + std::to_string(verdict.risk);
  const std::string reasons = reasons_of(verdict);
  if (!reasons.empty()) observed += ": " + reasons;
  if (!verdict.group.empty()) observed += "; " + verdict.group;
  return observed;
}

std::string verdict_remedy(const Input& input, Reason found) {
  const model::Verdict& seen = input.verdict;
  std::string remedy = seen.would_clear;
  if (remedy.empty()) {
    remedy = found == Reason::kAnomaly ? "bring its load down and wait until it is stable"
                                       : "wait for fresh telemetry";
  }
  if (seen.scope == model::Scope::kShared) remedy += "; look at what the group has in common";
  const bool may_override = input.release.release_class != model::ReleaseClass::kFunctional;
  if (may_override) remedy += "; or push with --override \"reason\"";
  return remedy;
}

}  // namespace

std::string describe(const model::Image& image) {
  return image.version.label() + " (" + short_digest(image.sha256) + ")";
}

bool overridden(const Question& asked) {
  return asked.release != nullptr &&
         asked.release->release_class != model::ReleaseClass::kFunctional &&
         !asked.override_reason.empty();
}

// -- known --

Reason known(const Question& asked) {
  return asked.spec != nullptr ? Reason::kListed : Reason::kNotListed;
}

Words known_words(const Input& input, Reason found) {
  const std::string required = "listed in config/devices.json";
  if (found == Reason::kListed) return {"listed as " + input.spec->hardware, required, ""};
  return {"not in the whitelist", required, "add " + input.device + " to config/devices.json"};
}

// -- enrolled --

Reason enrolled(const Question& asked) {
  const model::DeviceRecord* record = asked.record;
  if (record == nullptr || (!record->enrolled && !record->revoked)) return Reason::kNeverEnrolled;
  if (record->revoked) return Reason::kRevoked;
  const bool ends = record->certificate_expires != WallTime{};
  if (ends && record->certificate_expires <= asked.now) return Reason::kCertificateEnded;
  if (record->in_two_places) return Reason::kTwoPlaces;
  return record->second_key_seen ? Reason::kSecondKey : Reason::kEnrolled;
}

Words enrolled_words(const Input& input, Reason found) {
  const std::string required = "enrolled with its own key, not revoked";
  const std::string remedy = input.ddi ? "otactl ddi token " + input.device
                                       : "otactl enroll " + input.device + ", then ota-agent join";
  switch (found) {
    case Reason::kEnrolled:
      return {"enrolled", required, ""};
    case Reason::kSecondKey:
      return {"enrolled; someone tried to enrol this id with another key", required,
              "look at the enrol.second-key events, then acknowledge the device"};
    case Reason::kRevoked:
      return {"its certificate is revoked", required, remedy};
    case Reason::kCertificateEnded:
      return {"certificate ended " + format_rfc3339(input.record->certificate_expires), required,
              input.ddi ? remedy
                        : "otactl renew " + input.device + " lets it fetch a new one by itself"};
    case Reason::kTwoPlaces:
      return {"two devices speak with its identity", required,
              "give one of them its own (delete its identity/, enrol it under its own name), then "
              "acknowledge " +
                  input.device};
    default:
      return {"never enrolled", required, remedy};
  }
}

// -- online --

Reason online(const Question& asked) {
  if (asked.ddi && asked.ddi->agent_asks) return Reason::kTwoClients;
  if (only_polls(asked)) return asked.ddi->polls ? Reason::kDdiPolls : Reason::kDdiSilent;
  if (asked.online) return Reason::kHeard;
  if (!asked.unusable) return Reason::kSilent;
  return asked.unusable->clock_off ? Reason::kClockOff : Reason::kReadingsRefused;
}

Words online_words(const Input& input, Reason found) {
  const bool polled = found == Reason::kDdiPolls || found == Reason::kDdiSilent;
  const milliseconds silent_for = polled ? input.ddi->silent_for : input.silent_for;
  const std::string age = format_age(silent_for);
  const bool never = silent_for < milliseconds::zero();
  const std::string required =
      polled ? "a poll within the last intervals" : "telemetry within the stale time";
  switch (found) {
    case Reason::kTwoClients:
      return {"its ota-agent and a DDI client ask for updates at once", "one update client",
              "stop one of the two, or say which one counts: otactl ddi use " + input.device +
                  " agent|ddi"};
    case Reason::kHeard:
      return {"last sample " + age + " ago", required, ""};
    case Reason::kClockOff:
      return {"it is connected, and its clock is " +
                  format_age(std::chrono::abs(input.unusable->ahead)) +
                  (input.unusable->ahead > milliseconds::zero() ? " ahead" : " behind"),
              required, "set the clock of " + input.device};
    case Reason::kReadingsRefused:
      return {"it is connected, and its readings are refused", required,
              "look at the agent of " + input.device};
    case Reason::kDdiPolls:
      return {"polled " + age + " ago", required, ""};
    case Reason::kDdiSilent:
      return {never ? "no poll since the server started" : "no poll for " + age, required,
              "start the update client of " + input.device};
    default:
      return {never ? "no sample since the server started" : "silent for " + age, required,
              "bring " + input.device + " back on line"};
  }
}

// -- trusted image --

Reason trusted_image(const Question& asked) {
  if (asked.ddi) return reported_image(asked);
  const model::Image* confirmed = confirmed_of(asked);
  if (confirmed == nullptr) return Reason::kNoImage;
  const auto& booted = asked.record->facts.booted;
  if (booted && *booted != *confirmed) return Reason::kBootedOther;
  return image_trust(*confirmed, asked.published_sha256, asked.record->trusted);
}

Words trusted_image_words(const Input& input, Reason found) {
  const std::string required = "the device runs the image that the server believes it runs";
  if (found == Reason::kNoImage) {
    return {"no image reported yet", required, "wait for the device's first report"};
  }
  if (found == Reason::kDdiNoImage) {
    return {"a DDI client that has not said what it runs", required, ""};
  }
  const model::Facts& facts = input.record->facts;
  const std::string runs = describe(*facts.confirmed);
  switch (found) {
    case Reason::kPublishedImage:
      return {runs + ", as published", required, ""};
    case Reason::kKnownImage:
      return {runs + ", not published, known for this device", required, ""};
    case Reason::kDdiOwnWord:
      return {facts.confirmed->version.label() + ", as it says itself", required, ""};
    case Reason::kDdiInstalled:
      return {runs + ", installed from here", required, ""};
    case Reason::kBootedOther:
      return {"runs " + describe(*facts.booted) + ", confirmed " + runs, required,
              "wait until it confirms what it runs, or roll it back"};
    case Reason::kNoDigest:
      return {runs, required, "the agent must report the image's digest"};
    case Reason::kAlteredImage:
      return {runs + ", published " + short_digest(*input.confirmed_published_sha256), required,
              "its image is not the published one: inspect and re-flash it"};
    default:
      return {runs + ", neither published nor known for this device", required,
              "publish this image, or re-flash the device"};
  }
}

// -- verdict --

Reason verdict(const Question& asked) {
  if (only_polls(asked)) {
    if (overridden(asked)) return Reason::kVerdictOverridden;
    return asked.ddi->policy == model::DdiWithoutTelemetry::kAllow ? Reason::kUnwatchedAllowed
                                                                   : Reason::kUnwatched;
  }
  if (asked.level == model::Level::kStable) return Reason::kStable;
  if (overridden(asked)) return Reason::kVerdictOverridden;
  if (asked.level != model::Level::kUnknown) return Reason::kAnomaly;
  return asked.incomplete ? Reason::kIncompleteTelemetry : Reason::kNoTelemetry;
}

Words verdict_words(const Input& input, Reason found) {
  const std::string required = "stable";
  const std::string unwatched = "unknown: DDI has no telemetry and no agent on it reports";
  switch (found) {
    case Reason::kStable:
      return {"stable, risk " + std::to_string(input.verdict.risk), required, ""};
    case Reason::kUnwatchedAllowed:
      return {unwatched, required,
              "gate.ddi_without_telemetry in config/ota_settings.json allows it"};
    case Reason::kUnwatched:
      return {unwatched, required,
              "run ota-agent beside its update client, or set gate.ddi_without_telemetry to "
              "\"allow\" in config/ota_settings.json"};
    case Reason::kVerdictOverridden:
      return {only_polls(question_of(input)) ? unwatched : observed_verdict(input.verdict),
              required, "overridden: " + input.override_reason};
    default:
      return {observed_verdict(input.verdict), required, verdict_remedy(input, found)};
  }
}

}  // namespace ota::gate::rules

namespace ota::gate {

// A published version has one digest for each hardware model, and no other image of that version is
// trusted, whoever reported it first. Of a version that is not published, those images are that the
// device is known to have: its first, and what updates brought.
Reason image_trust(const model::Image& image, std::string_view published_sha256,
                   std::span<const model::Image> known) {
  if (image.sha256.empty()) return Reason::kNoDigest;
  if (!published_sha256.empty())
    return published_sha256 == image.sha256 ? Reason::kPublishedImage : Reason::kAlteredImage;
  return std::ranges::find(known, image) != known.end() ? Reason::kKnownImage
                                                        : Reason::kUnknownImage;
}

}  // namespace ota::gate
