// The gate's checks and what each may answer, as one table: the words of a refusal stand here and
// nowhere else.
//
// A check answers with a Reason, which is a byte; the table says whether that passes, what heads
// the refusal ("BLOCKED: Wrong Hardware") and how the summary's column calls it. Sentences with
// numbers are made by the check on demand (checks.h). The order of the checks decides which refusal
// is the headline.
//
// Thread: any, constants only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "model/decision.h"
#include "model/verdict.h"

namespace ota::gate {

// In their order. The last four are told only where there is a stop, a window or a data budget, or
// the state is not saved.
enum class CheckName : std::uint8_t {
  kKnown,
  kEnrolled,
  kOnline,
  kTrustedImage,
  kVerdict,
  kPublished,
  kHardware,
  kVersion,
  kNoJob,
  kNotRejected,
  kNotStopped,
  kWindow,
  kDataBudget,
  kStateSaved,
};
inline constexpr std::size_t kCheckCount = 14;

struct CheckInfo {
  CheckName name;
  std::string_view word;  // as shown and stored
  std::string_view help;  // one sentence
};
inline constexpr std::array<CheckInfo, kCheckCount> kCheckInfos{{
    {CheckName::kKnown, "known", "The device is in the whitelist."},
    {CheckName::kEnrolled, "enrolled",
     "It has a key and a certificate of its own, and they are not revoked."},
    {CheckName::kOnline, "online", "Its telemetry arrives."},
    {CheckName::kTrustedImage, "trusted-image",
     "It runs the image that the server believes it runs."},
    {CheckName::kVerdict, "verdict", "Its telemetry shows no anomaly."},
    {CheckName::kPublished, "published", "The release is in the signed metadata."},
    {CheckName::kHardware, "hardware", "The release is made for its hardware."},
    {CheckName::kVersion, "version", "The release is newer than what it confirmed."},
    {CheckName::kNoJob, "no-job", "No other update of it is running."},
    {CheckName::kNotRejected, "not-rejected", "It did not fall back from this release before."},
    {CheckName::kNotStopped, "not-stopped", "No operator has stopped all updates."},
    {CheckName::kWindow, "window", "A maintenance window of its group is open."},
    {CheckName::kDataBudget, "data-budget", "What it would fetch is within its data budget."},
    {CheckName::kStateSaved, "state-saved", "What is decided can be written down."},
}};

enum class Reason : std::uint8_t {
  kAllowed,  // of no check: all of them let it pass
  kListed,
  kNotListed,
  kEnrolled,
  kSecondKey,
  kNeverEnrolled,
  kRevoked,
  kCertificateEnded,
  kTwoPlaces,
  kHeard,
  kSilent,
  kClockOff,
  kReadingsRefused,
  kTwoClients,
  kDdiPolls,
  kDdiSilent,
  kPublishedImage,
  kKnownImage,
  kNoImage,
  kBootedOther,
  kNoDigest,
  kAlteredImage,
  kUnknownImage,
  kDdiNoImage,
  kDdiOwnWord,
  kDdiInstalled,
  kStable,
  kAnomaly,
  kNoTelemetry,
  kIncompleteTelemetry,
  kUnwatched,
  kUnwatchedAllowed,
  kVerdictOverridden,
  kPublished,
  kNoTarget,
  kNotPublished,
  kFits,
  kNothingToFit,
  kOtherModel,
  kSaysOtherModel,
  kNewer,
  kUpToDate,
  kOtherImage,
  kOlder,
  kNoVersion,
  kDdiNoVersion,
  kNoJob,
  kJobRunning,
  kNotRejected,
  kRejected,
  kOfferedAgain,
  kNotStopped,
  kStopped,
  kNoWindow,
  kWindowOpen,
  kWindowClosed,
  kWindowOverridden,
  kNoBudget,
  kWithinBudget,
  kBudgetUsed,
  kBudgetOverridden,
  kSaved,
  kUnsaved,
};

struct ReasonInfo {
  Reason reason;
  CheckName check;  // kKnown of kAllowed, which is of none
  model::CheckResult result;
  std::string_view headline = {};  // where it blocks
  std::string_view column = {};    // where it is the headline's: at most 13 cells
};
inline constexpr std::array<ReasonInfo, 63> kReasonInfos = [] {
  using enum CheckName;
  using enum model::CheckResult;
  return std::array<ReasonInfo, 63>{{
      {Reason::kAllowed, kKnown, kPass, "", "pass"},
      {Reason::kListed, kKnown, kPass},
      {Reason::kNotListed, kKnown, kBlock, "Unknown Device", "not listed"},
      {Reason::kEnrolled, kEnrolled, kPass},
      {Reason::kSecondKey, kEnrolled, kWarn},
      {Reason::kNeverEnrolled, kEnrolled, kBlock, "Not Enrolled", "not enrolled"},
      {Reason::kRevoked, kEnrolled, kBlock, "Device Revoked", "revoked"},
      {Reason::kCertificateEnded, kEnrolled, kBlock, "Certificate Expired", "cert expired"},
      {Reason::kTwoPlaces, kEnrolled, kBlock, "Identity In Two Places", "two devices"},
      {Reason::kHeard, kOnline, kPass},
      {Reason::kSilent, kOnline, kBlock, "Device Offline", "offline"},
      {Reason::kClockOff, kOnline, kBlock, "Clock Off", "clock off"},
      {Reason::kReadingsRefused, kOnline, kBlock, "Readings Refused", "refused"},
      {Reason::kTwoClients, kOnline, kBlock, "Two Update Clients", "two clients"},
      {Reason::kDdiPolls, kOnline, kPass},
      {Reason::kDdiSilent, kOnline, kBlock, "Device Offline", "offline"},
      {Reason::kPublishedImage, kTrustedImage, kPass},
      {Reason::kKnownImage, kTrustedImage, kPass},
      {Reason::kNoImage, kTrustedImage, kBlock, "Untrusted Image", "no image"},
      {Reason::kBootedOther, kTrustedImage, kBlock, "Untrusted Image", "untrusted"},
      {Reason::kNoDigest, kTrustedImage, kBlock, "Untrusted Image", "untrusted"},
      {Reason::kAlteredImage, kTrustedImage, kBlock, "Untrusted Image", "untrusted"},
      {Reason::kUnknownImage, kTrustedImage, kBlock, "Untrusted Image", "untrusted"},
      {Reason::kDdiNoImage, kTrustedImage, kWarn},
      {Reason::kDdiOwnWord, kTrustedImage, kWarn},
      {Reason::kDdiInstalled, kTrustedImage, kPass},
      {Reason::kStable, kVerdict, kPass},
      // The summary names the metrics instead.
      {Reason::kAnomaly, kVerdict, kBlock, "Anomaly Detected", "anomaly"},
      {Reason::kNoTelemetry, kVerdict, kBlock, "No Recent Telemetry", "stale"},
      {Reason::kIncompleteTelemetry, kVerdict, kBlock, model::kIncompleteTelemetry, "incomplete"},
      {Reason::kUnwatched, kVerdict, kBlock, "No Telemetry Over DDI", "no telemetry"},
      {Reason::kUnwatchedAllowed, kVerdict, kWarn},
      {Reason::kVerdictOverridden, kVerdict, kOverridden},
      {Reason::kPublished, kPublished, kPass},
      {Reason::kNoTarget, kPublished, kBlock, "Release Not Published", "no target"},
      {Reason::kNotPublished, kPublished, kBlock, "Release Not Published", "not published"},
      {Reason::kFits, kHardware, kPass},
      {Reason::kNothingToFit, kHardware, kWarn},
      {Reason::kOtherModel, kHardware, kBlock, "Wrong Hardware", "wrong model"},
      {Reason::kSaysOtherModel, kHardware, kBlock, "Wrong Hardware", "wrong model"},
      {Reason::kNewer, kVersion, kPass},
      {Reason::kUpToDate, kVersion, kSkip, "", "up to date"},
      {Reason::kOtherImage, kVersion, kBlock, "Other Image Of This Version", "other image"},
      {Reason::kOlder, kVersion, kBlock, "Downgrade Refused", "downgrade"},
      {Reason::kNoVersion, kVersion, kBlock, "Version Unknown", "no version"},
      {Reason::kDdiNoVersion, kVersion, kWarn},
      {Reason::kNoJob, kNoJob, kPass},
      {Reason::kJobRunning, kNoJob, kBlock, "Update Already Running", "updating"},
      {Reason::kNotRejected, kNotRejected, kPass},
      {Reason::kRejected, kNotRejected, kBlock, "Release Rejected Before", "rejected"},
      {Reason::kOfferedAgain, kNotRejected, kWarn},
      {Reason::kNotStopped, kNotStopped, kPass},
      {Reason::kStopped, kNotStopped, kBlock, "Updates Stopped", "stopped"},
      {Reason::kNoWindow, kWindow, kPass},
      {Reason::kWindowOpen, kWindow, kPass},
      {Reason::kWindowClosed, kWindow, kBlock, "Maintenance Window Closed", "not now"},
      {Reason::kWindowOverridden, kWindow, kOverridden},
      {Reason::kNoBudget, kDataBudget, kPass},
      {Reason::kWithinBudget, kDataBudget, kPass},
      {Reason::kBudgetUsed, kDataBudget, kBlock, "Data Budget Used", "data budget"},
      {Reason::kBudgetOverridden, kDataBudget, kOverridden},
      {Reason::kSaved, kStateSaved, kPass},
      {Reason::kUnsaved, kStateSaved, kBlock, "State Not Saved", "not saved"},
  }};
}();

constexpr const CheckInfo& info_of(CheckName check) {
  return kCheckInfos[static_cast<std::size_t>(check)];
}
constexpr const ReasonInfo& info_of(Reason reason) {
  return kReasonInfos[static_cast<std::size_t>(reason)];
}
constexpr model::CheckResult result_of(Reason reason) {
  return info_of(reason).result;
}
// Of the reason that heads a decision.
constexpr model::Answer answer_of(Reason reason) {
  switch (result_of(reason)) {
    case model::CheckResult::kBlock:
      return model::Answer::kBlock;
    case model::CheckResult::kSkip:
      return model::Answer::kSkip;
    default:
      return model::Answer::kAllow;
  }
}

}  // namespace ota::gate
