#include "rollout/machine.h"

#include <functional>
#include <map>
#include <random>
#include <set>

#include "tests/support/catch.h"

using namespace ota::rollout;
using namespace std::chrono_literals;
using ota::Errc;
using ota::WallTime;

namespace {

const WallTime kMade{std::chrono::sys_days{std::chrono::year(2026) / 3 / 4}};

Plan plan_of(std::uint64_t canaries, std::uint64_t rest, std::uint64_t cap) {
  Plan plan;
  for (const std::uint64_t count : {canaries, rest}) {
    PlannedPhase phase;
    phase.members.resize(count);
    phase.watch = 2h;
    plan.phases.push_back(phase);
  }
  plan.devices = canaries + rest;
  plan.most_unproven = cap;
  return plan;
}

Rollout made(const LifeSettings& settings = {}, std::uint64_t canaries = 2, std::uint64_t rest = 6,
             std::uint64_t cap = 100) {
  return make_rollout("ro-000007", "ada", plan_of(canaries, rest, cap), {{}, {0, 100}}, settings,
                      kMade);
}

// A rollout in each state, with one device exposed, as another operator than its maker finds it.
Rollout in_state(RolloutState state, const LifeSettings& settings) {
  Rollout rollout = made(settings);
  rollout.state = state;
  rollout.counts.exposed = 1;
  rollout.ends_by = kMade + 30 * 24h;
  rollout.deadline = kMade + 1h;
  if (state >= RolloutState::kRunning) rollout.open = 1;
  rollout.resumes_to = RolloutState::kRunning;
  return rollout;
}

char letter(RolloutState state) {
  return "PAYRUHBDCK"[static_cast<std::size_t>(state)];
}

// A rollout with its members, which does what follows as a server would.
struct World {
  Rollout rollout;
  std::vector<Member> members;
  WallTime now = kMade;

  explicit World(Rollout start) : rollout(std::move(start)) {
    for (std::uint32_t p = 0; p < rollout.phases.size(); ++p) {
      for (std::uint64_t i = 0; i < rollout.phases[p].members; ++i) {
        Member member;
        member.phase = p;
        member.group = static_cast<std::uint32_t>(members.size() % rollout.groups.size());
        members.push_back(member);
      }
    }
  }
  bool tell(std::size_t i, MemberEvent event) {
    const auto change = member_told(rollout, members[i], event, now);
    if (!change) return false;
    rollout = change->rollout;
    members[i] = change->member;
    if (change->goes_back) tell(i, MemberEvent::kToldBack);
    return true;
  }
  void take(const RolloutChange& change) {
    rollout = change.rollout;
    for (const Follow follow : change.follows) {
      for (std::size_t i = 0; i < members.size(); ++i) {
        if (follow == Follow::kWithdrawOffers) tell(i, MemberEvent::kWithdrawn);
        if (follow == Follow::kGoBack) tell(i, MemberEvent::kToldBack);
        if (follow == Follow::kStrand && members[i].state == MemberState::kGoingBack)
          tell(i, MemberEvent::kStranded);
      }
    }
  }
  bool say(Verb verb, const std::string& actor = "eve", const std::string& reason = "because") {
    const auto change = rollout_told(rollout, verb, actor, reason, now);
    if (change) take(*change);
    return change.has_value();
  }
  void live(ota::seconds time) {
    now += time;
    take(rollout_at(rollout, now));
  }
  void install(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      REQUIRE(tell(i, MemberEvent::kOffered));
      REQUIRE(tell(i, MemberEvent::kBegan));
      REQUIRE(tell(i, MemberEvent::kConfirmed));
    }
  }
  void look(std::uint32_t phase, Decision decision = Decision::kContinue) {
    take(rollout_looked(rollout, phase, decision, "look", now));
  }
};

}  // namespace

