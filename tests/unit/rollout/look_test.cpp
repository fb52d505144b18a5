#include "rollout/look.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "rollout/levels.h"
#include "tests/support/catch.h"

using namespace ota::rollout;

namespace {

// A look as numbers: devices are added with their changes of cpu, mem, disk and temp.
struct Made {
  std::vector<Subject> subjects;
  std::vector<double> changes;
  std::vector<std::string> models{"a", "b"};
  std::vector<std::string> groups{"", "east", "west"};
  std::uint32_t phase = 0;

  void add(Side side, std::vector<double> change, std::uint32_t model = 0,
           std::uint32_t group = 0) {
    Subject subject;
    subject.model = model;
    subject.group = group;
    subject.side = side;
    subjects.push_back(subject);
    changes.insert(changes.end(), change.begin(), change.end());
  }
  LookFound judge(const JudgeSettings& settings = {}) const {
    return judge_look(settings, {.phase = phase,
                                 .subjects = subjects,
                                 .changes = changes,
                                 .models = models,
                                 .groups = groups});
  }
};

// `controls` of model a around zero, half of them in each group.
Made around_zero(std::uint64_t controls) {
  Made made;
  for (std::uint64_t i = 0; i < controls; ++i) {
    const double change = (static_cast<double>(i) - static_cast<double>(controls) / 2) / 10;
    made.add(Side::kControl, {change, change, change, change}, 0, 1 + i % 2);
  }
  return made;
}

const Evidence* find(const LookFound& found, const std::string& test,
                     const std::string& model = kAllModels) {
  for (const Evidence& evidence : found.evidence) {
    if (evidence.test == test && evidence.model == model) return &evidence;
  }
  return nullptr;
}

Made random_look(std::mt19937_64& random) {
  std::normal_distribution<double> noise(0, 3);
  Made made;
  made.phase = static_cast<std::uint32_t>(random() % 3);
  const auto change = [&] {
    std::vector<double> all;
    for (int i = 0; i < 4; ++i)
      all.push_back(random() % 20 == 0 ? kNoValue : std::round(noise(random) * 4) / 4);
    return all;
  };
  for (std::uint32_t model = 0; model < 2; ++model) {
    for (std::uint64_t i = 0; i < random() % 9; ++i)
      made.add(Side::kUpdated, change(), model, static_cast<std::uint32_t>(random() % 3));
    for (std::uint64_t i = 0; i < 7 + random() % 40; ++i)
      made.add(Side::kControl, change(), model, static_cast<std::uint32_t>(random() % 3));
  }
  for (Subject& subject : made.subjects) {
    for (bool& outcome : subject.outcomes)
      outcome = random() % 10 == 0;
  }
  return made;
}

}  // namespace

TEST_CASE(
    "updated devices above all of their controls halt a rollout, within its margin they do not",
    "[rollout]") {
  Made made = around_zero(20);
  for (int i = 0; i < 5; ++i)
    made.add(Side::kUpdated, {9, 0, 0, 0}, 0, 1 + static_cast<std::uint32_t>(i) % 2);
  const LookFound halt = made.judge();
  CHECK(halt.decision == Decision::kHalt);
  REQUIRE(halt.reason == 0U);
  CHECK(halt.evidence[0].test == "cpu");
  CHECK(halt.evidence[0].p == Approx(1.0 / 53130).epsilon(1e-9));
  CHECK(halt.evidence[0].updated == 5);
  CHECK(*halt.evidence[0].shift == Approx(9.05));
  CHECK(halt.updated == 5);
  CHECK(halt.controls == std::map<std::string, std::uint64_t>{{"a", 20}});

  JudgeSettings wide;
  wide.metrics[0].margin = 20;
  CHECK(made.judge(wide).decision == Decision::kContinue);
  JudgeSettings expected;
  expected.metrics[0].expected = 18;
  CHECK(made.judge(expected).decision == Decision::kContinue);
  JudgeSettings down;
  down.metrics[0].worse = Worse::kDown;
  CHECK(made.judge(down).decision == Decision::kContinue);
}

