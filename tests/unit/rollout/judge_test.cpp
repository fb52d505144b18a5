#include "rollout/judge.h"

#include <algorithm>

#include "tests/support/catch.h"

using namespace ota::rollout;
using namespace std::chrono_literals;
using ota::WallTime;

namespace {

const WallTime kStart{std::chrono::sys_days{std::chrono::year(2026) / 3 / 4}};

// A rollout of one model and one metric, minute by minute: device i stands at 20 + i.
class World {
 public:
  explicit World(std::size_t devices, JudgeSettings settings = one_metric())
      : judge_(std::move(settings), cohort_of(devices), [this](const Report& report) {
          if (const auto* look = std::get_if<LookReport>(&report)) looks.push_back(*look);
          if (const auto* failures = std::get_if<FailureReport>(&report)) failed = *failures;
        }) {}

  static JudgeSettings one_metric() {
    JudgeSettings settings;
    settings.metrics = {{"cpu", Worse::kUp, 2, 0}};
    return settings;
  }
  static Cohort cohort_of(std::size_t devices) {
    Cohort cohort;
    cohort.start = kStart;
    cohort.phases = 2;
    cohort.models = {"a"};
    cohort.columns = {{0U, 90}};
    for (std::size_t i = 0; i < devices; ++i)
      cohort.devices.push_back({"d" + std::to_string(i), 0, 0});
    return cohort;
  }

  // Runs on to `until`, which is not lived yet. `silent` devices send nothing.
  void run(WallTime until, const std::vector<std::size_t>& silent = {}, double shift = 0,
           std::size_t shifted = 0) {
    for (; now < until; now += kMinute) {
      judge_.advance(now);
      for (std::size_t i = 0; i < judge_.cohort().devices.size(); ++i) {
        if (std::find(silent.begin(), silent.end(), i) != silent.end()) continue;
        const double value = 20 + static_cast<double>(i) + (i < shifted ? shift : 0);
        REQUIRE(judge_.minute(i, {&value, 1}).has_value());
      }
    }
    judge_.advance(now);
  }
  void offer(std::size_t from, std::size_t to, std::uint32_t phase = 0) {
    for (std::size_t i = from; i < to; ++i)
      REQUIRE(judge_.offered(i, phase).has_value());
  }
  void confirm(std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      REQUIRE(judge_.confirmed(i).has_value());
  }
  Judge& judge() { return judge_; }

  WallTime now = kStart - 50h;
  std::vector<LookReport> looks;
  std::optional<FailureReport> failed;

 private:
  Judge judge_;
};

std::uint64_t bad_of(const LookReport& look, const std::string& test) {
  for (const Evidence& evidence : look.found.evidence) {
    if (evidence.test == test) return evidence.bad;
  }
  return 999;
}

}  // namespace

TEST_CASE("a ready phase has its seven looks, each at twice the age of the one before",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.run(kStart + 3min);
  world.confirm(0, 4);  // four of five have ended: 80 %
  world.run(kStart + 20h);
  REQUIRE(world.looks.size() == 7);
  ota::seconds age = 15min;
  for (std::size_t i = 0; i < 7; ++i) {
    CHECK(world.looks[i].at == kStart + 10min + age);  // ready ten minutes after the last offer
    CHECK(world.looks[i].age == age);
    CHECK(world.looks[i].look == i + 1);
    CHECK(world.looks[i].found.updated == 4);
    CHECK(world.looks[i].found.controls.at("a") == 20);
    CHECK(world.looks[i].found.decision == Decision::kContinue);
    age *= 2;
  }
}

TEST_CASE("a phase is not ready before one device is confirmed and 80 % have ended",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.run(kStart + 1h);
  world.confirm(0, 3);
  world.run(kStart + 2h);
  CHECK(world.looks.empty());
  world.confirm(3, 4);
  world.run(kStart + 2h + 16min);
  REQUIRE(world.looks.size() == 1);
  CHECK(world.looks[0].at == kStart + 2h + 15min);

  World nobody(25);
  nobody.run(kStart);
  nobody.offer(0, 1);
  nobody.run(kStart + 1min);
  REQUIRE(nobody.judge().failed(0).has_value());
  nobody.run(kStart + 2h);
  CHECK(nobody.looks.empty());
}

