// What a start of the console has to cope with: a full disk, a first run that was cut off.
#include <signal.h>

#include "base/file.h"
#include "base/text.h"
#include "model/sample_image.h"
#include "tests/e2e/live_world.h"
#include "tests/support/text.h"

using namespace ota;
using test::has;

namespace {

sim::Scenario one_device_on_a_small_disk() {
  sim::Scenario scenario = test::two_devices();
  scenario.devices.pop_back();
  scenario.steps.push_back({.kind = "fill-disk", .keys = Json{{"state", "full"}}});
  return scenario;
}

struct SmallDiskWorld : test::LiveWorld {
  SmallDiskWorld() : LiveWorld(one_device_on_a_small_disk()) {}

  bool can_fill() const { return world.state_disk() != nullptr; }
  // Serves, says that nothing is saved, and starts no update.
  void check_serves_unsaved() {
    started(world.start_console());
    wait_for("iot-001", "online", "true");
    wait_for("iot-001", "verdict", "stable");
    CHECK(has(otactl({"status"}).output, "State: NOT SAVED"));
    CHECK(has(otactl({"push", "iot-001"}).output, "State Not Saved"));
    CHECK(has(otactl({"logs"}).output, "iot-001 is enrolled"));
  }
  void check_mends() {
    const auto saved =
        sim::wait_until(world, scenario.patience, [&]() -> std::optional<std::string> {
          const std::string status = otactl({"status"}).output;
          return has(status, "State: saved") ? std::nullopt : std::optional(status);
        });
    if (!saved) FAIL(saved.error().text());
    CHECK(has(otactl({"push", "iot-001", "--wait"}).output, "SUCCESS"));
    CHECK(otactl({"audit", "verify"}).status == 0);
  }
};

}  // namespace

TEST_CASE("a console that starts on a full disk serves, says so, and mends", "[e2e]") {
  SmallDiskWorld live;
  if (!live.can_fill()) {
    WARN("only root can mount a disk to fill; not tried");
    return;
  }
  live.started(live.world.start_agent("iot-001"));
  live.wait_for("iot-001", "verdict", "stable");
  REQUIRE(live.world.state_disk()->fill().has_value());
  const bool killed = GENERATE(true, false);
  if (killed) {
    REQUIRE(live.world.signal("console", SIGKILL).has_value());
  } else {
    REQUIRE(live.world.stop("console").has_value());
  }
  live.check_serves_unsaved();
  REQUIRE(live.world.state_disk()->make_room().has_value());
  live.check_mends();
}

TEST_CASE("samples that a first run left unpublished are published, and none that was removed",
          "[e2e]") {
  test::LiveWorld live;
  for (const char* version : {"2.1.4", "2.1.5"})
    REQUIRE(live.otactl({"firmware", "remove", version, "--yes"}).status == 0);
  REQUIRE(live.world.stop("console").has_value());
  REQUIRE(write_file_durably(live.world.root() / "state" / "firmware-2.1.4.img",
                             model::sample_image(model::Version(2, 1, 4))));
  live.started(live.world.start_console());
  const std::string list = live.otactl({"firmware", "list"}).output;
  CHECK(has(list, "2.1.4"));
  CHECK_FALSE(has(list, "2.1.5"));
  CHECK_FALSE(std::filesystem::exists(live.world.root() / "state" / "firmware-2.1.4.img"));
}
