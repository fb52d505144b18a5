// What a headless console writes to standard error, and where it says that it serves.
#include "base/text.h"
#include "tests/e2e/live_world.h"
#include "tests/support/text.h"

using namespace ota;
using test::has;

namespace {

struct Headless {
  test::TempFolder folder;
  SystemClock clock;
  sim::Scenario scenario;
  sim::World world;

  explicit Headless(sim::Scenario wanted)
      : scenario(std::move(wanted)), world({test::programs(), folder.path()}, scenario, clock) {
    REQUIRE(world.prepare().has_value());
    const auto started = world.start_console();
    if (!started) FAIL(started.error().text());
  }

  void wait_for_line(const std::string& words) {
    const auto waited =
        sim::wait_until(world, scenario.patience, [&]() -> std::optional<std::string> {
          const std::string log = world.log_of("console");
          if (has(log, words)) return std::nullopt;
          return "the console says: " + log;
        });
    if (!waited) FAIL(waited.error().text());
  }
};

}  // namespace

TEST_CASE("an IPv6 address is told so that a URL can be made of it", "[e2e]") {
  sim::Scenario scenario = test::two_devices();
  scenario.console = Json{{"listen", {{"address", "::"}, {"port", 0}}}};
  Headless headless(scenario);
  headless.wait_for_line("ready https://[::]:");
}

TEST_CASE("the log of a headless console goes on after its clock was set back", "[e2e]") {
  sim::Scenario scenario = test::two_devices();
  scenario.steps.push_back({.kind = "move-clock", .keys = Json::object()});
  Headless headless(scenario);
  headless.wait_for_line("serving on");
  REQUIRE(headless.world.clocks().move("console", -std::chrono::hours(5)).has_value());
  headless.wait_for_line(" clock.jump: ");
}
