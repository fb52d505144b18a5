// Members of a rollout: the part of machine.h that is asked for one device.
#include <array>

#include "base/assert.h"
#include "rollout/machine.h"

namespace ota::rollout {
namespace {

using M = MemberState;

// Where an event leads a member; none: it cannot be. Columns as in MemberEvent.
constexpr std::size_t kMemberStates = kMemberStateWords.size();
using Row = std::array<std::optional<M>, kMemberEvents>;
constexpr std::nullopt_t kNo = std::nullopt;
constexpr std::array<Row, kMemberStates> kNext{{
    // offered, withdrawn, began, confirmed, failed, fell back, proven, left, retry, told back, back,
    // stranded
    /* waiting */ {M::kOffered, kNo, kNo, kNo, kNo, kNo, kNo, M::kLeft, kNo, kNo, kNo, kNo},
    /* offered */
    {kNo, M::kWaiting, M::kUpdating, M::kUnproven, M::kFailed, M::kRejected, kNo, M::kLeft, kNo,
     kNo, kNo, kNo},
    /* updating */
    {kNo, kNo, M::kUpdating, M::kUnproven, M::kFailed, M::kRejected, kNo, M::kLeft, kNo, kNo, kNo,
     kNo},
    /* unproven */
    {kNo, kNo, kNo, kNo, kNo, M::kRejected, M::kProven, M::kLeft, kNo, M::kGoingBack, kNo,
     M::kStranded},
    /* proven */
    {kNo, kNo, kNo, kNo, kNo, M::kRejected, kNo, M::kLeft, kNo, M::kGoingBack, kNo, M::kStranded},
    /* failed */ {kNo, kNo, kNo, kNo, kNo, kNo, kNo, M::kLeft, M::kWaiting, kNo, kNo, kNo},
    /* rejected */ {kNo, kNo, kNo, kNo, kNo, kNo, kNo, M::kLeft, kNo, kNo, kNo, kNo},
    /* left */ {kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo, kNo},
    /* going-back */
    {kNo, kNo, kNo, kNo, kNo, M::kBack, kNo, M::kLeft, kNo, M::kGoingBack, M::kBack, M::kStranded},
    /* back */ {kNo, kNo, kNo, kNo, kNo, kNo, kNo, M::kLeft, kNo, kNo, kNo, kNo},
    /* stranded */
    {kNo, kNo, kNo, kNo, kNo, M::kBack, kNo, M::kLeft, kNo, M::kGoingBack, M::kBack, kNo},
}};

// A member leaves its state's counts, or comes to them.
void count(Rollout& rollout, const Member& member, std::uint64_t by) {
  MemberCounts& counts = rollout.counts;
  if (member.state == M::kWaiting) counts.waiting += by;
  if (is_exposed(member.state)) counts.exposed += by;
  if (!is_unproven(member.state)) return;
  counts.unproven += by;
  rollout.groups[member.group].unproven += by;
}
constexpr std::uint64_t kOneMore = 1;
constexpr std::uint64_t kOneLess = ~std::uint64_t{0};  // minus one, modulo 2^64

Result<void> may_be_offered(const Rollout& rollout, const Member& member) {
  if (rollout.state != RolloutState::kRunning) {
    return fail(Errc::kConflict, rollout.id + " is " + std::string(to_text(rollout.state)));
  }
  if (member.phase >= rollout.open) {
    return fail(Errc::kConflict,
                rollout.id + ": phase " + std::to_string(member.phase + 1) + " is not open");
  }
  if (rollout.counts.unproven >= rollout.most_unproven) {
    return fail(Errc::kLimit, rollout.id + " has " + std::to_string(rollout.counts.unproven) +
                                  " unproven devices, as many as it may");
  }
  const GroupCap& group = rollout.groups[member.group];
  if (member.group != 0 && group.unproven >= group.most) {
    return fail(Errc::kLimit, rollout.id + " has " + std::to_string(group.unproven) +
                                  " unproven devices in this group, as many as it may");
  }
  return {};
}

void note_phase(Rollout& rollout, const Member& before, const Member& after, MemberEvent event,
                WallTime now) {
  LifePhase& phase = rollout.phases[before.phase];
  switch (event) {
    case MemberEvent::kOffered:
      ++phase.offered;
      phase.last_offer = now;
      break;
    case MemberEvent::kWithdrawn:
      --phase.offered;
      break;
    case MemberEvent::kConfirmed:
      ++phase.confirmed;
      ++phase.ended;
      break;
    case MemberEvent::kFailed:
    case MemberEvent::kFellBack:
      if (after.state == M::kBack) return;  // as it was told to
      if (before.state == M::kUnproven || before.state == M::kProven) {
        --phase.confirmed;
      } else {
        ++phase.ended;
      }
      break;
    case MemberEvent::kRetry:
      --phase.offered;  // to be offered anew; that it failed stays
      --phase.ended;
      break;
    case MemberEvent::kLeft:
      // Who leaves before it ended is waited for no more.
      if (before.state == M::kOffered || before.state == M::kUpdating) --phase.offered;
      --phase.members;
      break;
    default:
      return;
  }
  phase.note(now);
}

}  // namespace

WallTime proven_at(const Rollout& rollout, const Member& member) {
  return member.confirmed + rollout.phases[member.phase].watch;
}

Result<MemberChange> member_told(const Rollout& rollout, const Member& member, MemberEvent event,
                                 WallTime now) {
  const auto next = kNext[static_cast<std::size_t>(member.state)][static_cast<std::size_t>(event)];
  if (!next) {
    return fail(Errc::kConflict,
                "a member that is " + std::string(to_text(member.state)) + " cannot do that");
  }
  if (event == MemberEvent::kOffered) {
    if (auto may = may_be_offered(rollout, member); !may) return may.error();
  }
  if (event == MemberEvent::kProven && now < proven_at(rollout, member)) {
    return fail(Errc::kConflict, "its watch is not over");
  }
  if (event == MemberEvent::kToldBack && rollout.state != RolloutState::kRollingBack) {
    return fail(Errc::kConflict, rollout.id + " is " + std::string(to_text(rollout.state)));
  }
  MemberChange change{rollout, member, false};
  change.member.state = *next;
  if (event == MemberEvent::kConfirmed) change.member.confirmed = now;
  count(change.rollout, member, kOneLess);
  count(change.rollout, change.member, kOneMore);
  note_phase(change.rollout, member, change.member, event, now);
  change.goes_back = rollout.state == RolloutState::kRollingBack && *next == MemberState::kUnproven;
  // The last one that had to go back has done so, or never will.
  if (rollout.state == RolloutState::kRollingBack && change.rollout.counts.exposed == 0) {
    change.rollout.state = RolloutState::kRolledBack;
    change.rollout.deadline = {};
  }
  return change;
}

void count_again(Rollout& rollout, const std::vector<Member>& members) {
  rollout.counts = {};
  for (GroupCap& group : rollout.groups)
    group.unproven = 0;
  for (const Member& member : members)
    count(rollout, member, kOneMore);
}

}  // namespace ota::rollout
