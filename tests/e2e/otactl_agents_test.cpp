// Agents that the console runs on its own host, over its restarts.
#include "base/file.h"
#include "base/text.h"
#include "tests/e2e/live_world.h"
#include "tests/support/text.h"

using namespace ota;
using test::has;

namespace {

namespace fs = std::filesystem;

struct LocalAgent {
  test::TempFolder folder;
  SystemClock clock;
  sim::Scenario scenario;
  sim::World world{{test::programs(), folder.path()}, scenario, clock};
  fs::path identity = folder.path() / "agents" / "iot-001" / "identity";

  static sim::Scenario one_agent() {
    sim::Scenario scenario = test::two_devices();
    scenario.devices.pop_back();
    scenario.devices.front().supervised = true;
    return scenario;
  }

  explicit LocalAgent(sim::Scenario wanted = one_agent()) : scenario(std::move(wanted)) {
    REQUIRE(world.prepare().has_value());
    start();
    if (scenario.devices.front().whitelisted) wait_for([&] { return has_identity(); });
  }

  void edit(const char* file, const Json& change) const {
    const fs::path path = folder.path() / "config" / file;
    Json document = parse_json(read_file(path, 1U << 20).value()).value();
    document.merge_patch(change);
    REQUIRE(write_file_durably(path, document.dump(2)));
  }
  std::string command_line() {
    const auto agents = world.get("/v1/agents");
    if (!agents || agents->at("agents").empty()) return "none";
    const auto pid = agents->at("agents").front().at("pid").get<int>();
    const auto command = read_file("/proc/" + std::to_string(pid) + "/cmdline", 1U << 16);
    return command.has_value() ? *command : "none";
  }

  void start() {
    const auto done = world.start_console();
    if (!done) FAIL(done.error().text());
  }
  bool has_identity() const { return fs::exists(identity / "device.crt"); }

  std::string said(const std::vector<std::string>& words) {
    const auto answer = world.otactl(words);
    if (!answer) FAIL(answer.error().text());
    return answer->output;
  }

  template <class Predicate>
  void wait_for(const Predicate& holds) {
    const auto waited =
        sim::wait_until(world, scenario.patience, [&]() -> std::optional<std::string> {
          if (holds()) return std::nullopt;
          return "the log: " + said({"logs"});
        });
    if (!waited) FAIL(waited.error().text());
  }
};

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("a local agent that was revoked stays so when the console starts again", "[e2e]") {
  LocalAgent local;
  REQUIRE(has(local.said({"revoke", "iot-001", "--yes"}), "iot-001"));
  REQUIRE(local.world.stop("console").has_value());
  local.start();
  local.wait_for([&] { return has(local.said({"logs", "--kind", "agent"}), "it was revoked"); });
  CHECK(has(local.said({"logs", "--kind", "agent.not-started"}), "otactl enroll iot-001"));
  CHECK(count(local.said({"logs", "--kind", "enrol.opened"}), "opened the enrolment") == 1);
  CHECK(has(local.said({"device", "iot-001"}), "REVOKED"));
}

TEST_CASE("a local agent that lost its certificate gets another one at the next start", "[e2e]") {
  LocalAgent local;
  REQUIRE(local.world.stop("console").has_value());
  REQUIRE(fs::remove(local.identity / "device.crt"));
  local.start();
  local.wait_for([&] { return local.has_identity(); });
  CHECK(count(local.said({"logs", "--kind", "enrol.ok"}), "is enrolled") == 2);
}

TEST_CASE("a local agent that lost its key raises no alarm of a second one", "[e2e]") {
  LocalAgent local;
  REQUIRE(local.world.stop("console").has_value());
  fs::remove_all(local.identity);
  local.start();
  local.wait_for([&] {
    return has(local.said({"logs", "--kind", "agent"}), "otactl revoke iot-001");
  });
  CHECK(has(local.said({"logs", "--kind", "enrol.second-key"}), "No events."));
}

TEST_CASE("a local agent reaches a server that listens on one address alone", "[e2e]") {
  sim::Scenario scenario = LocalAgent::one_agent();
  scenario.console = Json{{"listen", {{"address", "127.0.0.2"}, {"port", 0}}}};
  const LocalAgent local(scenario);  // waits until the agent has joined
  CHECK(local.has_identity());
}

TEST_CASE("a local agent starts as soon as the whitelist has it", "[e2e]") {
  sim::Scenario scenario = LocalAgent::one_agent();
  scenario.devices.front().whitelisted = false;
  LocalAgent local(scenario);
  local.wait_for([&] { return has(local.said({"logs", "--kind", "agent"}), "devices.json"); });
  CHECK_FALSE(local.has_identity());
  local.edit("devices.json", {{"devices", {{{"id", "iot-001"}, {"hardware", "sim-a"}}}}});
  local.wait_for([&] { return local.has_identity(); });
  CHECK(count(local.said({"logs", "--kind", "agent.not-started"}), "iot-001") >= 1);
}

TEST_CASE("a local agent moves to another folder as soon as console.json says so", "[e2e]") {
  LocalAgent local;
  const fs::path agents = local.folder.path() / "agents";
  fs::copy(agents / "iot-001", agents / "moved", fs::copy_options::recursive);
  local.edit("console.json", {{"agents", {{{"id", "iot-001"}, {"dir", "agents/moved"}}}}});
  local.wait_for([&] { return has(local.command_line(), "agents/moved/config.json"); });
}
