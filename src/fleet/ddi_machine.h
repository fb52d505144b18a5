// What a DDI client's reports do to its update job: pure rules on top of job_machine, in its words
// of states.
//
//   sent --download--> downloading --whole--> installing --"All Chunks Installed."--> confirming
//                                                     (installed, awaiting confirmation)   |
//   closed/success after a whole download:  succeeded, or confirming until it reports the version
//   closed/success without one:             failed, "never-downloaded": flagged, not counted
//   closed/failure:                         failed, with the device's own ERROR line
//
// A report that closes is taken once; the same one again changes nothing. A cancel that the device
// refuses is taken back. No clock, no store, no lock; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fleet/job_machine.h"
#include "model/ddi.h"
#include "model/settings.h"

namespace ota::fleet {

enum class DdiExecution : std::uint8_t {
  kClosed,
  kProceeding,
  kScheduled,
  kResumed,
  kDownload,
  kDownloaded,
  kRejected,
  kCanceled,
};
inline constexpr model::EnumTable<DdiExecution, 8> kDdiExecutionWords{
    {{DdiExecution::kClosed, "closed"},
     {DdiExecution::kProceeding, "proceeding"},
     {DdiExecution::kScheduled, "scheduled"},
     {DdiExecution::kResumed, "resumed"},
     {DdiExecution::kDownload, "download"},
     {DdiExecution::kDownloaded, "downloaded"},
     {DdiExecution::kRejected, "rejected"},
     {DdiExecution::kCanceled, "canceled"}}};

enum class DdiFinished : std::uint8_t { kNone, kSuccess, kFailure };
inline constexpr model::EnumTable<DdiFinished, 3> kDdiFinishedWords{
    {{DdiFinished::kNone, "none"},
     {DdiFinished::kSuccess, "success"},
     {DdiFinished::kFailure, "failure"}}};

struct DdiFeedback {
  DdiExecution execution = DdiExecution::kProceeding;
  DdiFinished finished = DdiFinished::kNone;
  std::vector<std::string> details;  // lines of text, not cleaned yet
};

// How much of the image has been fetched.
struct DdiFetch {
  // A piece on the way, the end of a transfer before the image's end, or all of it.
  enum class Kind : std::uint8_t { kPiece, kEnded, kWhole };
  Kind kind = Kind::kPiece;
  std::uint64_t prefix = 0;  // bytes from the first one on without a gap
};

// Whether the device has ever said in its attributes which version it runs: then its success
// counts when it says the new one.
enum class DdiVersionWord : std::uint8_t { kNever, kSaysIt };

// The settings with DDI's deadlines in place, and one attempt only: a device that was offered an
// update and ended it is not offered it again by itself.
model::OtaSettings ddi_rules(const model::Settings& settings);

// The gate keeps the job back. Told once for each reason.
JobChange ddi_withheld(const model::Job& job, const model::Decision& decision, WallTime now);
// The image cannot be served as it was signed.
JobChange ddi_unservable(const model::Job& job, const std::string& problem, WallTime now);
JobChange ddi_fetched(const model::Job& job, const DdiFetch& fetch, const model::OtaSettings& rules,
                      WallTime now);
// kNotFound: the device was never offered it. kConflict: it has ended (HTTP 410).
Result<JobChange> ddi_reported(const model::Job& job, const DdiFeedback& feedback,
                               DdiVersionWord word, const model::OtaSettings& rules, WallTime now);
Result<JobChange> ddi_cancel_reported(const model::Job& job, const DdiFeedback& feedback,
                                      const model::OtaSettings& rules, WallTime now);
// The device says that it runs `version`: ends a job whose success waits for that.
JobChange ddi_version_seen(const model::Job& job, const model::Version& version,
                           const model::OtaSettings& rules, WallTime now);
// Ends it on the server alone. kConflict: it has ended.
Result<JobChange> ddi_force_quit(const model::Job& job, const std::string& actor, WallTime now);

// Adds lines, cleaned and cut; of more than 50 the oldest go first, ERROR lines last.
void append_ddi_log(std::vector<std::string>& log, const std::vector<std::string>& details);
bool is_ddi_error_line(std::string_view line);
// As a screen shows them: ERROR lines as they came, then the rest, the newest first.
std::vector<std::string> ddi_log_by_weight(const std::vector<std::string>& log);
// The same of the newest job that has any; `jobs` newest first.
std::vector<std::string> last_ddi_log(const std::vector<model::Job>& jobs);

}  // namespace ota::fleet