TEST_CASE("every state meets every event as the table says", "[rollout][machine]") {
  // submit approve deny start pause resume next halt roll-back cancel, then looks: continue hold
  // halt, failures, deadline. A letter: the state afterwards; -: refused.
  const std::map<RolloutState, std::string> table{
      {RolloutState::kPlanned, "A---U--HBCPPPPC"},
      {RolloutState::kAwaitingApproval, "-YC-U--HBCAAAAC"},
      {RolloutState::kReady, "---RU--HBCYYYYC"},
      {RolloutState::kRunning, "----U-RHBCRUBBU"},
      {RolloutState::kPaused, "----URRHBCUUBBU"},
      {RolloutState::kHalted, "----HR-HBCHHHHH"},
      {RolloutState::kRollingBack, "----B--BBCBBBBB"},
      {RolloutState::kDone, "----------DDDDD"},
      {RolloutState::kCancelled, "----------CCCCC"},
      {RolloutState::kRolledBack, "----------KKKKK"}};
  LifeSettings settings;
  settings.approval = Approval::kNeeded;
  for (const auto& [state, word] : kRolloutStateWords) {
    const Rollout rollout = in_state(state, settings);
    std::string row;
    for (const auto& [verb, name] : kVerbWords) {
      const auto change = rollout_told(rollout, verb, "eve", "because", kMade);
      row += change ? letter(change->rollout.state) : '-';
      if (!change) {
        CHECK(change.error().code == Errc::kConflict);
        CHECK(change.error().context.find(word) != std::string::npos);
      }
    }
    for (const Decision decision : {Decision::kContinue, Decision::kHold, Decision::kHalt})
      row += letter(rollout_looked(rollout, 0, decision, "look", kMade).rollout.state);
    row += letter(rollout_failing(rollout, "failures", kMade).rollout.state);
    row += letter(rollout_at(rollout, kMade + 1h).rollout.state);
    INFO(word);
    CHECK(row == table.at(state));
  }
  // Without approvals a plan starts at once and has nobody to submit it to.
  const Rollout plain = in_state(RolloutState::kPlanned, {});
  CHECK(rollout_told(plain, Verb::kStart, "ada", "", kMade)->rollout.state ==
        RolloutState::kRunning);
  CHECK(!rollout_told(plain, Verb::kSubmit, "ada", "", kMade).has_value());
  LifeSettings only_pause;
  only_pause.on_halt = OnHalt::kPause;
  const Rollout running = in_state(RolloutState::kRunning, only_pause);
  CHECK(rollout_failing(running, "", kMade).rollout.state == RolloutState::kHalted);
}

TEST_CASE("every member's state meets every event as the table says", "[rollout][machine]") {
  // offered withdrawn began confirmed failed fell-back proven left retry told-back came-back stranded
  const std::map<MemberState, std::string> table{
      {MemberState::kWaiting, "o------l----"},   {MemberState::kOffered, "-wuvfj-l----"},
      {MemberState::kUpdating, "--uvfj-l----"},  {MemberState::kUnproven, "-----jpl-g-s"},
      {MemberState::kProven, "-----j-l-g-s"},    {MemberState::kFailed, "-------lw---"},
      {MemberState::kRejected, "-------l----"},  {MemberState::kLeft, "------------"},
      {MemberState::kGoingBack, "-----b-l-gbs"}, {MemberState::kBack, "-------l----"},
      {MemberState::kStranded, "-----b-l-gb-"}};
  const std::string letters = "wouvpfjlgbs";
  for (const auto& [state, word] : kMemberStateWords) {
    std::string row;
    for (std::size_t event = 0; event < kMemberEvents; ++event) {
      Rollout rollout = in_state(RolloutState::kRunning, {});
      rollout.counts = {5, 5, 5};
      rollout.groups[0].unproven = 5;
      rollout.phases[0].offered = rollout.phases[0].ended = rollout.phases[0].confirmed = 2;
      if (event == static_cast<std::size_t>(MemberEvent::kToldBack)) {
        rollout.state = RolloutState::kRollingBack;
      }
      Member member;
      member.state = state;
      member.confirmed = kMade - 3h;
      const auto change = member_told(rollout, member, static_cast<MemberEvent>(event), kMade);
      row += change ? letters[static_cast<std::size_t>(change->member.state)] : '-';
    }
    INFO(word);
    CHECK(row == table.at(state));
  }
}

TEST_CASE("a rollout runs from canary to done when each phase has shown what it was opened for",
          "[rollout][machine]") {
  World world(made());
  REQUIRE(world.say(Verb::kStart));
  CHECK(world.rollout.open == 1);
  CHECK(!world.tell(2, MemberEvent::kOffered));  // its phase is not open
  world.install(0, 2);
  world.live(11min);  // ready at ten
  CHECK(world.rollout.open == 1);
  world.live(2h);
  CHECK(world.rollout.open == 1);  // looks at 15, 30 and 60 minutes and 2 hours were not held
  for (int i = 0; i < 4; ++i)
    world.look(0);
  world.live(1min);
  CHECK(world.rollout.open == 2);
  CHECK(world.tell(0, MemberEvent::kProven));
  CHECK(world.tell(1, MemberEvent::kProven));
  world.install(2, 8);
  world.live(3h);
  CHECK(world.rollout.state == RolloutState::kRunning);
  for (std::size_t i = 2; i < 8; ++i)
    CHECK(world.tell(i, MemberEvent::kProven));
  world.live(1min);
  CHECK(world.rollout.state == RolloutState::kDone);
}

