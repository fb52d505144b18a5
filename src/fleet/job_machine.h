// The life of an update job as a pure function: a job and what happened give the job afterwards and
// what follows from it. No clock, no store, no lock; any thread.
//
//   queued --gate allows--> sent --reports--> downloading .. installing .. booting .. confirming
//      ^   \--gate refuses--> failed                                                      |
//      |                                                                       succeeded (+ watch)
//      +-- retry: deadline or a retryable failure, while attempts are left
//
// Every state that is not final has a deadline. A report never brings a final job back to life;
// what the device says later shows in its facts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/event.h"
#include "model/job.h"
#include "model/settings.h"
#include "model/verdict.h"

namespace ota::fleet {

// What follows from a change, for the caller to carry out together with storing the job.
struct JobChange {
  model::Job job;
  bool changed = false;              // the job has to be stored
  std::vector<model::Event> events;  // without numbers and hashes
  bool soft = false;                 // a percentage: it comes again, and is not worth a write
  bool wake_device = false;          // it has a command to fetch
  bool written = false;              // the release lies in the spare slot now
  bool confirmed = false;            // the device runs the release and keeps it
  bool fell_back = false;            // the device went back: do not offer the release again
  bool ask_version = false;          // the device is asked what it runs, not believed
  std::optional<model::Attention> attention;  // the word that an operator has to see from now on
};

// An event about the job: what state it is in, of which attempt, and how it stands.
model::Event job_event(const model::Job& job, model::Severity severity, std::string kind,
                       std::string message, WallTime now);

model::Job make_job(std::string id, const model::Decision& decision, const model::Release& release,
                    std::string actor, const model::OtaSettings& settings, WallTime now);

// The device asks for its commands and the gate was asked again: a queued job becomes sent, or ends
// where the gate refuses it by now.
JobChange job_offered(const model::Job& job, const model::Decision& decision,
                      const model::OtaSettings& settings, WallTime now);

// Whether the device's own ledger proves what it reports (job_service.cpp has the rule).
enum class Proof : std::uint8_t { kNone, kGiven };

// The device's word. A success without proof waits for it, as confirming. A repeated or older
// report changes nothing. kConflict: the job has ended
// ("job-final") or was never sent ("job-not-sent"); kInvalid: what a device cannot report.
Result<JobChange> job_reported(const model::Job& job, const model::JobReport& report, Proof proof,
                               const model::OtaSettings& settings, WallTime now);

// Ends a job whose reported success has waited for its proof.
JobChange job_proven(const model::Job& job, Proof proof, const model::OtaSettings& settings,
                     WallTime now);

// Ends what is past its deadline, or tries it again.
JobChange job_at(const model::Job& job, const model::OtaSettings& settings, WallTime now);

// The verdict during the watch period that follows a success, and at its end. What was critical
// before the update has until then to get well. A device of which nothing is known at the end is
// waited for as long again; it is never called healthy.
JobChange job_verdict(const model::Job& job, const model::Verdict& verdict,
                      const model::OtaSettings& settings, WallTime now);

// The device runs `runs` now: a watch over another image ends with its own word. An image without a
// digest is told apart by its version alone.
JobChange job_left(const model::Job& job, const model::Image& runs, WallTime now);

// kConflict: it has ended, or the image is being installed already (the context says which).
Result<JobChange> job_cancelled(const model::Job& job, const std::string& actor, WallTime now);

// The device lost its right to be updated (revoked, off the whitelist): ends what is not final.
// What the device may have got is not called cancelled, since it may still install it.
JobChange job_abandoned(const model::Job& job, const std::string& reason, WallTime now);

// An operator ends a job that is not final on the server alone, by explicit word.
JobChange job_forced_out(const model::Job& job, const std::string& actor, WallTime now);

// After a restart of the server: the present state gets its whole time again, since the device
// could not report meanwhile. What was stamped by a clock that was ahead waits no longer for it.
JobChange job_resumed(const model::Job& job, const model::OtaSettings& settings, WallTime now);

// The server's clock jumped, which was noticed at `now`: the present state and the watch have what
// they had left, by the clock as it goes now.
JobChange job_after_jump(const model::Job& job, const model::OtaSettings& settings,
                         milliseconds jump, WallTime now);

}  // namespace ota::fleet
