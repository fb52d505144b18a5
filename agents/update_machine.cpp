#include "agents/update_machine.h"

#include <algorithm>

#include "base/text.h"
#include "model/failure_code.h"

namespace ota::agent {
namespace {

using model::JobState;
using std::chrono::milliseconds;

constexpr std::size_t kMaxOutbox = 64;    // a job reports about a dozen steps
constexpr std::size_t kMaxFinished = 16;  // jobs whose repeated commands are recognised
// Words that are remembered as used. A word holds for a day, in which no device gets as many.
constexpr std::size_t kMaxSpent = 64;
// Percent reports take numbers that are not made durable; after a start the count goes on behind
// all of them.
constexpr std::uint64_t kSeqGap = 1000;
constexpr milliseconds kRetrySwitch{2000};
constexpr std::chrono::hours kRestartWindow{1};

}  // namespace

UpdateMachine::UpdateMachine(UpdateState state, MachineOptions options)
    : state_(std::move(state)), options_(std::move(options)) {
  state_.next_seq += kSeqGap;
}

void UpdateMachine::enter(Step step) {
  step_ = step;
  delay_ = milliseconds{0};
  ++ticket_;
}

void UpdateMachine::boot(Slot current) {
  dirty_ = true;
  if (!state_.trial) {
    if (current != state_.confirmed_slot) {
      notice("the current slot is not the confirmed one: going back to slot " +
             std::string(letter(state_.confirmed_slot)));
      enter(Step::kSwitchBack);
    } else if (state_.job) {
      notice("going on with " + state_.job->id);
      enter(Step::kCheck);
    }
    return;
  }
  Trial& trial = *state_.trial;
  started_trial_ = current == trial.slot;
  if (!trial.failure_code.empty()) {
    if (current == state_.confirmed_slot) {
      finish_fallback();
    } else {
      enter(Step::kSwitchBack);
    }
  } else if (current != trial.slot) {
    enter(Step::kSwitchTo);  // the power went between arming and switching
  } else if (trial.boots >= options_.max_boots) {
    fail_trial(model::failure_code::kBootUnconfirmed,
               std::to_string(trial.boots) + " starts without a confirmation");
  } else {
    ++trial.boots;
    if (!trial.job.empty()) {
      report(trial.job, JobState::kConfirming,
             "started " + trial.image.version.label() + " from slot " +
                 std::string(letter(trial.slot)));
    }
    enter(Step::kProbe);
  }
}

void UpdateMachine::clock(WallTime now) {
  now_ = now;
  // A clock that was set back must not make a restart count until it has caught up.
  for (WallTime& at : state_.restarts)
    at = std::min(at, now);
}

bool UpdateMachine::may_restart() const {
  const auto recent = std::ranges::count_if(
      state_.restarts, [&](WallTime at) { return now_ - at < kRestartWindow; });
  return static_cast<std::size_t>(recent) < options_.restarts_per_hour;
}

void UpdateMachine::count_restart() {
  state_.restarts.push_back(now_);
  if (state_.restarts.size() > options_.restarts_per_hour)
    state_.restarts.erase(state_.restarts.begin());
}

void UpdateMachine::command(const Command& command) {
  switch (command.type) {
    case Command::Type::kUpdate:
      return update(command);
    case Command::Type::kCancel:
      return cancel(command);
    case Command::Type::kRollback:
      return rollback(command);
  }
}

void UpdateMachine::update(const Command& command) {
  if (busy()) return;  // one at a time; the server repeats what it still wants
  for (const FinishedJob& known : state_.finished) {
    if (!holds_for(known, command)) continue;
    // Done already: the server has forgotten the outcome, or has not heard of it yet.
    const bool queued =
        std::any_of(state_.outbox.begin(), state_.outbox.end(),
                    [&](const QueuedReport& entry) { return entry.job == command.job; });
    const model::JobReport final_report = known.report;
    if (!queued)
      report(command.job, final_report.state, final_report.detail, final_report.error_code);
    return;
  }
  // What still waits under this id is of an earlier job or attempt, and would speak for this one.
  std::erase_if(state_.outbox, [&](const QueuedReport& entry) { return entry.job == command.job; });
  if (refuse_early(command)) return;
  state_.job = ActiveJob{
      command.job, command.attempt, command.release, 0, command.word, command.nonce, false};
  report(command.job, JobState::kDownloading, "checking the signed metadata");
  notice("update to " + command.release.version.label() + " (" + command.job + ")");
  enter(Step::kCheck);
}

// Does this outcome answer the command? Ids come again where the server lost its state: only the
// image tells two such jobs apart. And a success is none any more once another image is confirmed.
bool UpdateMachine::holds_for(const FinishedJob& known, const Command& command) const {
  return known.id == command.job && known.attempt == command.attempt &&
         known.sha256 == command.release.sha256 &&
         (known.report.state != JobState::kSucceeded || known.sha256 == state_.confirmed.sha256);
}

// What can be said without asking anyone. True where the job is answered.
bool UpdateMachine::refuse_early(const Command& command) {
  const model::Release& release = command.release;
  const auto refuse = [&](const std::string& code, const std::string& detail) {
    finish(command.job, command.attempt, release.sha256, JobState::kFailed, detail, code);
    notice("refused " + release.version.label() + ": " + detail);
    return true;
  };
  if (!command.nonce.empty() &&
      std::ranges::find(state_.spent, command.nonce) != state_.spent.end()) {
    return refuse(model::failure_code::kTufReplayedJob, "the director's word was used before");
  }
  if (release.sha256 == state_.confirmed.sha256) {
    finish(command.job, command.attempt, release.sha256, JobState::kSucceeded,
           "runs and is confirmed already");
    return true;
  }
  if (!release.fits(options_.hardware)) {
    return refuse(model::failure_code::kWrongHardware,
                  "the release is not for " + options_.hardware);
  }
  if (release.version <= state_.confirmed.version || release.version < state_.highest) {
    return refuse(model::failure_code::kDowngrade,
                  release.version.label() + " is not newer than " +
                      std::max(state_.confirmed.version, state_.highest).label());
  }
  if (!may_restart()) {
    return refuse(
        model::failure_code::kRestartLimit,
        std::to_string(options_.restarts_per_hour) + " restarts within an hour; try again later");
  }
  if (release.length == 0 || release.length > options_.max_image_bytes) {
    return refuse(model::failure_code::kImageLength,
                  "an image of " + std::to_string(release.length) +
                      " bytes; this device takes 1 to " + std::to_string(options_.max_image_bytes));
  }
  return false;
}

// Ids come again where the server lost its state: a cancel that names its image means no other.
void UpdateMachine::cancel(const Command& command) {
  const std::string& job = command.job;
  const auto meant = [&](const std::string& sha256) {
    return command.release.sha256.empty() || sha256.empty() || sha256 == command.release.sha256;
  };
  if (state_.job && state_.job->id == job) {
    finish(job, state_.job->attempt, state_.job->release.sha256, JobState::kCancelled,
           "cancelled by the operator");
    notice("cancelled " + job);
    spend_word();
    state_.job.reset();
    enter(Step::kIdle);
    return;
  }
  if (state_.trial && state_.trial->job == job) {
    report(job, started_trial_ ? JobState::kConfirming : JobState::kBooting, "too late to cancel");
    return;
  }
  for (const FinishedJob& known : state_.finished) {
    if (known.id != job || !meant(known.sha256)) continue;
    const model::JobReport final_report = known.report;
    report(job, final_report.state, final_report.detail, final_report.error_code);
    return;
  }
  finish(job, 1, command.release.sha256, JobState::kCancelled, "never started here");
}

// Nothing is kept of it before its word was found good: the server repeats what it still wants.
void UpdateMachine::rollback(const Command& command) {
  if (busy()) return;
  if (!command.from.empty() && command.from != state_.confirmed.sha256) {
    unheeded_ = Unheeded{command.from, {}};  // done already
    return;
  }
  if (const std::string why = hindrance(command); !why.empty()) return refuse_rollback(why);
  asked_back_ = AskedBack{command.word, command.nonce};
  enter(Step::kCheckBack);
}

// What speaks against it without asking anyone; empty: nothing.
std::string UpdateMachine::hindrance(const Command& command) const {
  if (!state_.previous) return "the other slot holds no confirmed image";
  if (!options_.can_roll_back) return "installer.rollback is not set";
  if (state_.previous->version < state_.floor) {
    return state_.previous->version.label() + " is below the signed floor " + state_.floor.label();
  }
  if (!command.to.empty() && command.to != state_.previous->sha256)
    return "the other slot holds another image";
  if (!command.nonce.empty() &&
      std::ranges::find(state_.spent, command.nonce) != state_.spent.end()) {
    return "tuf.replayed-job: the director's word was used before";
  }
  if (!may_restart()) {
    return "restart.limit: " + std::to_string(options_.restarts_per_hour) +
           " restarts within an hour";
  }
  return {};
}

// Told to people once, however often the server repeats it.
void UpdateMachine::refuse_rollback(const std::string& why) {
  asked_back_.reset();
  unheeded_ = Unheeded{state_.confirmed.sha256, why};
  if (why != told_refusal_) notice("cannot roll back: " + why);
  told_refusal_ = why;
}

void UpdateMachine::arm_rollback() {
  Trial trial;
  trial.slot = other(state_.confirmed_slot);
  trial.image = *state_.previous;
  state_.trial = std::move(trial);
  remember_spent(asked_back_->nonce);
  count_restart();
  asked_back_.reset();
  told_refusal_.clear();
  dirty_ = true;
  notice("rolling back to " + state_.previous->version.label());
  enter(Step::kSwitchTo);
}

// A word counts for one job, however that ends. Only one that was found good is remembered: what
// nobody signed must not push good ones out of the memory.
void UpdateMachine::spend_word() {
  if (!state_.job->admitted || state_.job->nonce.empty()) return;
  remember_spent(state_.job->nonce);
  dirty_ = true;
}

void UpdateMachine::remember_spent(const std::string& nonce) {
  if (nonce.empty()) return;
  state_.spent.push_back(nonce);
  if (state_.spent.size() > kMaxSpent) state_.spent.erase(state_.spent.begin());
}

void UpdateMachine::arm() {
  const ActiveJob job = *state_.job;
  Trial trial;
  trial.slot = other(state_.confirmed_slot);
  trial.image = {job.release.version, job.release.sha256};
  trial.job = job.id;
  trial.attempt = job.attempt;
  state_.trial = std::move(trial);
  spend_word();
  state_.job.reset();
  count_restart();
  model::JobReport entry = new_report(
      JobState::kBooting, "restarting into slot " + std::string(letter(state_.trial->slot)));
  entry.written_sha256 = job.release.sha256;
  queue(job.id, entry);
  enter(Step::kSwitchTo);
}

void UpdateMachine::fail_job(const std::string& code, const std::string& detail) {
  const ActiveJob job = *state_.job;
  finish(job.id, job.attempt, job.release.sha256, JobState::kFailed, detail, code);
  notice("update to " + job.release.version.label() + " failed (" + code + "): " + detail);
  spend_word();
  state_.job.reset();
  enter(Step::kIdle);
}

void UpdateMachine::fail_trial(const std::string& code, const std::string& detail) {
  state_.trial->failure_code = code;
  state_.trial->failure = printable(detail, 200);
  dirty_ = true;
  notice(state_.trial->image.version.label() + " does not hold (" + code +
         "): " + state_.trial->failure + "; falling back to slot " +
         std::string(letter(state_.confirmed_slot)));
  enter(Step::kSwitchBack);
}

void UpdateMachine::confirm() {
  const Trial trial = *state_.trial;
  const model::Image before = state_.confirmed;
  state_.previous = before;
  state_.confirmed = trial.image;
  state_.confirmed_slot = trial.slot;
  state_.highest = std::max(state_.highest, trial.image.version);
  state_.trial.reset();
  started_trial_ = false;
  if (trial.job.empty()) {
    state_.fallback = "rolled back to " + trial.image.version.label() + " by the operator";
    state_.fallback_sha256 = before.sha256;
    notice("Rolled back to " + trial.image.version.label());
  } else {
    state_.fallback.clear();
    state_.fallback_sha256.clear();
    finish(
        trial.job, trial.attempt, trial.image.sha256, JobState::kSucceeded,
        "confirmed " + trial.image.version.label() + " in slot " + std::string(letter(trial.slot)));
    notice("Updated to " + trial.image.version.label());
  }
  dirty_ = true;
  enter(Step::kIdle);
}

// The device is back on its confirmed image.
void UpdateMachine::finish_fallback() {
  const Trial trial = *state_.trial;
  state_.trial.reset();
  started_trial_ = false;
  // An image that was never started was not fallen back from: nothing speaks against another try.
  const bool ran = trial.boots > 0;
  if (ran || trial.job.empty()) {
    state_.fallback = trial.image.version.label() + ": " + trial.failure;
    state_.fallback_sha256 = trial.image.sha256;
  }
  if (trial.job.empty()) {
    // An operator's rollback that did not hold: the other slot's image is good for nothing any
    // more.
    state_.previous.reset();
  } else {
    finish(trial.job, trial.attempt, trial.image.sha256,
           ran ? JobState::kRolledBack : JobState::kFailed, trial.failure, trial.failure_code);
  }
  notice("Fell back to " + state_.confirmed.version.label() + " (" + trial.failure_code + ")");
  dirty_ = true;
  enter(Step::kIdle);
}

void UpdateMachine::done(std::uint64_t ticket, const Outcome& outcome) {
  if (ticket != ticket_) return;
  if (outcome) {
    step_failed(*outcome);
  } else {
    step_succeeded();
  }
}

void UpdateMachine::step_failed(const Failure& failure) {
  switch (step_) {
    case Step::kIdle:
      return;
    case Step::kCheck:
    case Step::kPatch:
    case Step::kDownload:
      if (failure.again == Failure::Again::kLater &&
          ++state_.job->download_tries < options_.max_download_tries) {
        // 1, 2, 4, ... 32 seconds; the driver adds jitter.
        const unsigned doublings = std::min(state_.job->download_tries - 1, 5U);
        notice("download interrupted: " + failure.detail + "; trying again");
        enter(step_);
        delay_ = milliseconds{1000} * (1U << doublings);
        dirty_ = true;
        return;
      }
      if (another_way(failure)) return;
      return fail_job(failure.code, failure.detail);
    case Step::kCheckBack:
      refuse_rollback(failure.code + ": " + printable(failure.detail, 200));
      return enter(Step::kIdle);
    case Step::kVerify:
      if (another_way(failure)) return;
      [[fallthrough]];
    case Step::kInstall:
      return fail_job(failure.code, failure.detail);
    case Step::kSwitchTo:
    case Step::kRestartTo:
    case Step::kProbe:
      return fail_trial(failure.code, failure.detail);
    case Step::kSwitchBack:
    case Step::kRestartBack:
      return go_back_again(failure);
  }
}

// There is no other way than the way back: it is tried until it goes, and what hinders it is told
// once.
void UpdateMachine::go_back_again(const Failure& failure) {
  const std::string why = failure.code + ": " + printable(failure.detail, 200);
  if (why != told_way_back_) notice("cannot go back yet, trying again (" + why + ")");
  told_way_back_ = why;
  enter(step_);
  delay_ = kRetrySwitch;
}

void UpdateMachine::step_succeeded() {
  switch (step_) {
    case Step::kIdle:
      return;
    case Step::kCheck:
      state_.previous.reset();  // the spare slot is about to be overwritten
      state_.job->admitted = true;
      dirty_ = true;
      return fetch();
    case Step::kCheckBack: {
      // The check may have taught it a floor.
      Command asked;
      asked.nonce = asked_back_->nonce;
      if (const std::string why = hindrance(asked); !why.empty()) {
        refuse_rollback(why);
        return enter(Step::kIdle);
      }
      return arm_rollback();
    }
    case Step::kPatch:
    case Step::kDownload:
      report(state_.job->id, JobState::kVerifying, "checking length and digest");
      return enter(Step::kVerify);
    case Step::kVerify:
      report(state_.job->id, JobState::kInstalling,
             "writing slot " + std::string(letter(other(state_.confirmed_slot))));
      return enter(Step::kInstall);
    case Step::kInstall:
      return arm();
    case Step::kSwitchTo:
      return enter(Step::kRestartTo);
    case Step::kProbe:
      return confirm();
    case Step::kSwitchBack:
      if (!state_.trial) return enter(state_.job ? Step::kCheck : Step::kIdle);
      if (started_trial_) return enter(Step::kRestartBack);
      return finish_fallback();
    case Step::kRestartTo:
    case Step::kRestartBack:
      return;  // the restart comes: boot() of the next process goes on
  }
}

void UpdateMachine::progress(std::uint64_t ticket, int percent) {
  if (ticket != ticket_ || (step_ != Step::kDownload && step_ != Step::kPatch)) return;
  // A newer percentage takes the place of an unsent one. Not worth a durable write: see kSeqGap.
  if (!state_.outbox.empty() && state_.outbox.back().job == state_.job->id &&
      state_.outbox.back().report.state == JobState::kDownloading &&
      state_.outbox.back().report.error_code.empty()) {
    state_.outbox.pop_back();
  }
  const bool was_dirty = dirty_;
  model::JobReport entry =
      step_ == Step::kPatch ? way_report() : new_report(JobState::kDownloading, "downloading");
  entry.percent = percent;
  queue(state_.job->id, entry);
  dirty_ = was_dirty;
}

void UpdateMachine::acknowledged(const std::string& job, std::uint64_t seq) {
  const auto taken = std::erase_if(state_.outbox, [&](const QueuedReport& entry) {
    return entry.job == job && entry.report.seq <= seq;
  });
  // Lost in a power cut, it makes a report be sent twice, which the server knows by its number.
  if (taken > 0) untidy_ = true;
}

void UpdateMachine::job_over(const std::string& job) {
  std::erase_if(state_.outbox, [&](const QueuedReport& entry) { return entry.job == job; });
  untidy_ = true;
  if (!state_.job || state_.job->id != job) return;
  dirty_ = true;
  notice(job + " has ended at the server: given up");
  spend_word();
  state_.job.reset();
  enter(Step::kIdle);
}

void UpdateMachine::give_up(const Failure& failure) {
  if (state_.job) fail_job(failure.code, failure.detail);
}

void UpdateMachine::clock_floor(WallTime floor) {
  if (floor <= state_.clock_floor) return;
  state_.clock_floor = floor;
  dirty_ = true;
}

void UpdateMachine::version_floor(const model::Version& floor) {
  if (floor <= state_.highest && floor <= state_.floor) return;
  state_.highest = std::max(state_.highest, floor);
  state_.floor = std::max(state_.floor, floor);
  dirty_ = true;
}

Action UpdateMachine::next() const {
  Action action;
  action.ticket = ticket_;
  action.delay = delay_;
  action.slot = other(state_.confirmed_slot);
  if (state_.job) {
    action.release = state_.job->release;
    action.job = state_.job->id;
    action.word = state_.job->word;
  }
  if (state_.trial) action.image = state_.trial->image;
  switch (step_) {
    case Step::kIdle:
      action.kind = Action::Kind::kWait;
      break;
    case Step::kCheck:
      action.kind = Action::Kind::kCheck;
      break;
    case Step::kCheckBack:
      action.kind = Action::Kind::kCheckBack;
      action.from = state_.confirmed.sha256;
      action.image = *state_.previous;
      action.word = asked_back_->word;
      break;
    case Step::kPatch:
      action.kind = Action::Kind::kPatch;
      action.patch = way_;
      action.may_mend = may_mend();
      break;
    case Step::kDownload:
      action.kind = Action::Kind::kDownload;
      break;
    case Step::kVerify:
      action.kind = Action::Kind::kVerify;
      break;
    case Step::kInstall:
      action.kind = Action::Kind::kInstall;
      break;
    case Step::kSwitchTo:
      action.kind = Action::Kind::kSwitch;
      action.revert = state_.trial->job.empty();  // else the installer has done it
      break;
    case Step::kSwitchBack:
      action.kind = Action::Kind::kSwitch;
      action.slot = state_.confirmed_slot;
      action.revert = state_.trial.has_value();
      break;
    case Step::kRestartTo:
    case Step::kRestartBack:
      action.kind = Action::Kind::kRestart;
      break;
    case Step::kProbe:
      action.kind = Action::Kind::kProbe;
      break;
  }
  return action;
}

model::JobReport UpdateMachine::new_report(JobState state, const std::string& detail,
                                           const std::string& code) {
  model::JobReport entry;
  entry.seq = state_.next_seq++;
  entry.state = state;
  entry.error_code = code;
  entry.detail = printable(detail, 200);
  return entry;
}

void UpdateMachine::queue(const std::string& job, const model::JobReport& entry) {
  state_.outbox.push_back({job, entry});
  if (state_.outbox.size() > kMaxOutbox) {
    // What a job ended with outlives how it got there; so it may be the new one that goes.
    const auto victim = std::find_if(
        state_.outbox.begin(), state_.outbox.end(),
        [](const QueuedReport& queued) { return !model::is_final(queued.report.state); });
    state_.outbox.erase(victim == state_.outbox.end() ? state_.outbox.begin() : victim);
  }
  dirty_ = true;
}

model::JobReport UpdateMachine::report(const std::string& job, JobState state,
                                       const std::string& detail, const std::string& code) {
  model::JobReport entry = new_report(state, detail, code);
  queue(job, entry);
  return entry;
}

void UpdateMachine::finish(const std::string& job, int attempt, const std::string& sha256,
                           JobState state, const std::string& detail, const std::string& code) {
  const model::JobReport last = report(job, state, detail, code);
  std::erase_if(state_.finished, [&](const FinishedJob& known) { return known.id == job; });
  state_.finished.push_back({job, attempt, sha256, last});
  if (state_.finished.size() > kMaxFinished) state_.finished.erase(state_.finished.begin());
}

std::vector<std::string> UpdateMachine::take_notices() {
  return std::exchange(notices_, {});
}

const model::Image& UpdateMachine::running() const {
  return started_trial_ ? state_.trial->image : state_.confirmed;
}

}  // namespace ota::agent