TEST_CASE("a phase that failed too often, was not filled, or was held opens nothing",
          "[rollout][machine]") {
  const auto at_the_end = [](const std::function<void(World&)>& how) {
    World world(made({}, 10, 10));
    REQUIRE(world.say(Verb::kStart));
    how(world);
    world.live(11min);
    world.live(2h);
    for (int i = 0; i < 4; ++i)
      world.look(0);
    world.live(1min);
    return world.rollout.open;
  };
  CHECK(at_the_end([](World& world) { world.install(0, 10); }) == 2);
  CHECK(at_the_end([](World& world) { world.install(0, 8); }) == 2);
  CHECK(at_the_end([](World& world) { world.install(0, 7); }) == 1);  // fill_percent
  CHECK(at_the_end([](World& world) {
          world.install(0, 8);
          for (std::size_t i = 8; i < 10; ++i) {
            REQUIRE(world.tell(i, MemberEvent::kOffered));
            REQUIRE(world.tell(i, MemberEvent::kFailed));
          }
        }) == 1);  // success_percent
  World held(made());
  REQUIRE(held.say(Verb::kStart));
  held.install(0, 2);
  held.live(11min);
  held.look(0, Decision::kHold);
  CHECK(held.rollout.state == RolloutState::kPaused);
  CHECK(held.say(Verb::kResume));
  held.live(2h);
  for (int i = 0; i < 3; ++i)
    held.look(0);
  held.live(1min);
  CHECK(held.rollout.open == 2);  // a person said to go on
}

TEST_CASE("an offer over a cap is refused, of the whole and of a group", "[rollout][machine]") {
  World whole(made({}, 5, 5, 3));
  REQUIRE(whole.say(Verb::kStart));
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(whole.tell(i, MemberEvent::kOffered));
  const auto refused = member_told(whole.rollout, whole.members[3], MemberEvent::kOffered, kMade);
  CHECK(refused.error().code == Errc::kLimit);
  CHECK(whole.tell(0, MemberEvent::kFailed));  // it is not exposed any more
  CHECK(whole.tell(3, MemberEvent::kOffered));

  World group(made({}, 6, 2));
  group.rollout.groups[1].most = 1;
  REQUIRE(group.say(Verb::kStart));
  CHECK(group.tell(1, MemberEvent::kOffered));
  CHECK(!group.tell(3, MemberEvent::kOffered));  // of the same group
  CHECK(group.tell(2, MemberEvent::kOffered));   // of none, which has no cap
}

TEST_CASE("the next phase waits for a free place among the unproven", "[rollout][machine]") {
  World world(made({}, 2, 6, 2));
  REQUIRE(world.say(Verb::kStart));
  world.install(0, 2);
  world.live(11min);
  world.live(2h);
  for (int i = 0; i < 4; ++i)
    world.look(0);
  world.live(1min);
  CHECK(world.rollout.open == 1);
  CHECK(world.tell(0, MemberEvent::kProven));
  world.live(1min);
  CHECK(world.rollout.open == 2);
}

TEST_CASE("who is withdrawn or leaves is waited for no more", "[rollout][machine]") {
  for (const MemberEvent event : {MemberEvent::kWithdrawn, MemberEvent::kLeft}) {
    World world(made({}, 5, 5));
    REQUIRE(world.say(Verb::kStart));
    for (std::size_t i = 0; i < 5; ++i)
      REQUIRE(world.tell(i, MemberEvent::kOffered));
    for (std::size_t i = 0; i < 3; ++i)
      REQUIRE(world.tell(i, MemberEvent::kConfirmed));
    world.live(11min);
    CHECK(!world.rollout.phases[0].ready);  // 3 of 5 have ended
    REQUIRE(world.tell(4, event));
    world.live(1min);
    CHECK(!world.rollout.phases[0].ready);  // nor have 3 of 4: 75 %
    REQUIRE(world.tell(3, event));
    world.live(1min);
    CHECK(world.rollout.phases[0].ready);
  }
}

TEST_CASE("a member is proven when its watch is over, and not before", "[rollout][machine]") {
  World world(made());
  REQUIRE(world.say(Verb::kStart));
  world.install(0, 1);
  CHECK(proven_at(world.rollout, world.members[0]) == kMade + 2h);
  world.now = kMade + 2h - 1min;
  CHECK(!world.tell(0, MemberEvent::kProven));
  world.now = kMade + 2h;
  CHECK(world.tell(0, MemberEvent::kProven));
}

