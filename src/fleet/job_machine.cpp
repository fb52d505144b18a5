#include "fleet/job_machine.h"

#include <algorithm>

#include "base/clock_jump.h"
#include "base/json_numbers.h"
#include "base/text.h"
#include "model/event_kind.h"
#include "model/failure_code.h"

namespace ota::fleet {
namespace {

using model::Event;
using model::Job;
using model::JobState;
using model::Severity;
using model::Watch;

// A device that moves its job to and fro would let the document grow without end.
constexpr std::size_t kMaxSteps = 64;
constexpr std::size_t kMaxDetail = 256;
constexpr std::size_t kMaxErrorCode = 64;

milliseconds time_for(JobState state, const model::OtaSettings& settings) {
  switch (state) {
    case JobState::kQueued:
      return settings.queued_deadline;
    case JobState::kSent:
      return settings.sent_deadline;
    case JobState::kDownloading:
      return settings.download_deadline;
    case JobState::kVerifying:
      return settings.verify_deadline;
    case JobState::kInstalling:
      return settings.install_deadline;
    case JobState::kBooting:
      return settings.boot_deadline;
    case JobState::kConfirming:
      return settings.confirm_deadline;
    default:
      return milliseconds::zero();
  }
}

// The first state in which a device cannot stop any more. Over DDI the server only knows what it
// has sent: the device may still be downloading, and it is asked.
JobState point_of_no_return(const Job& job) {
  return job.ddi ? JobState::kBooting : JobState::kInstalling;
}

void enter(Job& job, JobState state, std::string detail, const model::OtaSettings& settings,
           WallTime now) {
  job.state = state;
  job.updated = now;
  job.detail = detail;
  job.deadline = model::is_final(state) ? WallTime{} : now + time_for(state, settings);
  if (job.steps.size() < kMaxSteps || model::is_final(state)) {
    job.steps.push_back({state, now, std::move(detail)});
  }
}

std::string because(const Job& job) {
  std::string reason = job.detail;
  if (!job.error_code.empty()) {
    reason = reason.empty() ? job.error_code : job.error_code + ": " + reason;
  }
  return reason.empty() ? "" : " (" + reason + ")";
}

// How the image comes, in words of ours: of the device's word only what can be.
void take_fetch(Job& job, const model::JobReport& report) {
  if (!report.fetch || report.state != JobState::kDownloading) return;
  model::FetchPlan fetch = *report.fetch;
  if (fetch.bytes >= job.release.length) return;
  fetch.image_bytes = job.release.length;
  if (job.fetch == fetch) return;
  job.fetch = fetch;
  if (!job.steps.empty() && job.steps.back().state == JobState::kDownloading)
    job.steps.back().detail = describe(fetch);
}

// The job ends without success; its word stays until an operator has seen it.
void end_badly(JobChange& change, JobState state, std::string kind, const std::string& what,
               WallTime now) {
  const Job& job = change.job;
  const Severity severity = state == JobState::kCancelled || state == JobState::kExpired
                                ? Severity::kNotice
                            : state == JobState::kRolledBack ? Severity::kWarning
                                                             : Severity::kError;
  change.events.push_back(job_event(
      job, severity, std::move(kind),
      "Update of " + job.device + " to " + job.release.version.label() + " " + what + because(job),
      now));
  if (state == JobState::kFailed) change.attention = model::Attention::kFailed;
  if (state == JobState::kRolledBack) change.attention = model::Attention::kRolledBack;
}

// Another attempt where one is left, else the given end.
void retry_or_end(JobChange& change, JobState end, std::string code, std::string detail,
                  const model::OtaSettings& settings, WallTime now) {
  Job& job = change.job;
  change.changed = true;
  job.error_code = std::move(code);
  if (job.cancel_requested) {
    enter(job, JobState::kCancelled, "cancelled; " + detail, settings, now);
    end_badly(change, JobState::kCancelled, model::event_kind::kJobCancelled, "cancelled", now);
    return;
  }
  if (job.attempt <= static_cast<int>(settings.max_retries)) {
    ++job.attempt;
    job.percent = 0;
    job.claims_success = false;
    job.sent_boot.clear();
    job.fetch.reset();
    const std::string text = detail + "; attempt " + std::to_string(job.attempt) + " of " +
                             std::to_string(settings.max_retries + 1);
    enter(job, JobState::kQueued, text, settings, now);
    change.wake_device = true;
    change.events.push_back(job_event(job, Severity::kNotice, model::event_kind::kJobRetry,
                                      "Update of " + job.device + " is tried again: " + text, now));
    return;
  }
  enter(job, end, std::move(detail), settings, now);
  end_badly(
      change, end,
      end == JobState::kExpired ? model::event_kind::kJobExpired : model::event_kind::kJobFailed,
      end == JobState::kExpired ? "expired" : "failed", now);
}

// Whether the device may have it: then what it does with it is known by its word alone, and no word
// of ours says that it was cancelled.
bool may_be_there(const Job& job) {
  return job.state > JobState::kQueued || job.attempt > 1;
}

// A cancel was asked for and never answered.
void end_unanswered(JobChange& change, std::string code, const std::string& detail,
                    const model::OtaSettings& settings, WallTime now) {
  change.changed = true;
  change.job.error_code = std::move(code);
  enter(change.job, JobState::kExpired,
        detail + "; it did not answer the cancel, and may still install it", settings, now);
  end_badly(change, JobState::kExpired, model::event_kind::kJobExpired, "expired", now);
}

void succeed(JobChange& change, const model::OtaSettings& settings, WallTime now) {
  Job& job = change.job;
  enter(job, JobState::kSucceeded, "confirmed by the device", settings, now);
  job.percent = 100;
  job.error_code.clear();
  job.watch = settings.watch_period > milliseconds::zero() ? Watch::kWatching : Watch::kNone;
  job.watch_until = now + settings.watch_period;
  change.confirmed = true;
  change.attention = model::Attention::kNone;
  change.events.push_back(job_event(
      job, Severity::kInfo, model::event_kind::kJobSucceeded,
      "Update of " + job.device + " to " + job.release.version.label() + " confirmed", now));
}

// A step on the way, or its percentage.
void proceed(JobChange& change, const model::JobReport& report, const std::string& detail,
             const model::OtaSettings& settings, WallTime now) {
  Job& job = change.job;
  if (report.state == JobState::kDownloading) job.percent = report.percent;
  if (report.state > JobState::kDownloading) job.percent = 100;
  change.written = report.state >= JobState::kBooting;
  if (report.state == job.state) {
    job.updated = now;
    if (!detail.empty()) job.detail = detail;
    take_fetch(job, report);
    return;
  }
  if (job.steps.size() >= kMaxSteps) {
    job.error_code = model::failure_code::kTooManySteps;
    enter(job, JobState::kFailed, "the device changed its state too often", settings, now);
    end_badly(change, JobState::kFailed, model::event_kind::kJobFailed, "failed", now);
    return;
  }
  enter(job, report.state, detail, settings, now);
  take_fetch(job, report);
  if (job.cancel_requested && job.state >= point_of_no_return(job)) {
    job.cancel_requested = false;
    change.events.push_back(job_event(job, Severity::kWarning, model::event_kind::kJobCancelTooLate,
                                      job.device + " was installing already: not cancelled", now));
  }
  change.events.push_back(job_event(
      job, Severity::kInfo, model::event_kind::kJobStep,
      job.device + " " + std::string(model::to_text(job.state)) + " " + job.release.version.label(),
      now));
}

// The device reports success, and its own ledger does not say so yet, or never will.
void claim(JobChange& change, const model::JobReport& report, const model::OtaSettings& settings,
           WallTime now) {
  change.job.claims_success = true;
  model::JobReport step = report;
  step.state = JobState::kConfirming;
  proceed(change, step,
          "reported success; counts when its status, from a new start, confirms " +
              change.job.release.version.label(),
          settings, now);
}

}  // namespace

Event job_event(const Job& job, Severity severity, std::string kind, std::string message,
                WallTime now) {
  Event event;
  event.at = now;
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = job.device;
  event.actor = job.actor;
  event.message = std::move(message);
  event.data = nlohmann::json{{"job", job.id},
                              {"version", job.release.version},
                              {"state", job.state},
                              {"attempt", job.attempt}};
  if (!job.error_code.empty()) event.data["error_code"] = job.error_code;
  if (!job.detail.empty()) event.data["detail"] = job.detail;
  return event;
}

Job make_job(std::string id, const model::Decision& decision, const model::Release& release,
             std::string actor, const model::OtaSettings& settings, WallTime now) {
  Job job;
  job.id = std::move(id);
  job.device = decision.device;
  job.release = release;
  job.release.shorter.clear();  // of published releases alone
  job.actor = std::move(actor);
  job.override_reason = decision.override_reason;
  job.created = now;
  enter(job, JobState::kQueued, "waits for the device", settings, now);
  return job;
}

JobChange job_offered(const Job& job, const model::Decision& decision,
                      const model::OtaSettings& settings, WallTime now) {
  JobChange change;
  change.job = job;
  if (job.state != JobState::kQueued) return change;
  change.changed = true;
  if (decision.answer == model::Answer::kAllow) {
    enter(change.job, JobState::kSent, "the gate allowed it again", settings, now);
    return change;
  }
  change.job.error_code = model::failure_code::kGate;
  enter(change.job, JobState::kFailed, decision.headline, settings, now);
  // No attention: where nothing was sent, nothing on the device needs hands.
  const bool again = may_be_there(job);
  if (again) change.job.detail += "; the device may still install what it was sent before";
  change.events.push_back(
      job_event(change.job, Severity::kWarning, model::event_kind::kJobRefused,
                "Update of " + job.device + " to " + job.release.version.label() +
                    (again ? " not sent again: " : " not sent: ") + decision.headline +
                    (again ? "; the device may still install what it was sent before" : ""),
                now));
  change.events.back().data["decision"] = decision;
  return change;
}

Result<JobChange> job_reported(const Job& job, const model::JobReport& report, Proof proof,
                               const model::OtaSettings& settings, WallTime now) {
  JobChange change;
  change.job = job;
  if (report.seq <= job.report_seq) return change;  // acknowledged before
  if (model::is_final(job.state)) return fail(Errc::kConflict, "job-final");
  if (job.state == JobState::kQueued && job.attempt == 1) {
    return fail(Errc::kConflict, "job-not-sent");
  }
  if (report.state == JobState::kQueued) return fail(Errc::kInvalid, "a device cannot queue a job");
  if (report.percent < 0 || report.percent > 100) {
    return fail(Errc::kInvalid, "percent is 0 to 100");
  }
  Job& next = change.job;
  change.changed = true;
  next.report_seq = report.seq;
  const std::string detail = printable(report.detail, kMaxDetail);
  const std::string code = printable(report.error_code, kMaxErrorCode);
  switch (report.state) {
    case JobState::kSucceeded:
      if (proof == Proof::kNone) {
        claim(change, report, settings, now);
        break;
      }
      change.written = true;
      succeed(change, settings, now);
      break;
    case JobState::kFailed:
      if (model::after_failure(code) == model::AfterFailure::kRetry) {
        retry_or_end(change, JobState::kFailed, code, detail, settings, now);
      } else {
        next.error_code = code.empty() ? model::failure_code::kUnknown : code;
        enter(next, JobState::kFailed, detail, settings, now);
        if (model::after_failure(next.error_code) == model::AfterFailure::kRefusal) {
          change.events.push_back(job_event(
              next, Severity::kError, model::event_kind::kSecurityRefused,
              job.device + " refused " + job.release.version.label() + because(next), now));
        }
        end_badly(change, JobState::kFailed, model::event_kind::kJobFailed, "failed", now);
      }
      break;
    case JobState::kRolledBack:
      next.error_code = code;
      change.written = true;
      change.fell_back = true;
      enter(next, JobState::kRolledBack, detail, settings, now);
      end_badly(change, JobState::kRolledBack, model::event_kind::kJobRolledBack, "rolled back",
                now);
      break;
    case JobState::kCancelled:
    case JobState::kExpired:
      next.error_code = code;
      enter(next, report.state, detail, settings, now);
      end_badly(change, report.state,
                report.state == JobState::kCancelled ? model::event_kind::kJobCancelled
                                                     : model::event_kind::kJobExpired,
                std::string(model::to_text(report.state)), now);
      break;
    default:
      proceed(change, report, detail, settings, now);
  }
  return change;
}

JobChange job_proven(const Job& job, Proof proof, const model::OtaSettings& settings,
                     WallTime now) {
  JobChange change;
  change.job = job;
  if (!job.claims_success || proof == Proof::kNone || model::is_final(job.state)) return change;
  change.changed = true;
  change.written = true;
  succeed(change, settings, now);
  return change;
}

JobChange job_at(const Job& job, const model::OtaSettings& settings, WallTime now) {
  JobChange change;
  change.job = job;
  if (model::is_final(job.state) || now < job.deadline) return change;
  const std::string late = "no word of the device while " + std::string(model::to_text(job.state));
  if (job.cancel_requested && job.state < JobState::kBooting) {
    end_unanswered(change, "deadline." + std::string(model::to_text(job.state)), late, settings,
                   now);
    return change;
  }
  switch (job.state) {
    case JobState::kQueued:
      change.changed = true;
      change.job.error_code = model::failure_code::kDeadlineQueued;
      enter(change.job, JobState::kExpired, "the device did not fetch it in time", settings, now);
      end_badly(change, JobState::kExpired, model::event_kind::kJobExpired, "expired", now);
      break;
    case JobState::kSent:
      retry_or_end(change, JobState::kExpired, model::failure_code::kDeadlineSent, late, settings,
                   now);
      break;
    case JobState::kBooting:
    case JobState::kConfirming:
      // The spare slot is in use: another attempt could hit a device in the middle of its trial.
      change.changed = true;
      change.job.error_code = "deadline." + std::string(model::to_text(job.state));
      enter(change.job, JobState::kFailed, late, settings, now);
      end_badly(change, JobState::kFailed, model::event_kind::kJobFailed, "failed", now);
      break;
    default:
      retry_or_end(change, JobState::kFailed, "deadline." + std::string(model::to_text(job.state)),
                   late, settings, now);
  }
  return change;
}

JobChange job_verdict(const Job& job, const model::Verdict& verdict,
                      const model::OtaSettings& settings, WallTime now) {
  JobChange change;
  change.job = job;
  if (job.watch != Watch::kWatching) return change;
  const auto end = [&](Watch found, Severity severity, std::string kind, std::string message) {
    change.changed = true;
    change.job.watch = found;
    change.job.updated = now;
    change.events.push_back(
        job_event(change.job, severity, std::move(kind), std::move(message), now));
  };
  const std::string version = job.release.version.label();
  const bool over = now >= job.watch_until;
  if (verdict.level == model::Level::kCritical) {
    const bool turned = verdict.since >= job.updated;
    if (!turned && !over) return change;
    end(Watch::kRegressed, Severity::kError, model::event_kind::kJobRegressed,
        job.device + (turned ? " turned critical" : " is still critical") +
            " after its update to " + version + " (Risk: " + verdict.label + ")");
    change.attention = model::Attention::kFailed;
    change.events.back().data["verdict"] = verdict;
  } else if (over && verdict.level != model::Level::kUnknown) {
    end(Watch::kHealthy, Severity::kInfo, model::event_kind::kJobHealthy,
        job.device + " stayed healthy on " + version + " through its watch period");
  } else if (now >= job.watch_until + settings.watch_period) {
    end(Watch::kUnknown, job.ddi ? Severity::kNotice : Severity::kWarning,
        model::event_kind::kJobUnwatched,
        "nothing tells whether " + job.device + " stayed healthy on " + version +
            ": no telemetry at the end of its watch period");
  }
  return change;
}

JobChange job_left(const Job& job, const model::Image& runs, WallTime now) {
  JobChange change;
  change.job = job;
  const bool same_digest =
      runs.sha256.empty() || job.release.sha256.empty() || runs.sha256 == job.release.sha256;
  const bool same = runs.version == job.release.version && same_digest;
  if (job.watch != Watch::kWatching || same) return change;
  change.changed = true;
  change.job.watch = Watch::kLeft;
  change.job.updated = now;
  const std::string version = job.release.version.label();
  change.events.push_back(
      job_event(change.job, Severity::kNotice, model::event_kind::kJobLeft,
                job.device + " left " + version + " for " +
                    (runs.version == job.release.version ? "another image of that version"
                                                         : runs.version.label()) +
                    " within its watch period: whether it would have stayed healthy is not known",
                now));
  return change;
}

Result<JobChange> job_cancelled(const Job& job, const std::string& actor, WallTime now) {
  if (model::is_final(job.state)) {
    return fail(Errc::kConflict,
                job.id + " has ended already: " + std::string(model::to_text(job.state)));
  }
  if (job.state >= point_of_no_return(job)) {
    return fail(Errc::kConflict, job.id + " is past the point of no return: the device is " +
                                     std::string(model::to_text(job.state)) +
                                     "; use rollback after it");
  }
  JobChange change;
  change.job = job;
  if (job.cancel_requested) return change;
  change.changed = true;
  change.job.updated = now;
  if (!may_be_there(job)) {
    enter(change.job, JobState::kCancelled, "cancelled by " + actor, {}, now);
    end_badly(change, JobState::kCancelled, model::event_kind::kJobCancelled, "cancelled", now);
    change.events.back().actor = actor;
    return change;
  }
  change.job.cancel_requested = true;
  change.job.detail = actor + " asked to cancel; waits for the device's word";
  change.wake_device = true;
  change.events.push_back(job_event(change.job, Severity::kNotice,
                                    model::event_kind::kJobCancelRequested,
                                    actor + " asked to cancel the update of " + job.device, now));
  change.events.back().actor = actor;
  return change;
}

JobChange job_abandoned(const Job& job, const std::string& reason, WallTime now) {
  JobChange change;
  change.job = job;
  if (model::is_final(job.state)) return change;
  change.changed = true;
  change.job.error_code = model::failure_code::kAbandoned;
  if (may_be_there(job)) {
    enter(change.job, JobState::kExpired, reason + "; it may still install it", {}, now);
    end_badly(change, JobState::kExpired, model::event_kind::kJobExpired, "expired", now);
    return change;
  }
  enter(change.job, JobState::kCancelled, reason, {}, now);
  end_badly(change, JobState::kCancelled, model::event_kind::kJobCancelled, "cancelled", now);
  return change;
}

JobChange job_forced_out(const Job& job, const std::string& actor, WallTime now) {
  JobChange change;
  change.job = job;
  change.changed = true;
  change.job.error_code = model::failure_code::kForceQuit;
  enter(change.job, JobState::kCancelled,
        "ended here by " + actor + "; the device may still install it", {}, now);
  end_badly(change, JobState::kCancelled, model::event_kind::kJobForceQuit, "cancelled", now);
  return change;
}

JobChange job_resumed(const Job& job, const model::OtaSettings& settings, WallTime now) {
  JobChange change;
  change.job = job;
  if (!model::is_final(job.state)) {
    change.changed = true;
    change.job.deadline = now + time_for(job.state, settings);
  } else if (job.watch == Watch::kWatching) {
    // Of one whose end fell into the server's absence the device can tell now.
    change.job.watch_until = std::clamp(job.watch_until, now, now + settings.watch_period);
    change.job.updated = std::min(job.updated, now);
    change.changed = change.job.watch_until != job.watch_until || change.job.updated != job.updated;
  }
  return change;
}

JobChange job_after_jump(const Job& job, const model::OtaSettings& settings, milliseconds jump,
                         WallTime now) {
  JobChange change;
  change.job = job;
  // By when it began: what began after the jump has its time by the new clock already.
  const auto moved = [&](WallTime end, milliseconds whole) {
    return after_jump(end - whole, jump, now) + whole;
  };
  if (!model::is_final(job.state)) {
    change.changed = true;
    change.job.deadline = moved(job.deadline, time_for(job.state, settings));
  } else if (job.watch == Watch::kWatching) {
    change.changed = true;
    change.job.watch_until = moved(job.watch_until, settings.watch_period);
    // By it the watch knows whether the device turned critical after its update.
    change.job.updated = after_jump(job.updated, jump, now);
  }
  return change;
}

}  // namespace ota::fleet