TEST_CASE("a model with too few controls is left out, and none left is a hold", "[rollout]") {
  Made made = around_zero(8);
  for (int i = 0; i < 5; ++i)
    made.add(Side::kUpdated, {50, 50, 50, 50});
  const LookFound hold = made.judge();
  CHECK(hold.decision == Decision::kHold);
  CHECK(hold.hold == HoldReason::kNoControls);
  CHECK(hold.evidence.empty());
  // Controls of another model are no controls of this one.
  for (int i = 0; i < 30; ++i)
    made.add(Side::kControl, {0, 0, 0, 0}, 1);
  CHECK(made.judge().hold == HoldReason::kNoControls);
  Made nobody = around_zero(20);
  CHECK(nobody.judge().hold == HoldReason::kNoUpdated);
}

TEST_CASE(
    "a look with less than half of the updated devices' data is a hold, unless they are silent",
    "[rollout]") {
  Made made = around_zero(20);
  const double none = kNoValue;
  for (int i = 0; i < 3; ++i)
    made.add(Side::kUpdated, {none, none, none, none});
  for (int i = 0; i < 2; ++i)
    made.add(Side::kUpdated, {0, none, none, none});
  const LookFound hold = made.judge();
  CHECK(hold.decision == Decision::kHold);
  CHECK(hold.hold == HoldReason::kNoData);
  CHECK(hold.with_data == 2);
  Made half = around_zero(20);
  for (int i = 0; i < 4; ++i)
    half.add(Side::kUpdated, {i < 2 ? 0 : none, none, none, none});
  CHECK(half.judge().decision == Decision::kContinue);
  for (Subject& subject : made.subjects)
    subject.outcomes[static_cast<std::size_t>(Outcome::kSilent)] = subject.side == Side::kUpdated;
  const LookFound halt = made.judge();
  CHECK(halt.decision == Decision::kHalt);
  CHECK(halt.evidence[*halt.reason].test == "silent");
  CHECK(halt.evidence[*halt.reason].bad == 5);
}

TEST_CASE("a halt that hangs on one group is a hold that names it", "[rollout]") {
  Made made = around_zero(40);
  for (int i = 0; i < 8; ++i)
    made.add(Side::kUpdated, {9, 0, 0, 0}, 0, 2);
  made.add(Side::kUpdated, {0, 0, 0, 0}, 0, 1);
  const LookFound hold = made.judge();
  CHECK(hold.decision == Decision::kHold);
  CHECK(hold.hold == HoldReason::kOneGroup);
  CHECK(hold.group == "west");
  CHECK(hold.evidence[*hold.reason].test == "cpu");
  // A second group that shows it by itself is no accident of the first.
  for (int i = 0; i < 5; ++i)
    made.add(Side::kUpdated, {9, 0, 0, 0}, 0, 1);
  CHECK(made.judge().decision == Decision::kHalt);
}

TEST_CASE("devices without a group are no group that a halt could hang on", "[rollout]") {
  Made made = around_zero(40);
  for (int i = 0; i < 8; ++i)
    made.add(Side::kUpdated, {9, 0, 0, 0}, 0, 0);
  made.add(Side::kUpdated, {0, 0, 0, 0}, 0, 1);
  CHECK(made.judge().decision == Decision::kHalt);
}

TEST_CASE("where all devices are of one group, or of none, that group may halt", "[rollout]") {
  for (const std::uint32_t group : {0U, 1U}) {
    Made made = around_zero(40);
    for (Subject& subject : made.subjects)
      subject.group = group;
    for (int i = 0; i < 5; ++i)
      made.add(Side::kUpdated, {9, 0, 0, 0}, 0, group);
    CHECK(made.judge().decision == Decision::kHalt);
  }
}

