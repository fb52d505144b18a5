#include "config/demonstration.h"

#include "base/json_numbers.h"
#include "config/config.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::config;

TEST_CASE("the demonstration is what is shipped, added to what stands there", "[config]") {
  const auto files =
      with_demonstration(R"({"store": {"url": "sqlite:state/mine.db"}, "listen": {"port": 9000}})",
                         R"({"devices": []})");
  REQUIRE(files.has_value());
  const auto console = parse_console(files->console, "console.json");
  REQUIRE(console.ok());
  CHECK(console.value.store_url == "sqlite:state/mine.db");
  CHECK(console.value.port == 9000);
  const auto shipped = parse_console(*default_file("console.json"), "console.json");
  CHECK(console.value.agents == shipped.value.agents);
  CHECK_FALSE(shipped.value.agents.empty());
  CHECK(files->console.find("store") < files->console.find("listen"));  // in the operator's order
  const auto devices = parse_whitelist(files->devices, "devices.json");
  REQUIRE(devices.ok());
  CHECK(devices.value.devices ==
        parse_whitelist(*default_file("devices.json"), "devices.json").value.devices);
}

TEST_CASE("an agent that is configured already stays as it is", "[config]") {
  const auto files = with_demonstration(
      R"({"agents": [{"id": "gate-7", "dir": "a/gate-7"}, {"id": "iot-002", "dir": "mine"}]})",
      R"({"devices": []})");
  REQUIRE(files.has_value());
  const auto console = parse_console(files->console, "console.json");
  REQUIRE(console.ok());
  REQUIRE(console.value.agents.size() == 4);
  CHECK(console.value.agents[0].id == "gate-7");
  CHECK(console.value.agents[1].dir == "mine");
  CHECK(console.value.agents[2].id == "iot-001");
}

TEST_CASE("a fleet that has a device, and a wrong file, get no demonstration", "[config]") {
  const std::string own = R"({"devices": [{"id": "gate-7", "hardware": "rpi4"}]})";
  const auto listed = with_demonstration("{}", own);
  REQUIRE_FALSE(listed.has_value());
  CHECK(listed.error().code == Errc::kConflict);
  const auto wrong_console =
      with_demonstration(R"({"listen": {"port": 70000}})", R"({"devices": []})");
  REQUIRE_FALSE(wrong_console.has_value());
  CHECK(wrong_console.error().code == Errc::kInvalid);
  CHECK(wrong_console.error().text().find("config/console.json:1:") != std::string::npos);
  const auto wrong_devices = with_demonstration("{}", "{\"devices\": [");
  REQUIRE_FALSE(wrong_devices.has_value());
  CHECK(wrong_devices.error().text().find("config/devices.json:1:") != std::string::npos);
}