TEST_CASE("a look at t is held with the first word of t or later, and sees nothing of it",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 25min);
  REQUIRE(world.looks.size() == 1);
  CHECK(world.looks[0].at == kStart + 25min);
  // Devices are judged from five minutes after they confirmed to the window's beginning.
  World late(25);
  late.run(kStart);
  late.offer(0, 5);
  late.confirm(0, 4);
  late.run(kStart + 12min + 1min);
  late.confirm(4, 5);  // the window begins at 17:30
  late.run(kStart + 25min);
  REQUIRE(late.looks.size() == 1);
  CHECK(late.looks[0].found.updated == 4);
  late.run(kStart + 40min);
  CHECK(late.looks[1].found.updated == 5);
}

TEST_CASE("a change is held against the same hours of the days before", "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 40min, {}, 15, 5);
  REQUIRE(world.looks.size() == 1);
  CHECK(world.looks[0].found.decision == Decision::kHalt);
  CHECK(*world.looks[0].found.evidence[0].shift == Approx(15));
  CHECK(world.judge().halted() == kStart + 25min);
  // A halt is final: nothing is looked at after it.
  world.run(kStart + 10h);
  CHECK(world.looks.size() == 1);
}

TEST_CASE("where nobody has a day of history the hour before the start stands in for all",
          "[rollout][judge]") {
  World world(25);
  world.now = kStart - 1h;
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 26min, {}, 15, 5);
  REQUIRE(world.looks.size() == 1);
  CHECK(*world.looks[0].found.evidence[0].shift == Approx(15));
  CHECK(world.looks[0].found.decision == Decision::kHalt);

  World none(25);
  none.now = kStart;
  none.run(kStart + 1min);
  none.offer(0, 5);
  none.confirm(0, 5);
  none.run(kStart + 27min, {}, 15, 5);
  REQUIRE(none.looks.size() == 1);
  CHECK(none.looks[0].found.hold == HoldReason::kNoData);
}

TEST_CASE("restarts count from when a device has settled, and three of them are a loop",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 4min);
  for (int i = 0; i < 3; ++i)
    world.judge().booted(0);  // not settled: the update's own
  world.run(kStart + 12min);
  world.judge().booted(1);
  world.run(kStart + 14min);
  for (int i = 0; i < 3; ++i)
    world.judge().booted(2);
  world.run(kStart + 25min);
  REQUIRE(world.looks.size() == 1);
  CHECK(bad_of(world.looks[0], "restart") == 2);
  CHECK(bad_of(world.looks[0], "restart-loop") == 1);
  world.run(kStart + 40min);
  CHECK(bad_of(world.looks[1], "restart") == 2);  // the half hour before 40 reaches back to 10
  world.run(kStart + 70min);
  CHECK(bad_of(world.looks[2], "restart") == 2);
  world.run(kStart + 130min);
  CHECK(bad_of(world.looks[3], "restart") == 2);
  world.run(kStart + 250min);
  CHECK(bad_of(world.looks[4], "restart") == 2);
}

TEST_CASE("a device is silent a quarter of an hour after its last minute", "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 10min);
  world.run(kStart + 11min, {0});     // device 0 was heard at 9
  world.run(kStart + 25min, {0, 1});  // device 1 at 10, the first minute of the quarter
  REQUIRE(world.looks.size() == 1);
  CHECK(bad_of(world.looks[0], "silent") == 1);
}

TEST_CASE("critical is five minutes in a row at a limit, and a gap begins the row anew",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 10min);
  world.run(kStart + 14min, {}, 70, 1);  // four at 90, a gap, four more
  world.run(kStart + 15min, {0});
  world.run(kStart + 19min, {}, 70, 1);
  world.run(kStart + 25min);
  REQUIRE(world.looks.size() == 1);
  CHECK(bad_of(world.looks[0], "critical") == 0);
  world.run(kStart + 33min);
  world.run(kStart + 38min, {}, 70, 1);
  world.run(kStart + 40min);
  CHECK(bad_of(world.looks[1], "critical") == 1);
  world.run(kStart + 70min);
  CHECK(bad_of(world.looks[2], "critical") == 0);
}

