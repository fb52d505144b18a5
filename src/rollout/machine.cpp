#include "rollout/machine.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace ota::rollout {
namespace {

using State = RolloutState;

bool begun(State state) {
  return state == State::kRunning || state == State::kPaused;
}

WallTime deadline_of(const Rollout& rollout, WallTime now) {
  const LifeSettings& settings = rollout.settings;
  switch (rollout.state) {
    case State::kPlanned:
    case State::kAwaitingApproval:
    case State::kReady:
      return now + settings.unstarted_deadline;
    case State::kRunning:
      // The last phase has no next one to open: it goes on for as long as the whole may.
      if (rollout.open == rollout.phases.size()) return rollout.ends_by;
      return std::min<WallTime>(now + settings.phase_deadline, rollout.ends_by);
    case State::kPaused:
    case State::kHalted:
      return now + settings.reminder;
    case State::kRollingBack:
      return now + settings.rollback_deadline;
    default:
      return {};
  }
}

void enter(RolloutChange& change, State state, const std::string& reason, WallTime now) {
  Rollout& rollout = change.rollout;
  rollout.state = state;
  rollout.reason = reason;
  rollout.deadline = deadline_of(rollout, now);
  change.changed = true;
}

void open_next(RolloutChange& change, WallTime now) {
  Rollout& rollout = change.rollout;
  rollout.phases[rollout.open].opened = now;
  ++rollout.open;
  rollout.deadline = deadline_of(rollout, now);
  change.changed = true;
  change.follows.push_back(Follow::kPhaseOpened);
}

void start(RolloutChange& change, WallTime now) {
  change.rollout.ends_by = now + change.rollout.settings.deadline;
  enter(change, State::kRunning, "", now);
  open_next(change, now);
}

// Nobody exposed is left who could go back: at once where there was nobody.
void end_going_back(RolloutChange& change, WallTime now) {
  if (change.rollout.counts.exposed == 0)
    enter(change, State::kRolledBack, change.rollout.reason, now);
}

void go_back(RolloutChange& change, const std::string& reason, WallTime now) {
  enter(change, State::kRollingBack, reason, now);
  change.follows.push_back(Follow::kWithdrawOffers);
  change.follows.push_back(Follow::kGoBack);
  end_going_back(change, now);
}

void halt(RolloutChange& change, const std::string& actor, const std::string& reason,
          WallTime now) {
  Rollout& rollout = change.rollout;
  if (rollout.state != State::kPaused) rollout.resumes_to = rollout.state;
  rollout.halted_by = actor;
  enter(change, State::kHalted, reason, now);
  change.follows.push_back(Follow::kWithdrawOffers);
}

// By evidence, which an operator's halt is not: the release is not offered again, and comes off.
void halt_by_evidence(RolloutChange& change, const std::string& reason, WallTime now) {
  halt(change, "", reason, now);
  change.follows.push_back(Follow::kQuarantine);
  if (change.rollout.settings.on_halt == OnHalt::kRollBack) go_back(change, reason, now);
}

void pause(RolloutChange& change, const std::string& reason, WallTime now) {
  change.rollout.resumes_to = change.rollout.state;
  enter(change, State::kPaused, reason, now);
}

Error wrong_state(const Rollout& rollout, Verb verb) {
  return fail(Errc::kConflict, rollout.id + " is " + std::string(to_text(rollout.state)) +
                                   ": there is nothing to " + std::string(to_text(verb)));
}

Result<RolloutChange> resume(RolloutChange change, const std::string& actor,
                             const std::string& reason, WallTime now) {
  Rollout& rollout = change.rollout;
  if (rollout.state != State::kPaused && rollout.state != State::kHalted) {
    return wrong_state(rollout, Verb::kResume);
  }
  if (rollout.state == State::kHalted) {
    if (actor == rollout.created_by || actor == rollout.halted_by) {
      return fail(Errc::kDenied, rollout.id + " is halted: an operator other than who made or " +
                                     "halted it has to resume it");
    }
    if (reason.empty()) return fail(Errc::kInvalid, "a halted rollout is resumed with a reason");
  }
  // Whoever resumes has seen what could not be judged.
  for (LifePhase& phase : rollout.phases)
    phase.held = false;
  rollout.halted_by.clear();
  enter(change, rollout.resumes_to, reason, now);
  return change;
}

bool has_success(const LifePhase& phase, std::uint32_t percent) {
  constexpr std::uint64_t kHundred = 100;
  return phase.confirmed * kHundred >= phase.ended * percent;
}

// The open phase has shown what it was opened for; its looks were all held and could judge.
bool has_shown(const Rollout& rollout, const LifePhase& phase, WallTime now) {
  constexpr std::uint64_t kHundred = 100;
  const LifeSettings& settings = rollout.settings;
  if (!phase.ready || now < *phase.ready + phase.watch || phase.held) return false;
  if (phase.looks < looks_due(settings.judge, *phase.ready, now)) return false;
  return phase.offered * kHundred >= phase.members * settings.fill_percent &&
         has_success(phase, settings.success_percent);
}

void take_running(RolloutChange& change, WallTime now) {
  Rollout& rollout = change.rollout;
  for (std::uint32_t i = 0; i < rollout.open; ++i) {
    LifePhase& phase = rollout.phases[i];
    const bool was_ready = phase.ready.has_value();
    phase.find_ready(now);
    change.changed = change.changed || was_ready != phase.ready.has_value();
  }
  if (rollout.open == rollout.phases.size()) {
    if (rollout.counts.waiting == 0 && rollout.counts.unproven == 0) {
      enter(change, State::kDone, "", now);
    }
    return;
  }
  LifePhase& phase = rollout.phases[rollout.open - 1];
  if (!has_shown(rollout, phase, now)) return;
  if (phase.pause_after == PauseAfter::kYes && !std::exchange(phase.paused_after, true)) {
    return pause(change, "asks before the next phase", now);
  }
  if (rollout.counts.unproven < rollout.most_unproven) open_next(change, now);
}

}  // namespace

