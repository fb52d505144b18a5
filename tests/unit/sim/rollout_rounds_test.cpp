#include "sim/rollout_rounds.h"

#include <set>
#include <sstream>

#include "rollout/recording.h"
#include "tests/support/catch.h"

using namespace ota::sim;

namespace {

RolloutRounds small(const char* fault) {
  RolloutRounds rounds;
  rounds.fault = find_rollout_fault(fault)->fault;
  rounds.rounds = 1;
  rounds.devices = 60;
  return rounds;
}

}  // namespace

TEST_CASE(
    "a simulated rollout that is recorded is judged by otactl as it was judged while it lived",
    "[sim][rollout]") {
  std::string recording;
  RolloutRunOptions options;
  options.fault = find_rollout_fault("crash-loop")->fault;
  options.record = [&](std::string_view row) { recording += row; };
  RolloutWorldOptions world;
  world.devices = 40;
  const RolloutResult lived = run_rollout(world, HaltRule::kJudge, options);
  std::istringstream in(recording);
  ota::rollout::RecordingOptions reading;
  reading.write = [](std::string_view) {};
  const auto summary = ota::rollout::judge_recording(in, reading);
  if (!summary) FAIL(summary.error().text());
  CHECK(summary->looks == lived.looks);
  CHECK(static_cast<double>(summary->offered) / world.devices == Approx(lived.exposed));
  REQUIRE(lived.halted);
  REQUIRE(summary->halted);
  const auto start = std::chrono::sys_days{std::chrono::year(2026) / 3 / 4};
  CHECK(*summary->halted == start + std::chrono::minutes(*lived.halted));
}

TEST_CASE("the same seed simulates the same rollouts", "[sim][rollout]") {
  const RolloutReport one = run_rollout_rounds(small("crash-loop"));
  const RolloutReport two = run_rollout_rounds(small("crash-loop"));
  CHECK(one.judge.text() == two.judge.text());
  CHECK(one.judge.halted == 1);
  CHECK(one.hawkbit.text() == two.hawkbit.text());
  CHECK(one.count.text() == two.count.text());
}

TEST_CASE("a share and a quantile come with the interval that their number allows",
          "[sim][rollout]") {
  // Clopper, Pearson 1934, as any table of it has them.
  CHECK(share_with_interval(0, 100) == "0 of 100, 0 % (0.00 to 3.62)");
  CHECK(share_with_interval(60, 60) == "60 of 60, 100 % (94.04 to 100.00)");
  CHECK(share_with_interval(12, 60) == "12 of 60, 20 % (10.78 to 32.33)");
  std::vector<double> hundred;
  for (int i = 1; i <= 100; ++i)
    hundred.push_back(i);
  CHECK(quantile_with_interval(hundred, 0.5, 0) == "50 (40 to 61)");
  CHECK(quantile_with_interval({}, 0.5, 0) == "-");
}

TEST_CASE("each fault of a simulated rollout has a name and a word", "[sim][rollout]") {
  std::set<std::string_view> names;
  for (const RolloutFaultKind& kind : rollout_faults()) {
    CHECK(!kind.help.empty());
    CHECK(names.insert(kind.name).second);
  }
  CHECK(names.contains("none"));
  CHECK(find_rollout_fault("no such") == nullptr);
}
