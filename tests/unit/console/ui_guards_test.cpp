// What keeps an operator from acting on what the screen does not show, or from taking old for new.
#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"
#include "tests/unit/console/desk.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

TEST_CASE("u is for the device of the selected line, not for one selected elsewhere", "[console]") {
  Desk desk;
  desk.type(":device iot-001");
  desk.keys("Enter Esc");
  REQUIRE(desk.ui.state().device == "iot-001");
  const auto asked_for = [&](std::string_view keys) {
    desk.backend.asked.clear();
    desk.keys(keys);
    desk.keys("u Enter");
    const std::string asked = desk.backend.asked.empty() ? "" : desk.backend.asked.front();
    desk.keys("Esc Esc Esc");
    return asked;
  };
  SECTION("in the updates, the selected job's") {
    CHECK(asked_for("4 j").starts_with("preview iot-007 "));
    CHECK(asked_for("4 j").starts_with("preview iot-010 "));
  }
  SECTION("in the log, the selected event's source") {
    CHECK(asked_for("3").starts_with("preview iot-004 "));
    CHECK(asked_for("3 k").starts_with("preview iot-002 "));
  }
  SECTION("of an event of no device, the one selected elsewhere") {
    CHECK(asked_for("3 g").starts_with("preview iot-001 "));
  }
  SECTION("among the agents, the selected one's") {
    desk.keys("1 j");
    REQUIRE(desk.ui.state().device != "iot-001");
    CHECK(asked_for("5").starts_with("preview iot-001 "));
  }
  SECTION("marked devices come first") {
    desk.keys("1 Space");
    const std::string marked = *desk.ui.state().marked.begin();
    CHECK(asked_for("4 j").starts_with("preview " + marked + " "));
  }
}
