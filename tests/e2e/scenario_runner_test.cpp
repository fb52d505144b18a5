#include <sstream>

#include "tests/e2e/live_world.h"

using namespace ota;
using namespace ota::sim;

namespace {

RunOptions options_with(std::uint64_t seed) {
  RunOptions options;
  options.programs = test::programs();
  options.seed = seed;
  return options;
}

Scenario happy_path() {
  auto scenario = parse_scenario(R"({"name":"happy","description":"d",
      "devices":[{"id":"iot-001"}],
      "steps":[{"do":"start","what":["console","agents"]},
               {"do":"wait-until","device":"iot-001","field":"verdict","value":"stable"},
               {"do":"push","devices":"iot-001","expect":"SUCCESS: Update to v2.1.5 initiated",
                "end":"succeeded"},
               {"do":"wait-until","device":"iot-001","field":"verdict","value":"stable"}]})");
  REQUIRE(scenario.has_value());
  return *scenario;
}

}  // namespace

TEST_CASE("the same scenario and seed give the same trace of events", "[e2e]") {
  const SystemClock clock;
  std::ostringstream out;
  const Scenario scenario = happy_path();
  const RunReport first = run_scenario(scenario, options_with(7), clock, out);
  const RunReport second = run_scenario(scenario, options_with(7), clock, out);
  INFO(out.str());
  CHECK(first.passed);
  CHECK(first.trace.size() > 5);
  CHECK(first.trace == second.trace);
}

TEST_CASE("a broken expectation fails the scenario and says what was found", "[e2e]") {
  const SystemClock clock;
  std::ostringstream out;
  Scenario scenario = happy_path();
  scenario.steps.push_back(
      {"expect", Json{{"device", "iot-001"}, {"field", "version"}, {"value", "9.9.9"}}});
  const RunReport report = run_scenario(scenario, options_with(1), clock, out);
  CHECK_FALSE(report.passed);
  CHECK(report.failure.find("version is '2.1.5', expected: is '9.9.9'") != std::string::npos);
  CHECK(out.str().find("[OTA] Updated to v2.1.5") != std::string::npos);  // the agent's last lines
  CHECK(verdict_line(scenario, report).starts_with("FAIL happy (4 steps, "));
}