TEST_CASE("minutes that were left out are no readings, also a turn of the memory later",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  // The last look's window is 8 to 16 hours after it was ready; device 0 is gone for all of it but
  // its ring holds the eight hours before.
  world.run(kStart + 8h);
  world.run(kStart + 17h, {0});
  REQUIRE(world.looks.size() == 7);
  CHECK(world.looks[6].found.with_data == 4);
  CHECK(world.looks[5].found.with_data == 5);
}

TEST_CASE("a phase with devices of earlier ones judges them all, and controls are those that wait",
          "[rollout][judge]") {
  World world(40);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 2h);
  world.offer(5, 15, 1);
  world.confirm(5, 15);
  world.run(kStart + 2h + 26min);
  const LookReport& look = world.looks.back();
  CHECK(look.phase == 1);
  CHECK(look.at == kStart + 2h + 25min);
  CHECK(look.found.updated == 15);
  CHECK(look.found.controls.at("a") == 25);
}

TEST_CASE("looks that fall due together are held in the order of their phases",
          "[rollout][judge]") {
  World world(40);
  world.run(kStart);
  world.offer(5, 10, 1);
  world.offer(0, 5, 0);
  world.confirm(0, 10);
  world.run(kStart + 26min);
  REQUIRE(world.looks.size() == 2);
  CHECK(world.looks[0].phase == 0);
  CHECK(world.looks[1].phase == 1);
  CHECK(world.looks[0].at == world.looks[1].at);
}

TEST_CASE("failures halt at once, in whichever phase they come", "[rollout][judge]") {
  World world(40);
  world.run(kStart);
  world.offer(0, 6);
  world.confirm(0, 3);
  REQUIRE(world.judge().failed(3).has_value());
  REQUIRE(world.judge().failed(4).has_value());
  CHECK(!world.failed);
  REQUIRE(world.judge().failed(5).has_value());
  REQUIRE(world.failed);
  CHECK(world.failed->failed == 3);
  CHECK(world.failed->ended == 6);
  CHECK(world.failed->evidence == Approx(968));
  CHECK(world.judge().halted() == kStart);
}

TEST_CASE("who falls back after its confirmation is a failure and no longer on the release",
          "[rollout][judge]") {
  World world(25);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 5min);
  REQUIRE(world.judge().failed(0).has_value());
  world.run(kStart + 30min);
  REQUIRE(world.looks.size() == 1);
  CHECK(world.looks[0].found.updated == 4);
  CHECK(!world.judge().failed(0).has_value());
  // It may be offered again, and is no control meanwhile.
  world.offer(0, 1);
  world.confirm(0, 1);
  CHECK(world.judge().offered() == 5);
  CHECK(!world.judge().offered(1, 1).has_value());
}

TEST_CASE(
    "at most so many controls of a model are looked at, the same ones in any order of devices",
    "[rollout][judge]") {
  JudgeSettings few = World::one_metric();
  few.max_controls = 10;
  World world(40, few);
  world.run(kStart);
  world.offer(0, 5);
  world.confirm(0, 5);
  world.run(kStart + 25min);
  CHECK(world.looks[0].found.controls.at("a") == 10);

  // Of two rollouts over the same devices each has controls of its own.
  const auto shift_of = [](const std::string& id, bool turned) {
    JudgeSettings settings = World::one_metric();
    settings.max_controls = 10;
    settings.metrics[0].margin = 0;
    Cohort cohort = World::cohort_of(40);
    cohort.id = id;
    if (turned) std::reverse(cohort.devices.begin(), cohort.devices.end());
    double p = 0;
    Judge judge(settings, cohort, [&](const Report& report) {
      p = *std::get<LookReport>(report).found.evidence[0].shift;
    });
    const auto place = [&](std::size_t i) { return turned ? 39 - i : i; };
    for (WallTime now = kStart - 1h; now < kStart + 26min; now += kMinute) {
      judge.advance(now);
      for (std::size_t i = 0; i < 40; ++i) {
        if (now == kStart && i < 5) {
          REQUIRE(judge.offered(place(i), 0).has_value());
          REQUIRE(judge.confirmed(place(i)).has_value());
        }
        const double value = now < kStart ? 20 : 20 + static_cast<double>(i * i % 41);
        REQUIRE(judge.minute(place(i), {&value, 1}).has_value());
      }
    }
    return p;
  };
  CHECK(shift_of("ro-000001", false) == shift_of("ro-000001", true));
  CHECK(shift_of("ro-000001", false) != shift_of("ro-000002", false));
}