TEST_CASE("one model's fault is found by its own share, all models' by the pooled one",
          "[rollout]") {
  Made made;
  for (std::uint32_t model = 0; model < 2; ++model) {
    for (int i = 0; i < 40; ++i) {
      const double change = (i - 20) / 10.0;
      made.add(Side::kControl, {change, change, change, change}, model);
    }
    for (int i = 0; i < 4; ++i)
      made.add(Side::kUpdated, {0, model == 0 ? 9.0 : 0.0, 0, 9}, model);
  }
  const LookFound found = made.judge();
  CHECK(found.decision == Decision::kHalt);
  REQUIRE(find(found, "mem", "a") != nullptr);
  CHECK(find(found, "mem", "a")->adjusted <= 0.01);
  CHECK(find(found, "mem", "b")->adjusted == 1);
  CHECK(find(found, "temp")->adjusted < find(found, "temp", "a")->adjusted);
  CHECK(find(found, "temp")->updated == 8);
  CHECK(find(found, "cpu")->adjusted == 1);
}

TEST_CASE("a look has no order of devices, and no zero", "[rollout][property]") {
  const std::uint64_t seed = 20261130;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    const Made made = random_look(random);
    const LookFound found = made.judge();
    Made turned = made;
    std::vector<std::size_t> order(made.subjects.size());
    std::iota(order.begin(), order.end(), 0U);
    std::shuffle(order.begin(), order.end(), random);
    // The same for all: a heat wave that every device feels alike, in steps that doubles hold.
    const double heat = std::round(static_cast<double>(random() % 100)) / 4;
    for (std::size_t i = 0; i < order.size(); ++i) {
      turned.subjects[i] = made.subjects[order[i]];
      for (std::size_t j = 0; j < 4; ++j)
        turned.changes[i * 4 + j] = made.changes[order[i] * 4 + j] + heat;
    }
    const LookFound again = turned.judge();
    REQUIRE(again.decision == found.decision);
    REQUIRE(again.hold == found.hold);
    REQUIRE(again.evidence.size() == found.evidence.size());
    for (std::size_t i = 0; i < found.evidence.size(); ++i) {
      REQUIRE(again.evidence[i].test == found.evidence[i].test);
      REQUIRE(again.evidence[i].model == found.evidence[i].model);
      REQUIRE(again.evidence[i].p == found.evidence[i].p);
      REQUIRE(again.evidence[i].shift == found.evidence[i].shift);
    }
  }
}

TEST_CASE("a worse updated device never raises a chance, a worse control never lowers one",
          "[rollout][property]") {
  const std::uint64_t seed = 7;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 300; ++round) {
    Made made = random_look(random);
    const LookFound before = made.judge();
    const std::size_t at = random() % made.subjects.size();
    const bool updated = made.subjects[at].side == Side::kUpdated;
    for (std::size_t j = 0; j < 4; ++j)
      made.changes[at * 4 + j] += 1 + static_cast<double>(random() % 5);
    const LookFound after = made.judge();
    for (const Evidence& evidence : before.evidence) {
      const Evidence* now = find(after, evidence.test, evidence.model);
      REQUIRE(now != nullptr);
      REQUIRE((updated ? now->p <= evidence.p : now->p >= evidence.p));
      REQUIRE(evidence.p >= 0);
      REQUIRE(evidence.p <= 1);
    }
  }
}

TEST_CASE("a rollout without effect halts no more often than its alpha says", "[rollout]") {
  // One look of the canary with everything that it may spend; 2,000 of them.
  const std::uint64_t seed = 42;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::cauchy_distribution<double> noise(0, 1);  // tails as heavy as they come
  JudgeSettings settings;
  settings.alpha = 0.2;
  for (MetricRule& rule : settings.metrics)
    rule.margin = 0;
  int halts = 0;
  for (int round = 0; round < 2000; ++round) {
    Made made;
    for (int i = 0; i < 45; ++i) {
      made.add(i < 8 ? Side::kUpdated : Side::kControl,
               {noise(random), noise(random), noise(random), noise(random)},
               static_cast<std::uint32_t>(i % 2));
    }
    halts += made.judge(settings).decision == Decision::kHalt ? 1 : 0;
  }
  // 0.6 of alpha, half for the canary, a seventh of it: 17 of 2,000 at the most on average.
  CHECK(halts <= 35);
}