TEST_CASE("a device that falls back as it was told is back, and no failure", "[rollout][machine]") {
  World world(made());
  REQUIRE(world.say(Verb::kStart));
  world.install(0, 2);
  REQUIRE(world.say(Verb::kRollBack));
  const PhaseProgress before = world.rollout.phases[0];
  CHECK(world.tell(0, MemberEvent::kFellBack));
  CHECK(world.members[0].state == MemberState::kBack);
  CHECK(world.rollout.phases[0].confirmed == before.confirmed);
  CHECK(world.rollout.phases[0].ended == before.ended);
}

TEST_CASE("a rollout that was halted while it was paused goes on to where it was",
          "[rollout][machine]") {
  LifeSettings settings;
  settings.approval = Approval::kNeeded;
  World world(made(settings));
  REQUIRE(world.say(Verb::kSubmit, "ada"));
  REQUIRE(world.say(Verb::kPause));
  REQUIRE(world.say(Verb::kHalt, "bob"));
  REQUIRE(world.say(Verb::kResume));
  CHECK(world.rollout.state == RolloutState::kAwaitingApproval);
}

TEST_CASE("the last phase has as long as the whole, and who did not get it then goes without",
          "[rollout][machine]") {
  World world(made());
  REQUIRE(world.say(Verb::kStart));
  CHECK(world.rollout.deadline == kMade + 7 * 24h);
  REQUIRE(world.say(Verb::kNext));
  CHECK(world.rollout.deadline == kMade + 30 * 24h);
  world.install(0, 2);
  world.live(8 * 24h);
  CHECK(world.rollout.state == RolloutState::kRunning);
  world.live(23 * 24h);
  CHECK(world.rollout.state == RolloutState::kDone);
  CHECK(!world.rollout.reason.empty());
}

TEST_CASE("pause_after asks once before the next phase, and next opens it early",
          "[rollout][machine]") {
  World world(made());
  world.rollout.phases[0].pause_after = PauseAfter::kYes;
  REQUIRE(world.say(Verb::kStart));
  world.install(0, 2);
  world.live(11min);
  world.live(2h);
  for (int i = 0; i < 4; ++i)
    world.look(0);
  world.live(1min);
  CHECK(world.rollout.state == RolloutState::kPaused);
  CHECK(world.say(Verb::kResume));
  world.live(1min);
  CHECK(world.rollout.state == RolloutState::kRunning);
  CHECK(world.rollout.open == 2);
  World early(made());
  REQUIRE(early.say(Verb::kStart));
  CHECK(early.say(Verb::kNext));
  CHECK(early.rollout.open == 2);
  CHECK(!early.say(Verb::kNext));
}

TEST_CASE("evidence quarantines and sends back, and the rollout ends when all are back or stranded",
          "[rollout][machine]") {
  World world(made({}, 5, 3));
  REQUIRE(world.say(Verb::kStart));
  world.install(0, 2);
  REQUIRE(world.tell(2, MemberEvent::kOffered));
  REQUIRE(world.tell(3, MemberEvent::kOffered));
  REQUIRE(world.tell(3, MemberEvent::kBegan));
  const RolloutChange change = rollout_looked(world.rollout, 0, Decision::kHalt, "cpu", world.now);
  CHECK(change.follows == std::vector<Follow>{Follow::kWithdrawOffers, Follow::kQuarantine,
                                              Follow::kWithdrawOffers, Follow::kGoBack});
  world.take(change);
  CHECK(world.rollout.state == RolloutState::kRollingBack);
  CHECK(world.rollout.reason == "cpu");
  CHECK(world.members[0].state == MemberState::kGoingBack);
  CHECK(world.members[2].state == MemberState::kWaiting);
  CHECK(world.members[3].state == MemberState::kUpdating);  // ends first
  CHECK(world.tell(3, MemberEvent::kConfirmed));
  CHECK(world.members[3].state == MemberState::kGoingBack);  // and is told then
  CHECK(world.tell(0, MemberEvent::kCameBack));
  CHECK(world.tell(3, MemberEvent::kCameBack));
  CHECK(!world.tell(4, MemberEvent::kOffered));
  CHECK(world.rollout.state == RolloutState::kRollingBack);
  world.live(24h);
  CHECK(world.members[1].state == MemberState::kStranded);
  CHECK(world.rollout.state == RolloutState::kRolledBack);
  // An operator's halt is no evidence against the release.
  World stopped(made());
  REQUIRE(stopped.say(Verb::kStart));
  const auto halted = rollout_told(stopped.rollout, Verb::kHalt, "eve", "lunch", stopped.now);
  CHECK(halted->follows == std::vector<Follow>{Follow::kWithdrawOffers});
}

