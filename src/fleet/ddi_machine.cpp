#include "fleet/ddi_machine.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "base/json_numbers.h"
#include "base/text.h"
#include "model/event_kind.h"
#include "model/failure_code.h"

namespace ota::fleet {
namespace {

using model::Job;
using model::JobState;
using model::Severity;

constexpr std::size_t kMostLines = 50;
constexpr std::size_t kLongestLine = 512;

// SWUpdate has no execution of its own for "installed": these words say it.
constexpr std::array<std::string_view, 2> kInstalledWords{"All Chunks Installed.",
                                                          "Update Installed, Testing Pending."};

model::DdiProgress& progress_of(Job& job) {
  if (!job.ddi) job.ddi.emplace();
  return *job.ddi;
}

void tell(JobChange& change, Severity severity, std::string kind, std::string message,
          WallTime now) {
  change.events.push_back(
      job_event(change.job, severity, std::move(kind), std::move(message), now));
  change.events.back().data["action"] = model::ddi_action_of(model::ddi_job_number(change.job.id));
}

bool says_installed(const DdiFeedback& feedback) {
  return std::any_of(feedback.details.begin(), feedback.details.end(), [](const std::string& line) {
    return std::find(kInstalledWords.begin(), kInstalledWords.end(), line) != kInstalledWords.end();
  });
}

std::string last_word(const DdiFeedback& feedback) {
  return feedback.details.empty() ? std::string() : feedback.details.back();
}

// The cause of a failure: the first ERROR line (those after it follow from it), else the last words
// of the report.
std::string cause_of(const std::vector<std::string>& log, const DdiFeedback& feedback) {
  const auto error = std::find_if(log.begin(), log.end(), is_ddi_error_line);
  if (error != log.end()) return *error;
  const std::string word = last_word(feedback);
  return word.empty() ? "the device reported a failure without a word" : word;
}

// "closed/success", or nothing where the report does not close. hawkBit counts none as success.
std::string closing_word(const DdiFeedback& feedback) {
  if (feedback.execution != DdiExecution::kClosed) return {};
  return feedback.finished == DdiFinished::kFailure ? "closed/failure" : "closed/success";
}

Result<JobChange> move_to(const Job& job, JobState state, std::string code, std::string detail,
                          const model::OtaSettings& rules, WallTime now) {
  model::JobReport report;
  report.seq = job.report_seq + 1;
  report.state = state;
  report.percent = job.percent;
  report.error_code = std::move(code);
  report.detail = std::move(detail);
  // What proves a success here is asked before this: a whole download, or the reported version.
  auto change = job_reported(job, report, Proof::kGiven, rules, now);
  if (change && change->confirmed) change->ask_version = true;
  return change;
}

Result<JobChange> take_closing(Job job, const DdiFeedback& feedback, DdiVersionWord word,
                               const model::OtaSettings& rules, WallTime now) {
  model::DdiProgress& progress = *job.ddi;
  progress.closed = closing_word(feedback);
  if (feedback.finished == DdiFinished::kFailure) {
    const std::string cause = cause_of(progress.log, feedback);
    return move_to(job, JobState::kFailed, model::event_kind::kDdiFailed, cause, rules, now);
  }
  if (progress.downloads == 0) {
    auto change = move_to(job, JobState::kFailed, model::failure_code::kNeverDownloaded,
                          "reported success, but never downloaded it whole", rules, now);
    if (!change) return change;
    tell(*change, Severity::kWarning, model::event_kind::kDdiSuccessWithoutDownload,
         change->job.device + " reported success for " + change->job.release.version.label() +
             ", which it never downloaded: not counted; push it again to offer it again",
         now);
    return change;
  }
  if (word == DdiVersionWord::kSaysIt) {
    progress.claims_success = true;
    const std::string label = job.release.version.label();
    auto change =
        move_to(job, JobState::kConfirming, "",
                "reported success; counts when the device says that it runs " + label, rules, now);
    if (change) change->ask_version = true;
    return change;
  }
  return move_to(job, JobState::kSucceeded, "", last_word(feedback), rules, now);
}

Result<JobChange> take_step(Job job, const DdiFeedback& feedback, const model::OtaSettings& rules,
                            WallTime now) {
  model::DdiProgress& progress = *job.ddi;
  const std::string detail = last_word(feedback);
  if (says_installed(feedback)) {
    progress.installed = true;
    return move_to(job, JobState::kConfirming, "", "installed, awaiting the device's confirmation",
                   rules, now);
  }
  JobState state = job.state;
  if (feedback.execution == DdiExecution::kDownload) {
    state = JobState::kDownloading;
  } else if (feedback.execution == DdiExecution::kDownloaded) {
    state = JobState::kVerifying;
  } else if (state < JobState::kInstalling) {
    state = progress.downloads > 0 ? JobState::kInstalling : JobState::kDownloading;
  }
  return move_to(job, state, "", detail, rules, now);
}

JobChange keep_back(const Job& job, Severity severity, const std::string& why, WallTime now) {
  JobChange change;
  change.job = job;
  model::DdiProgress& progress = progress_of(change.job);
  if (progress.withheld == why) return change;
  progress.withheld = why;
  change.changed = true;
  change.job.updated = now;
  change.job.detail = "not offered: " + why;
  tell(change, severity, model::event_kind::kDdiWithheld,
       job.release.version.label() + " is not offered to " + job.device + ": " + why, now);
  return change;
}

}  // namespace

model::OtaSettings ddi_rules(const model::Settings& settings) {
  model::OtaSettings rules = settings.ota;
  const model::DdiSettings& ddi = settings.console.ddi;
  rules.queued_deadline = rules.sent_deadline = ddi.offer_deadline;
  rules.download_deadline = rules.verify_deadline = rules.install_deadline = ddi.work_deadline;
  rules.boot_deadline = rules.confirm_deadline = ddi.confirm_deadline;
  rules.max_retries = 0;
  return rules;
}

bool is_ddi_error_line(std::string_view line) {
  constexpr std::size_t kNearTheStart = 32;  // after a process' name and a level
  return line.substr(0, kNearTheStart).find("ERROR") != std::string_view::npos ||
         line.starts_with("LastError");
}

void append_ddi_log(std::vector<std::string>& log, const std::vector<std::string>& details) {
  for (const std::string& detail : details) {
    for (const std::string& line : lines_of(detail)) {
      std::string clean = printable(line, kLongestLine);
      if (clean.empty()) continue;
      log.push_back(std::move(clean));
      if (log.size() <= kMostLines) continue;
      const auto plain = std::find_if_not(log.begin(), log.end(), is_ddi_error_line);
      log.erase(plain == log.end() ? log.begin() : plain);
    }
  }
}

std::vector<std::string> ddi_log_by_weight(const std::vector<std::string>& log) {
  std::vector<std::string> out;
  std::copy_if(log.begin(), log.end(), std::back_inserter(out), is_ddi_error_line);
  std::copy_if(log.rbegin(), log.rend(), std::back_inserter(out),
               [](const std::string& line) { return !is_ddi_error_line(line); });
  return out;
}

std::vector<std::string> last_ddi_log(const std::vector<model::Job>& jobs) {
  for (const model::Job& job : jobs) {
    if (job.ddi && !job.ddi->log.empty()) return ddi_log_by_weight(job.ddi->log);
  }
  return {};
}

JobChange ddi_withheld(const Job& job, const model::Decision& decision, WallTime now) {
  std::string why = decision.headline;
  if (!decision.risk.empty()) why += " (Risk: " + decision.risk + ")";
  JobChange change = keep_back(job, Severity::kWarning, why, now);
  if (change.changed) change.events.back().data["decision"] = decision;
  return change;
}

JobChange ddi_unservable(const Job& job, const std::string& problem, WallTime now) {
  return keep_back(job, Severity::kError, problem, now);
}

JobChange ddi_fetched(const Job& job, const DdiFetch& fetch, const model::OtaSettings& rules,
                      WallTime now) {
  JobChange change;
  change.job = job;
  if (model::is_final(job.state) || job.state == JobState::kQueued) return change;
  const bool whole = fetch.kind == DdiFetch::Kind::kWhole;
  Job next = job;
  model::DdiProgress& progress = progress_of(next);
  progress.fetched = std::max(progress.fetched, fetch.prefix);
  const std::uint64_t length = std::max<std::uint64_t>(job.release.length, 1);
  const auto percent = static_cast<int>(std::min<std::uint64_t>(100, fetch.prefix * 100 / length));
  if (whole) ++progress.downloads;
  JobState state = job.state;
  if (whole && state < JobState::kInstalling) state = JobState::kInstalling;
  if (!whole && state < JobState::kDownloading) state = JobState::kDownloading;
  next.percent = state == JobState::kDownloading ? std::max(percent, job.percent) : job.percent;
  auto moved =
      move_to(next, state, "", whole ? "fetched whole; the device installs it" : "", rules, now);
  if (!moved) return change;
  change = std::move(*moved);
  change.soft = fetch.kind == DdiFetch::Kind::kPiece && change.job.state == job.state;
  // Installed already and fetched again: its boot counter sends it round in circles.
  if (whole && change.job.ddi->downloads > 1) {
    tell(change, Severity::kWarning, model::event_kind::kDdiDownloadedAgain,
         job.device + " downloaded " + job.release.version.label() + " for the " +
             std::to_string(change.job.ddi->downloads) + ". time",
         now);
  }
  return change;
}

Result<JobChange> ddi_reported(const Job& job, const DdiFeedback& feedback, DdiVersionWord word,
                               const model::OtaSettings& rules, WallTime now) {
  JobChange change;
  change.job = job;
  const std::string closing = closing_word(feedback);
  const std::string closed = job.ddi ? job.ddi->closed : "";
  if (!closing.empty() && closing == closed) return change;  // came twice
  if (model::is_final(job.state)) {
    if (closing.empty() || !closed.empty()) return fail(Errc::kConflict, "action-closed");
    // The server ended it first (a deadline, a force-quit); the device's word is written down.
    change.changed = true;
    progress_of(change.job).closed = closing;
    append_ddi_log(change.job.ddi->log, feedback.details);
    tell(change, Severity::kNotice, model::event_kind::kDdiLateReport,
         job.device + " reported " + closing + " for " + job.id + ", which was " +
             std::string(model::to_text(job.state)) + " here already",
         now);
    return change;
  }
  if (job.state == JobState::kQueued) return fail(Errc::kNotFound, "action");
  Job next = job;
  append_ddi_log(progress_of(next).log, feedback.details);
  switch (feedback.execution) {
    case DdiExecution::kClosed:
      return take_closing(std::move(next), feedback, word, rules, now);
    case DdiExecution::kCanceled:
      return move_to(next, JobState::kCancelled, "", last_word(feedback), rules, now);
    case DdiExecution::kRejected: {
      const JobState state = next.state;
      auto kept = move_to(next, state, "", "the device will not do it now: " + last_word(feedback),
                          rules, now);
      if (kept) {
        tell(*kept, Severity::kWarning, model::event_kind::kDdiRejected,
             job.device + " will not take " + job.release.version.label() + " now", now);
      }
      return kept;
    }
    default:
      return take_step(std::move(next), feedback, rules, now);
  }
}

Result<JobChange> ddi_cancel_reported(const Job& job, const DdiFeedback& feedback,
                                      const model::OtaSettings& rules, WallTime now) {
  JobChange change;
  change.job = job;
  if (job.state == JobState::kCancelled) return change;  // came twice
  if (model::is_final(job.state)) return fail(Errc::kConflict, "action-closed");
  if (!job.cancel_requested) return change;  // refused before, and said again
  Job next = job;
  append_ddi_log(progress_of(next).log, feedback.details);
  const bool closed = feedback.execution == DdiExecution::kClosed;
  const bool failed = feedback.finished == DdiFinished::kFailure;
  if ((closed && !failed) || feedback.execution == DdiExecution::kCanceled) {
    return move_to(next, JobState::kCancelled, "", "the device cancelled it", rules, now);
  }
  change.job = std::move(next);
  change.changed = true;
  change.job.updated = now;
  if (!closed && feedback.execution != DdiExecution::kRejected) return change;
  change.job.cancel_requested = false;
  change.job.detail = "the device refused to cancel; the update goes on";
  tell(change, Severity::kWarning, model::event_kind::kDdiCancelRefused,
       job.device + " refused to cancel the update to " + job.release.version.label() +
           ": it goes on" + (failed ? " (the device says that it could not)" : ""),
       now);
  return change;
}

JobChange ddi_version_seen(const Job& job, const model::Version& version,
                           const model::OtaSettings& rules, WallTime now) {
  JobChange change;
  change.job = job;
  if (!job.ddi || !job.ddi->claims_success || model::is_final(job.state)) return change;
  if (version == job.release.version) {
    if (auto done = move_to(job, JobState::kSucceeded, "", "", rules, now)) return std::move(*done);
    return change;
  }
  const std::string detail = "reported success, but still says that it runs " + version.label();
  if (job.detail == detail) return change;
  change.changed = true;
  change.job.updated = now;
  change.job.detail = detail;
  return change;
}

Result<JobChange> ddi_force_quit(const Job& job, const std::string& actor, WallTime now) {
  if (model::is_final(job.state)) {
    return fail(Errc::kConflict,
                job.id + " has ended already: " + std::string(model::to_text(job.state)));
  }
  JobChange change = job_forced_out(job, actor, now);
  change.events.back().severity = Severity::kWarning;
  change.events.back().actor = actor;
  return change;
}

}  // namespace ota::fleet
