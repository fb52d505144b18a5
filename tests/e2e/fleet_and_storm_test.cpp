#include <sstream>

#include "sim/storm.h"
#include "sim/virtual_fleet.h"
#include "tests/e2e/live_world.h"

using namespace ota;
using namespace ota::sim;

TEST_CASE("kills in the middle of updates lose nothing that was acknowledged", "[e2e]") {
  const SystemClock clock;
  for (const Victim victim : {Victim::kServer, Victim::kAgent}) {
    std::ostringstream out;
    StormOptions options;
    options.victim = victim;
    options.rounds = 3;
    options.run.programs = test::programs();
    const StormReport report = run_storm(options, clock, out);
    INFO(out.str());
    CHECK(report.failure.empty());
    CHECK(report.rounds == 3);
  }
}

TEST_CASE("kills while an image is made of a patch are gone on from, by the patch", "[e2e]") {
  const SystemClock clock;
  std::ostringstream out;
  StormOptions options;
  options.victim = Victim::kAgent;
  options.rounds = 3;
  options.states = {"patch-begun", "patch-partial", "patch-whole"};
  options.run.programs = test::programs();
  const StormReport report = run_storm(options, clock, out);
  INFO(out.str() << report.failure);
  CHECK(report.failure.empty());
  CHECK(report.rounds == 3);
  CHECK(report.resumed > 0);
}

TEST_CASE("a virtual fleet sends telemetry, comes back after a cut, gets a push and is updated",
          "[e2e]") {
  const SystemClock clock;
  for (const std::uint32_t connections : {1U, 2U}) {
    std::ostringstream out;
    FleetOptions options;
    options.devices = 40;
    options.rate = connections == 1 ? 1 : 5;
    options.duration = seconds(2);
    options.connections = connections;
    options.run.programs = test::programs();
    const FleetReport report = run_fleet(options, clock, out);
    INFO(fleet_text(report));
    CHECK(report.failure.empty());
    CHECK(report.connected == 40);
    CHECK(report.refused == 0);
    CHECK(report.storm_cut == 38);
    CHECK(report.storm_back == 40);
    CHECK(report.storm_resumed == 38 * connections);
    CHECK(report.pushed == 38);  // one in twenty is stressed, and the gate knows
    CHECK(report.commanded == report.pushed);
    CHECK(report.updated == report.pushed);
  }
}

TEST_CASE("a fleet with more connections than open files is refused with what to do", "[e2e]") {
  const SystemClock clock;
  std::ostringstream out;
  FleetOptions options;
  options.devices = 400'000'000;
  options.run.programs = test::programs();
  const FleetReport report = run_fleet(options, clock, out);
  CHECK(report.failure.find("ulimit -Hn") != std::string::npos);
}