TEST_CASE("who made a rollout does not approve it, and who halted it does not resume it",
          "[rollout][machine]") {
  LifeSettings settings;
  settings.approval = Approval::kNeeded;
  World world(made(settings));
  REQUIRE(world.say(Verb::kSubmit, "ada"));
  CHECK(rollout_told(world.rollout, Verb::kApprove, "ada", "", kMade).error().code ==
        Errc::kDenied);
  REQUIRE(world.say(Verb::kApprove, "eve"));
  REQUIRE(world.say(Verb::kStart, "ada"));
  REQUIRE(world.say(Verb::kHalt, "bob"));
  const auto resumed = [&](const std::string& actor, const std::string& reason) {
    return rollout_told(world.rollout, Verb::kResume, actor, reason, kMade);
  };
  CHECK(resumed("ada", "x").error().code == Errc::kDenied);
  CHECK(resumed("bob", "x").error().code == Errc::kDenied);
  CHECK(resumed("eve", "").error().code == Errc::kInvalid);
  CHECK(resumed("eve", "the sensor was broken")->rollout.state == RolloutState::kRunning);
  CHECK(parse_verb("roll-back") == Verb::kRollBack);
  CHECK(parse_rollout_state("rolling-back") == RolloutState::kRollingBack);
  CHECK(parse_member_state("going-back") == MemberState::kGoingBack);
}

TEST_CASE("whatever comes in whatever order, caps hold, ends stay, and a halt is final",
          "[rollout][machine][property]") {
  const std::uint64_t seed = 20261130;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::set<RolloutState> reached;
  for (int round = 0; round < 150; ++round) {
    LifeSettings settings;
    settings.approval = random() % 2 == 0 ? Approval::kNeeded : Approval::kNotNeeded;
    settings.on_halt = random() % 2 == 0 ? OnHalt::kRollBack : OnHalt::kPause;
    const std::uint64_t cap = 3 + random() % 10;
    World world(made(settings, 3, 20, cap));
    world.rollout.groups[1].most = 2;
    for (int step = 0; step < 300; ++step) {
      const Rollout before = world.rollout;
      const std::size_t i = random() % world.members.size();
      const MemberState was = world.members[i].state;
      // Offers are as frequent as all the rest, so that the caps are reached.
      const auto event = random() % 2 == 0 ? MemberEvent::kOffered
                                           : static_cast<MemberEvent>(random() % kMemberEvents);
      bool offered = false;
      bool resumed = false;
      switch (random() % 8) {
        case 0: {
          const auto verb = static_cast<Verb>(random() % (step < 250 ? 7 : 10));
          resumed = world.say(verb, random() % 3 == 0 ? "ada" : "eve") && verb == Verb::kResume;
          break;
        }
        case 1:
          world.live(ota::seconds(random() % (random() % 16 == 0 ? 1'000'000 : 20'000)));
          break;
        case 2:
          if (random() % 12 == 0)
            world.look(static_cast<std::uint32_t>(random() % 2),
                       static_cast<Decision>(random() % 3));
          break;
        case 3: {  // the server starts anew, with the members that it stored
          Rollout again = world.rollout;
          count_again(again, world.members);
          REQUIRE(again.counts.exposed == world.rollout.counts.exposed);
          REQUIRE(again.counts.unproven == world.rollout.counts.unproven);
          REQUIRE(again.counts.waiting == world.rollout.counts.waiting);
          world.rollout = again;
          break;
        }
        default:
          offered = world.tell(i, event) && event == MemberEvent::kOffered;
          if (was == MemberState::kRejected && world.members[i].state != was)
            REQUIRE(world.members[i].state == MemberState::kLeft);
      }
      const Rollout& after = world.rollout;
      reached.insert(after.state);
      REQUIRE(after.counts.unproven <= cap);
      REQUIRE(after.groups[1].unproven <= 2);
      if (offered) REQUIRE(before.state == RolloutState::kRunning);
      if (is_final(before.state)) REQUIRE(after.state == before.state);
      if (before.state == RolloutState::kHalted && !resumed) {
        REQUIRE((after.state == RolloutState::kHalted || after.state > RolloutState::kHalted));
      }
      if (!is_final(after.state)) REQUIRE(after.deadline > WallTime{});
      std::uint64_t confirmed = 0;
      for (const Member& member : world.members) {
        const bool counted =
            member.state == MemberState::kUnproven || member.state == MemberState::kProven;
        if (counted) REQUIRE(member.confirmed > WallTime{});
        confirmed += counted ? 1 : 0;
      }
      REQUIRE(confirmed <= after.counts.exposed);
    }
  }
  CHECK(reached.size() == kRolloutStateWords.size());  // the walk has been everywhere
}
