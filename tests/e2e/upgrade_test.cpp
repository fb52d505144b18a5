// The real programs over the state that the first release left.
#include "base/file.h"
#include "tests/e2e/live_world.h"
#include "tests/support/released_state.h"
#include "tests/support/text.h"

using namespace ota;
using test::has;
using test::LiveWorld;

namespace {

// A world whose root is the released one's, before its console starts.
struct ReleasedWorld {
  test::TempFolder folder;
  SystemClock clock;
  sim::Scenario scenario = test::two_devices();
  sim::World world{{test::programs(), folder.path()}, scenario, clock};

  ReleasedWorld() {
    REQUIRE(world.prepare().has_value());
    test::copy_released_state(folder.path());
    LiveWorld::started(world.start_console());
  }
  sim::World::Said otactl(std::vector<std::string> arguments) {
    auto said = world.otactl(std::move(arguments));
    if (!said) FAIL(said.error().text());
    return *said;
  }
};

}  // namespace

TEST_CASE("the first release's state is served, its log closed and signed as a tree",
          "[e2e][upgrade]") {
  ReleasedWorld it;
  const auto devices = it.otactl({"devices"});
  for (const char* id : {"iot-001", "iot-002", "iot-003", "iot-004"})
    CHECK(has(devices.output, id));
  CHECK(has(it.otactl({"device", "iot-003"}).output, "revoked"));
  CHECK(has(it.otactl({"jobs"}).output, "rolled-back"));
  const auto log = it.otactl({"logs", "--json"});
  CHECK(has(log.output, "audit.from-chain"));
  CHECK_FALSE(has(log.output, "audit.cut"));
  CHECK_FALSE(has(log.output, "audit.no-head"));
  const auto verified = it.otactl({"audit", "verify"});
  INFO(verified.output);
  CHECK(verified.status == 0);
  // The head that the release signed was kept elsewhere: the log still goes on from it.
  const std::string head = "tests/fixtures/released-1/state/audit-head.json";
  CHECK(it.otactl({"audit", "verify", "--head", head}).status == 0);
  const std::string proof = (it.folder.path() / "first.tlog-proof").string();
  const std::string key = (it.folder.path() / "state/audit-log.vkey").string();
  CHECK(it.otactl({"audit", "prove", "1", "--out", proof}).status == 0);
  CHECK(it.otactl({"audit", "verify", "--proof", proof, "--log", key}).status == 0);

  REQUIRE(it.world.stop("console").has_value());
  CHECK(it.otactl({"audit", "verify", "--offline"}).status == 0);
  LiveWorld::started(it.world.start_console());
  const auto again = it.otactl({"logs", "--json"});
  const auto first = again.output.find("audit.from-chain");
  REQUIRE(first != std::string::npos);
  CHECK(again.output.find("audit.from-chain", first + 1) == std::string::npos);  // said once
  CHECK(it.otactl({"audit", "verify"}).status == 0);
}
