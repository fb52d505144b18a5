#include "rollout/plan.h"

#include <set>

#include "tests/support/catch.h"

using namespace ota::rollout;
using namespace std::chrono_literals;
using ota::Errc;

namespace {

// The fleet of the reference's screen: 150 and 47 devices of two models on four sites.
std::vector<PlanDevice> two_models(std::size_t a = 150, std::size_t b = 47) {
  std::vector<PlanDevice> devices;
  for (std::size_t i = 0; i < a + b; ++i) {
    PlanDevice device;
    device.device = {"iot-" + std::to_string(i), i < a ? "sim-a" : "sim-b", "2.1.5",
                     i % 4 == 3 ? "" : "site-" + std::to_string(i % 4), WayBack::kYes};
    device.bytes = 4U << 20U;
    devices.push_back(device);
  }
  return devices;
}

}  // namespace

TEST_CASE("a plan has canary and phases, and says what each can be judged by", "[rollout][plan]") {
  auto devices = two_models();
  devices.push_back({{"iot-x", "sim-c", "1", "", WayBack::kYes}, "Wrong Hardware", "", 0});
  devices[3].waits = "Maintenance Window Closed";
  devices[4].device.way_back = WayBack::kNone;
  const auto plan = make_plan("ro-000007", devices, {});
  REQUIRE(plan.has_value());
  REQUIRE(plan->phases.size() == 4);
  CHECK(plan->devices == 197);
  CHECK(plan->bytes == 197ULL << 22U);
  CHECK(plan->left_out == std::map<std::string, std::uint64_t>{{"Wrong Hardware", 1}});
  CHECK(plan->waiting == std::map<std::string, std::uint64_t>{{"Maintenance Window Closed", 1}});
  CHECK(plan->no_way_back == 1);
  const auto& phases = plan->phases;
  CHECK(phases[0].name == "canary");
  CHECK(phases[3].name == "4 rest");
  CHECK(phases[0].members.size() == 8);
  CHECK(phases[1].members.size() == 2);
  CHECK(phases[2].members.size() == 40);
  CHECK(phases[3].members.size() == 147);
  CHECK(phases[0].exposed_percent == Approx(4.06).epsilon(0.01));
  CHECK(phases[0].models.at("sim-a").devices == 4);
  CHECK(phases[0].models.at("sim-b").devices == 4);
  CHECK(phases[0].models.at("sim-a").controls == 146);
  CHECK(phases[0].models.at("sim-b").controls == 43);
  CHECK(phases[0].can_judge == CanJudge::kBehaviour);
  CHECK(phases[2].can_judge == CanJudge::kBehaviour);
  CHECK(phases[3].can_judge == CanJudge::kOutcomes);  // nobody is left to compare with
  CHECK(plan->most_unproven == 49);
  CHECK(plan->most_unproven_of_group.at("site-0") == 25);
  CHECK(plan->earliest_end == 4 * 10min + 4h + 8h + 24h + 24h);
  REQUIRE(plan->failures_that_halt.size() == 3);
  CHECK((plan->failures_that_halt[0].failed == 2 && plan->failures_that_halt[0].of == 2));
  CHECK((plan->failures_that_halt[1].failed == 3 && plan->failures_that_halt[1].of == 6));
  CHECK((plan->failures_that_halt[2].failed == 4 && plan->failures_that_halt[2].of == 14));
  std::set<std::size_t> members;
  for (const PlannedPhase& phase : phases)
    members.insert(phase.members.begin(), phase.members.end());
  CHECK(members.size() == 197);
}

TEST_CASE("the smallest fleets are told before the start what cannot be judged",
          "[rollout][plan]") {
  const auto first = [](std::size_t devices) {
    return make_plan("ro-000001", two_models(devices, 0), {})->phases.front();
  };
  CHECK(first(18).can_judge == CanJudge::kOutcomes);  // 5 canaries want 14 controls
  CHECK(first(19).can_judge == CanJudge::kBehaviour);
  PlanSettings three;
  three.canary.least = 3;
  three.canary.per_model = 0;
  const auto of_three = [&](std::size_t devices) {
    return make_plan("ro-000001", two_models(devices, 0), three)->phases.front();
  };
  CHECK(of_three(39).can_judge == CanJudge::kOutcomes);
  CHECK(of_three(40).can_judge == CanJudge::kBehaviour);
  three.judge.max_controls = 36;  // more are not looked at
  CHECK(of_three(200).can_judge == CanJudge::kOutcomes);
  three.judge.max_controls = 37;
  CHECK(of_three(200).can_judge == CanJudge::kBehaviour);
  // Phases that would have nobody are none, and the canary may be everybody.
  CHECK(make_plan("ro-000001", two_models(5, 0), {})->phases.size() == 1);
  CHECK(make_plan("ro-000001", two_models(10, 0), {})->phases.size() == 2);
}

TEST_CASE("a cap on unproven devices is the smallest of its keys, and at least the canary",
          "[rollout][plan]") {
  PlanSettings settings;
  settings.max_unproven = 20;
  CHECK(make_plan("ro-000001", two_models(), settings)->most_unproven == 20);
  settings.max_unproven = 3;
  CHECK(make_plan("ro-000001", two_models(), settings)->most_unproven == 8);
  settings.max_unproven.reset();
  settings.max_unproven_percent = 1;
  CHECK(make_plan("ro-000001", two_models(), settings)->most_unproven == 8);
}

TEST_CASE("a plan over nobody, and phases that do not add up, are refused in words",
          "[rollout][plan]") {
  CHECK(make_plan("ro-000001", {}, {}).error().context == "a plan over nobody");
  auto nobody = two_models(2, 0);
  for (PlanDevice& device : nobody)
    device.left_out = "Not Enrolled";
  CHECK(make_plan("ro-000001", nobody, {}).error().context ==
        "a plan over nobody: all are left out");
  const auto problem = [](std::string_view text) {
    const auto phases = parse_phases(text);
    REQUIRE(phases.has_error());
    CHECK(phases.error().code == Errc::kInvalid);
    return phases.error().context;
  };
  CHECK(problem("5%:8h,25%:24h") == "phases: they end at 25 %, and not at 100 %");
  CHECK(problem("25%:8h,5%:8h,100%").find("phases: 5 % after 25 %") == 0);
  CHECK(problem("5%:8h,120%").find("phases: 120 % after 5 %") == 0);
  CHECK(problem("5%:1s,100%").find("phases: the watch after 5 %") == 0);
  CHECK(problem("5:8h") == "'5:8h' is no phase such as 25%:24h");
  CHECK(problem("x%") == "'x%' is no phase such as 25%:24h");
  CHECK(problem("5%8h") == "'5%8h' is no phase such as 25%:24h");
  CHECK(problem("").find("is no phase") != std::string::npos);
  const auto shipped = parse_phases("5%:8h,25%:24h,100%");
  REQUIRE(shipped.has_value());
  CHECK(shipped->size() == 3);
  CHECK((*shipped)[0].watch == 8h);
  CHECK((*shipped)[2].watch == 24h);
  CHECK(parse_phases("100%:30m").has_value());
}
