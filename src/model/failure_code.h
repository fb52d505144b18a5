// Every code with which an update ends without success: its word, what the server does then, what
// it says, and what to do.
//
// The words are part of the wire protocol (JobReport::error_code) and are never renamed. Agents of
// other releases, and installers over DDI, may say words that are not here: the code stays a text.
// What a device's update client refuses has the words of tuf/error.h ("tuf.rollback"). Pure; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ota::model {

namespace failure_code {

inline constexpr const char* kAbandoned = "abandoned";
inline constexpr const char* kBootUnconfirmed = "boot.unconfirmed";
inline constexpr const char* kDeadlineQueued = "deadline.queued";
inline constexpr const char* kDeadlineSent = "deadline.sent";
inline constexpr const char* kDowngrade = "downgrade";
inline constexpr const char* kDownload = "download";
inline constexpr const char* kDownloadSlow = "download.slow";
inline constexpr const char* kForceQuit = "force-quit";
inline constexpr const char* kGate = "gate";
inline constexpr const char* kHealthFailed = "health.failed";
inline constexpr const char* kImageHash = "image.hash";
inline constexpr const char* kImageLength = "image.length";
inline constexpr const char* kInstallFailed = "install.failed";
inline constexpr const char* kIo = "io";
inline constexpr const char* kJobMismatch = "job-mismatch";
inline constexpr const char* kNeverDownloaded = "never-downloaded";
inline constexpr const char* kNoSpace = "no-space";
inline constexpr const char* kRestartFailed = "restart.failed";
inline constexpr const char* kRestartLimit = "restart.limit";
inline constexpr const char* kRollbackFailed = "rollback.failed";
inline constexpr const char* kTimeout = "timeout";
inline constexpr const char* kTooManySteps = "too-many-steps";
inline constexpr const char* kTufReplayedJob = "tuf.replayed-job";
inline constexpr const char* kUnknown = "unknown";
inline constexpr const char* kWrongHardware = "wrong-hardware";

}  // namespace failure_code

// kEnd: the job ends. kRetry: the way, not the image, was at fault, so another attempt may heal it.
// kRefusal: the device refused what it was given because of its content: an attack, until somebody
// has looked.
enum class AfterFailure : std::uint8_t { kEnd, kRetry, kRefusal };

struct FailureCode {
  std::string_view word;
  AfterFailure then;
  std::string_view sentence;
  std::string_view remedy;  // empty: nothing to be done
};

inline constexpr std::array kFailureCodes = std::to_array<FailureCode>({
    {failure_code::kAbandoned, AfterFailure::kEnd, "The device was revoked or left the whitelist.",
     ""},
    {failure_code::kBootUnconfirmed, AfterFailure::kEnd,
     "The new image started too often without being confirmed, and the old one is back.",
     "Look at the device's own log: the image does not come up."},
    {"deadline", AfterFailure::kEnd, "A step took longer than its deadline (`ota` in ota.json).",
     "See whether the device is on line; push again."},
    {failure_code::kDeadlineQueued, AfterFailure::kEnd,
     "The device did not ask for its update in time.", "Bring it on line; push again."},
    {failure_code::kDeadlineSent, AfterFailure::kEnd,
     "The device took its update and said nothing more.", "Bring it on line; push again."},
    {failure_code::kDowngrade, AfterFailure::kRefusal,
     "The device has, or had, this version or a newer one.",
     "`otactl device ID` shows what it runs; publish a newer version."},
    {failure_code::kDownload, AfterFailure::kRetry, "The image could not be fetched.", ""},
    {failure_code::kDownloadSlow, AfterFailure::kRetry,
     "The image came more slowly than the device puts up with.",
     "See to the link, or lower `limits.min_bytes_per_second` of the agent."},
    {failure_code::kForceQuit, AfterFailure::kEnd,
     "An operator ended it on the server alone: the device may still install.", ""},
    {failure_code::kGate, AfterFailure::kEnd,
     "The gate no longer allowed it when the device came for it.", "`otactl explain` says why."},
    {failure_code::kHealthFailed, AfterFailure::kEnd,
     "The new image's own check failed, and the old one is back.",
     "Mend the image, or its health command."},
    {failure_code::kImageHash, AfterFailure::kRefusal,
     "The image on the device is not the signed one.",
     "Treat it as an attack or as failing storage until you know which."},
    {failure_code::kImageLength, AfterFailure::kRefusal,
     "The image is longer or shorter than its signed length, or than the device takes.",
     "See what the server's `firmware/` holds; `limits.max_image_bytes` of the agent."},
    {failure_code::kInstallFailed, AfterFailure::kEnd, "The device's installer failed.",
     "Its output is in the message."},
    {failure_code::kIo, AfterFailure::kRetry, "The device's disk failed.", "See to its storage."},
    {failure_code::kJobMismatch, AfterFailure::kRefusal,
     "The job names another image than the signed metadata.",
     "Treat the server as taken until you know why."},
    {failure_code::kNeverDownloaded, AfterFailure::kEnd,
     "A DDI client said that it had installed an image of which it fetched nothing.",
     "See to the device's client."},
    {failure_code::kNoSpace, AfterFailure::kEnd, "The device has no room for the image.",
     "Make room there; push again."},
    {failure_code::kRestartFailed, AfterFailure::kEnd, "The device's restart command failed.",
     "See `installer.restart` of the agent."},
    {failure_code::kRestartLimit, AfterFailure::kEnd,
     "The device was made to restart too often within an hour.", "Wait; push again."},
    {failure_code::kRollbackFailed, AfterFailure::kEnd,
     "The device's installer could not take its work back.", "See `installer.rollback`."},
    {failure_code::kTimeout, AfterFailure::kRetry, "An answer did not come in time.", ""},
    {failure_code::kTooManySteps, AfterFailure::kEnd,
     "The device moved its update to and fro without an end.", "See to the device's agent."},
    {"tuf.busy", AfterFailure::kEnd, "Another program uses the device's trusted metadata.", ""},
    {failure_code::kTufReplayedJob, AfterFailure::kRefusal,
     "The director's word was used before on this device.",
     "Treat the server as taken until you know why."},
    {"tuf.storage", AfterFailure::kEnd, "The device could not store the trusted metadata.",
     "See to its storage."},
    {"tuf.unavailable", AfterFailure::kEnd, "The device could not fetch the signed metadata.", ""},
    {failure_code::kUnknown, AfterFailure::kEnd, "The device gave no reason.",
     "See the device's own log."},
    {failure_code::kWrongHardware, AfterFailure::kRefusal,
     "The signed image is not for the device's hardware.", "`otactl firmware list`."},
});

// The line for "io", "io.read" (that of what stands before the dot) or "tuf.rollback"; null: a word
// that has none.
constexpr const FailureCode* find_failure_code(std::string_view word) {
  const auto find = [](std::string_view wanted) -> const FailureCode* {
    for (const FailureCode& code : kFailureCodes) {
      if (code.word == wanted) return &code;
    }
    return nullptr;
  };
  if (const FailureCode* whole = find(word)) return whole;
  return find(word.substr(0, word.find('.')));
}

constexpr AfterFailure after_failure(std::string_view word) {
  if (const FailureCode* code = find_failure_code(word)) return code->then;
  return word.starts_with("tuf.") ? AfterFailure::kRefusal : AfterFailure::kEnd;
}

}  // namespace ota::model
