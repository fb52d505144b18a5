// One update of one device, from the operator's word to its confirmed end.
//
//   queued -> sent -> downloading -> verifying -> installing -> booting -> confirming -> succeeded
//        \________________________________________________________________________/-> failed |
//        rolled back |
//                                                                                      cancelled |
//                                                                                      expired
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "model/ddi.h"
#include "model/enum_text.h"
#include "model/fetch_plan.h"
#include "model/release.h"

namespace ota::model {

enum class JobState : std::uint8_t {
  kQueued,
  kSent,
  kDownloading,
  kVerifying,
  kInstalling,
  kBooting,
  kConfirming,
  kSucceeded,
  kFailed,
  kRolledBack,
  kCancelled,
  kExpired,
};
inline constexpr EnumTable<JobState, 12> kJobStateWords{{{JobState::kQueued, "queued"},
                                                         {JobState::kSent, "sent"},
                                                         {JobState::kDownloading, "downloading"},
                                                         {JobState::kVerifying, "verifying"},
                                                         {JobState::kInstalling, "installing"},
                                                         {JobState::kBooting, "booting"},
                                                         {JobState::kConfirming, "confirming"},
                                                         {JobState::kSucceeded, "succeeded"},
                                                         {JobState::kFailed, "failed"},
                                                         {JobState::kRolledBack, "rolled-back"},
                                                         {JobState::kCancelled, "cancelled"},
                                                         {JobState::kExpired, "expired"}}};
OTA_ENUM_TEXT(JobState, parse_job_state, kJobStateWords)

constexpr bool is_final(JobState state) {
  return state >= JobState::kSucceeded;
}

// After success the device is watched for a while: did the update harm it?
// kUnknown: nothing of it was heard that would tell. kLeft: it runs another image now, so that
// nothing more is learnt of this one.
enum class Watch : std::uint8_t { kNone, kWatching, kHealthy, kRegressed, kUnknown, kLeft };
inline constexpr EnumTable<Watch, 6> kWatchWords{{{Watch::kNone, "none"},
                                                  {Watch::kWatching, "watching"},
                                                  {Watch::kHealthy, "healthy"},
                                                  {Watch::kRegressed, "regressed"},
                                                  {Watch::kUnknown, "unknown"},
                                                  {Watch::kLeft, "left"}}};
OTA_ENUM_TEXT(Watch, parse_watch, kWatchWords)

struct JobStep {
  JobState state = JobState::kQueued;
  WallTime at;
  std::string detail;
};

// Collection "jobs", key = id.
struct Job {
  std::string id;  // "job-000042"
  std::string device;
  Release release;
  std::string actor;  // who asked: "operator", "console", ...
  std::string override_reason;
  JobState state = JobState::kQueued;
  int percent = 0;  // of the download
  int attempt = 1;
  WallTime created;
  WallTime updated;
  WallTime deadline;       // of the present state
  std::string error_code;  // the agent's, where it failed: "tuf.rollback", "image.hash", ...
  std::string detail;      // one sentence on how it ended or where it stands
  Watch watch = Watch::kNone;
  WallTime watch_until;
  std::uint64_t report_seq = 0;   // of the last report that was applied
  bool again = false;             // asked for by explicit word though the device fell back from it
  bool cancel_requested = false;  // the device was asked to stop and has not answered yet
  bool claims_success = false;    // reported without proof: waits for the device's status
  std::string sent_boot;          // the start in which the device was sent it; empty: not known
  std::vector<JobStep> steps;
  std::optional<DdiProgress> ddi;  // where the device is updated over DDI
  std::uint64_t sent_bytes = 0;    // to its device while it ran, all attempts together
  std::optional<FetchPlan> fetch;  // how the image comes, as the device said last; none: not said
};

void to_json(nlohmann::json& out, const JobStep& step);
void from_json(const nlohmann::json& in, JobStep& step);
void to_json(nlohmann::json& out, const Job& job);
void from_json(const nlohmann::json& in, Job& job);

// What an agent says of a job: the body of POST /v1/jobs/{id}/report.
struct JobReport {
  std::uint64_t seq =
      0;  // counts up within a job: a repeated report is acknowledged and not applied again
  JobState state = JobState::kSent;
  int percent = 0;
  std::string error_code;
  std::string detail;
  std::optional<std::string> written_sha256;
  std::optional<FetchPlan> fetch;  // while downloading, where the image is made of a shorter file
};
void to_json(nlohmann::json& out, const JobReport& report);
void from_json(const nlohmann::json& in, JobReport& report);

}  // namespace ota::model
