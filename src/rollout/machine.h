// The life of a rollout and of its members as pure functions: a rollout and what happened give the
// rollout afterwards and what follows from it, for the caller to carry out together with storing it.
// No clock, no store, no lock; any thread.
//
//   planned -> awaiting-approval -> ready -> running -> done
//                    \-deny-> cancelled      |  ^  \-evidence-> halted -> rolling-back -> rolled-back
//                                            v  |                  \-a second operator-> running
//                                           paused
//
//   member: waiting -> offered -> updating -> unproven -> proven
//              ^-withdrawn-/          \-> failed, rejected     ..after a halt: going-back -> back, stranded
//
// Every state that is not final has a deadline. A halt is final until a second operator says
// otherwise: no look, no time and no member's word undoes it. The caps on unproven devices hold at
// every instant, since the offer itself is what the machine allows or refuses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/enum_text.h"
#include "rollout/look.h"
#include "rollout/phase.h"
#include "rollout/plan.h"
#include "rollout/settings.h"

namespace ota::rollout {

enum class RolloutState : std::uint8_t {
  kPlanned,
  kAwaitingApproval,
  kReady,
  kRunning,
  kPaused,
  kHalted,
  kRollingBack,
  kDone,
  kCancelled,
  kRolledBack
};
inline constexpr model::EnumTable<RolloutState, 10> kRolloutStateWords{
    {{RolloutState::kPlanned, "planned"},
     {RolloutState::kAwaitingApproval, "awaiting-approval"},
     {RolloutState::kReady, "ready"},
     {RolloutState::kRunning, "running"},
     {RolloutState::kPaused, "paused"},
     {RolloutState::kHalted, "halted"},
     {RolloutState::kRollingBack, "rolling-back"},
     {RolloutState::kDone, "done"},
     {RolloutState::kCancelled, "cancelled"},
     {RolloutState::kRolledBack, "rolled-back"}}};
OTA_ENUM_TEXT(RolloutState, parse_rollout_state, kRolloutStateWords)
constexpr bool is_final(RolloutState state) {
  return state >= RolloutState::kDone;
}

enum class MemberState : std::uint8_t {
  kWaiting,
  kOffered,   // its job is made; it has not begun
  kUpdating,  // it has: it ends first, whatever happens to the rollout
  kUnproven,  // confirmed, its watch is not over
  kProven,
  kFailed,
  kRejected,  // fell back by itself: never offered again
  kLeft,      // revoked, off the whitelist, or taken by another push
  kGoingBack,
  kBack,
  kStranded
};
inline constexpr model::EnumTable<MemberState, 11> kMemberStateWords{
    {{MemberState::kWaiting, "waiting"},
     {MemberState::kOffered, "offered"},
     {MemberState::kUpdating, "updating"},
     {MemberState::kUnproven, "unproven"},
     {MemberState::kProven, "proven"},
     {MemberState::kFailed, "failed"},
     {MemberState::kRejected, "rejected"},
     {MemberState::kLeft, "left"},
     {MemberState::kGoingBack, "going-back"},
     {MemberState::kBack, "back"},
     {MemberState::kStranded, "stranded"}}};
OTA_ENUM_TEXT(MemberState, parse_member_state, kMemberStateWords)

// Offered the release, and not known to be back.
bool is_exposed(MemberState state);
// Exposed, and its watch not over: what the caps count.
bool is_unproven(MemberState state);

enum class OnHalt : std::uint8_t { kRollBack, kPause };
enum class Approval : std::uint8_t { kNotNeeded, kNeeded };

struct LifeSettings {
  JudgeSettings judge;
  std::uint32_t success_percent = 90;  // of the ended of a phase, before the next one opens
  std::uint32_t fill_percent = 80;     // of its devices that a phase must have offered
  OnHalt on_halt = OnHalt::kRollBack;
  Approval approval = Approval::kNotNeeded;
  seconds unstarted_deadline = std::chrono::days(7);
  seconds phase_deadline = std::chrono::days(7);
  seconds deadline = std::chrono::days(30);  // of the whole, from its start
  seconds rollback_deadline = std::chrono::hours(24);
  seconds reminder = std::chrono::hours(24);  // of who has a paused or halted one
};

struct LifePhase : PhaseProgress {
  std::uint64_t members = 0;
  seconds watch{0};
  PauseAfter pause_after = PauseAfter::kNo;
  std::optional<WallTime> opened;
  std::uint32_t looks = 0;    // held
  bool held = false;          // one of them could not judge, and nobody has said to go on
  bool paused_after = false;  // the pause after it was taken
};

// The counts of the members, which is all of them that a rollout's own rules look at.
struct MemberCounts {
  std::uint64_t waiting = 0;
  std::uint64_t unproven = 0;  // by is_unproven
  std::uint64_t exposed = 0;   // by is_exposed
};

struct GroupCap {
  std::uint64_t unproven = 0;
  std::uint64_t most = 0;
};

struct Rollout {
  std::string id;
  RolloutState state = RolloutState::kPlanned;
  RolloutState resumes_to = RolloutState::kPlanned;  // of a paused or halted one
  std::string created_by;
  std::string halted_by;  // an operator; empty: evidence
  std::string reason;     // of the present state, in words
  LifeSettings settings;
  std::vector<LifePhase> phases;
  std::uint32_t open = 0;  // phases
  MemberCounts counts;
  std::uint64_t most_unproven = 0;
  std::vector<GroupCap> groups;  // the first is none, and has no cap
  WallTime deadline;             // of the state
  WallTime ends_by;              // of the whole, from its start on
};

struct Member {
  MemberState state = MemberState::kWaiting;
  std::uint32_t phase = 0;
  std::uint32_t group = 0;
  WallTime confirmed;
};

// What the caller has to do, beside storing what was changed.
enum class Follow : std::uint8_t {
  kAskApproval,
  kPhaseOpened,
  kWithdrawOffers,  // cancel the jobs of offered members, each with MemberEvent::kWithdrawn
  kQuarantine,      // the release's digest
  kGoBack,          // tell exposed members to go back, each with MemberEvent::kToldBack
  kRemind,          // whoever has it to look after
  kStrand           // those who are still going back
};

struct RolloutChange {
  Rollout rollout;
  bool changed = false;
  std::vector<Follow> follows;
};

Rollout make_rollout(std::string id, std::string created_by, const Plan& plan,
                     std::vector<GroupCap> groups, const LifeSettings& settings, WallTime now);

enum class Verb : std::uint8_t {
  kSubmit,
  kApprove,
  kDeny,
  kStart,
  kPause,
  kResume,
  kNext,
  kHalt,
  kRollBack,
  kCancel
};
inline constexpr model::EnumTable<Verb, 10> kVerbWords{{{Verb::kSubmit, "submit"},
                                                        {Verb::kApprove, "approve"},
                                                        {Verb::kDeny, "deny"},
                                                        {Verb::kStart, "start"},
                                                        {Verb::kPause, "pause"},
                                                        {Verb::kResume, "resume"},
                                                        {Verb::kNext, "next"},
                                                        {Verb::kHalt, "halt"},
                                                        {Verb::kRollBack, "roll-back"},
                                                        {Verb::kCancel, "cancel"}}};
OTA_ENUM_TEXT(Verb, parse_verb, kVerbWords)

// An operator's word. kConflict: not in this state, which the context names; kDenied: another
// operator has to say it; kInvalid: it needs a reason. What is so already changes nothing.
Result<RolloutChange> rollout_told(const Rollout& rollout, Verb verb, const std::string& actor,
                                   const std::string& reason, WallTime now);

// A look of a phase was held; `reason` is what it says. It changes nothing where a rollout has not
// begun, is halted, goes back or has ended.
RolloutChange rollout_looked(const Rollout& rollout, std::uint32_t phase, Decision decision,
                             const std::string& reason, WallTime now);
// Failed updates alone are evidence enough.
RolloutChange rollout_failing(const Rollout& rollout, const std::string& reason, WallTime now);
// What time brings: the next phase, the end, a deadline.
RolloutChange rollout_at(const Rollout& rollout, WallTime now);

enum class MemberEvent : std::uint8_t {
  kOffered,
  kWithdrawn,  // its job was cancelled before it began
  kBegan,
  kConfirmed,
  kFailed,
  kFellBack,
  kProven,
  kLeft,
  kRetry,
  kToldBack,
  kCameBack,  // runs its former image, confirmed, after a new boot
  kStranded
};
inline constexpr std::size_t kMemberEvents = 12;

struct MemberChange {
  Rollout rollout;
  Member member;
  bool goes_back = false;  // it was installing when the others were told: tell it now
};

// kConflict: what a member in this state, or of a rollout in its, cannot do; kLimit: a cap is full.
Result<MemberChange> member_told(const Rollout& rollout, const Member& member, MemberEvent event,
                                 WallTime now);

// When an unproven member is proven: its phase's watch after its confirmation.
WallTime proven_at(const Rollout& rollout, const Member& member);

// The counts made anew, as at a start of the server.
void count_again(Rollout& rollout, const std::vector<Member>& members);

}  // namespace ota::rollout
