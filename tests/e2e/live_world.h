// The real programs over a root of their own, for tests of otactl: a stable and a stressed device.
#pragma once

#include <poll.h>

#include <filesystem>
#include <string>
#include <vector>

#include "sim/runner.h"
#include "sim/steps/common.h"
#include "sim/world.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace ota::test {

// The programs lie beside this test program.
inline std::filesystem::path programs() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

inline sim::Scenario two_devices() {
  sim::Scenario scenario;
  scenario.name = "two devices";
  scenario.patience = milliseconds(20000);
  for (const char* id : {"iot-001", "iot-002"}) {
    sim::ScenarioDevice device;
    device.id = id;
    device.interval_ms = 100;
    device.profile = scenario.devices.empty() ? "stable" : "stressed";
    scenario.devices.push_back(device);
  }
  return scenario;
}

struct LiveWorld {
  TempFolder folder;
  SystemClock clock;
  sim::Scenario scenario;
  sim::World world{{programs(), folder.path()}, scenario, clock};

  explicit LiveWorld(sim::Scenario wanted = two_devices()) : scenario(std::move(wanted)) {
    REQUIRE(world.prepare().has_value());
    started(world.start_console());
  }

  static void started(const Result<void>& done) {
    if (!done) FAIL(done.error().text());
  }

  void start_agents() {
    started(world.start_agent("iot-001"));
    started(world.start_agent("iot-002"));
    wait_for("iot-001", "verdict", "stable");
    wait_for("iot-002", "verdict", "critical");
  }

  void wait_for(const std::string& device, const std::string& field, const std::string& value) {
    const auto waited =
        sim::wait_until(world, scenario.patience, [&]() -> std::optional<std::string> {
          const auto answer = world.device(device);
          if (!answer) return answer.error().text();
          const std::string found = sim::field_of(*answer, field);
          if (found == value) return std::nullopt;
          return device + ": " + field + " is " + found;
        });
    if (!waited) FAIL(waited.error().text());
  }

  sim::World::Said otactl(std::vector<std::string> arguments) {
    auto said = world.otactl(std::move(arguments));
    if (!said) FAIL(said.error().text());
    INFO(said->output);
    return *said;
  }
};

}  // namespace ota::test