bool is_unproven(MemberState state) {
  return state == MemberState::kOffered || state == MemberState::kUpdating ||
         state == MemberState::kUnproven;
}

bool is_exposed(MemberState state) {
  return is_unproven(state) || state == MemberState::kProven || state == MemberState::kGoingBack;
}

Rollout make_rollout(std::string id, std::string created_by, const Plan& plan,
                     std::vector<GroupCap> groups, const LifeSettings& settings, WallTime now) {
  RolloutChange change;
  Rollout& rollout = change.rollout;
  rollout.id = std::move(id);
  rollout.created_by = std::move(created_by);
  rollout.settings = settings;
  rollout.groups = std::move(groups);
  rollout.most_unproven = plan.most_unproven;
  rollout.counts.waiting = plan.devices;
  for (const PlannedPhase& planned : plan.phases) {
    LifePhase& phase = rollout.phases.emplace_back();
    phase.members = planned.members.size();
    phase.watch = planned.watch;
    phase.pause_after = planned.pause_after;
  }
  OTA_ASSERT(!rollout.phases.empty() && !rollout.groups.empty());
  enter(change, State::kPlanned, "", now);
  return std::move(rollout);
}

Result<RolloutChange> rollout_told(const Rollout& rollout, Verb verb, const std::string& actor,
                                   const std::string& reason, WallTime now) {
  RolloutChange change{rollout, false, {}};
  const State state = rollout.state;
  if (is_final(state)) return wrong_state(rollout, verb);
  const bool needs = rollout.settings.approval == Approval::kNeeded;
  switch (verb) {
    case Verb::kSubmit:
      if (state != State::kPlanned || !needs) return wrong_state(rollout, verb);
      enter(change, State::kAwaitingApproval, "", now);
      change.follows.push_back(Follow::kAskApproval);
      return change;
    case Verb::kApprove:
    case Verb::kDeny:
      if (state != State::kAwaitingApproval) return wrong_state(rollout, verb);
      if (verb == Verb::kApprove && actor == rollout.created_by) {
        return fail(Errc::kDenied,
                    rollout.id + ": another operator than who made it has to approve it");
      }
      enter(change, verb == Verb::kApprove ? State::kReady : State::kCancelled, reason, now);
      return change;
    case Verb::kStart:
      if (state != State::kReady && (state != State::kPlanned || needs)) {
        return wrong_state(rollout, verb);
      }
      start(change, now);
      return change;
    case Verb::kPause:
      if (state < State::kPaused) pause(change, reason, now);
      return change;
    case Verb::kResume:
      return resume(std::move(change), actor, reason, now);
    case Verb::kNext:
      if (state != State::kRunning && (state != State::kPaused || rollout.open == 0)) {
        return wrong_state(rollout, verb);
      }
      if (rollout.open == rollout.phases.size()) {
        return fail(Errc::kConflict, rollout.id + " has all of its phases open");
      }
      if (state == State::kPaused) enter(change, State::kRunning, reason, now);
      for (LifePhase& phase : change.rollout.phases)
        phase.held = false;
      open_next(change, now);
      return change;
    case Verb::kHalt:
      if (state < State::kHalted) halt(change, actor, reason, now);
      return change;
    case Verb::kRollBack:
      if (state != State::kRollingBack) go_back(change, reason, now);
      return change;
    case Verb::kCancel:
      enter(change, State::kCancelled, reason, now);
      change.follows.push_back(Follow::kWithdrawOffers);
      return change;
  }
  return wrong_state(rollout, verb);
}

RolloutChange rollout_looked(const Rollout& rollout, std::uint32_t number, Decision decision,
                             const std::string& reason, WallTime now) {
  OTA_ASSERT(number < rollout.phases.size());
  RolloutChange change{rollout, false, {}};
  if (!begun(rollout.state)) return change;
  LifePhase& phase = change.rollout.phases[number];
  ++phase.looks;
  change.changed = true;
  if (decision == Decision::kHalt) {
    halt_by_evidence(change, reason, now);
  } else if (decision == Decision::kHold) {
    phase.held = true;
    if (rollout.state == State::kRunning) pause(change, reason, now);
  }
  return change;
}

RolloutChange rollout_failing(const Rollout& rollout, const std::string& reason, WallTime now) {
  RolloutChange change{rollout, false, {}};
  if (begun(rollout.state)) halt_by_evidence(change, reason, now);
  return change;
}

RolloutChange rollout_at(const Rollout& rollout, WallTime now) {
  RolloutChange change{rollout, false, {}};
  if (is_final(rollout.state)) return change;
  if (rollout.state == State::kRunning) take_running(change, now);
  if (change.rollout.state != rollout.state || now < change.rollout.deadline) return change;
  switch (rollout.state) {
    case State::kRunning:
      if (now >= rollout.ends_by) {
        enter(change, State::kDone, "its time is over: some devices did not get it", now);
        change.follows.push_back(Follow::kWithdrawOffers);
      } else {
        pause(change, "the phase's time is over", now);
      }
      break;
    case State::kPaused:
    case State::kHalted:
      change.rollout.deadline = now + rollout.settings.reminder;
      change.changed = true;
      change.follows.push_back(Follow::kRemind);
      break;
    case State::kRollingBack:
      change.rollout.deadline = now + rollout.settings.reminder;
      change.changed = true;
      change.follows.push_back(Follow::kStrand);
      break;
    default:
      enter(change, State::kCancelled, "nobody started it in time", now);
  }
  return change;
}

}  // namespace ota::rollout
