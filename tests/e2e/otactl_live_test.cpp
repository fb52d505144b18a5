#include <sqlite3.h>

#include <csignal>

#include "base/file.h"
#include "tests/e2e/live_world.h"
#include "tests/support/text.h"

using namespace ota;
using test::LiveWorld;

namespace {

using test::has;

}  // namespace

TEST_CASE("otactl gives the three answers of an update in the words that users know", "[e2e]") {
  LiveWorld live;
  live.start_agents();
  const auto allowed = live.otactl({"push", "iot-001", "--wait"});
  CHECK(allowed.status == 0);
  CHECK(has(allowed.output, "SUCCESS: Update to v2.1.5 initiated\n"));
  CHECK(has(allowed.output, "iot-001: succeeded"));
  const auto blocked = live.otactl({"push", "iot-002"});
  CHECK(blocked.status == 3);
  CHECK(has(blocked.output, "BLOCKED: Anomaly Detected\n"));
  CHECK(has(blocked.output, "  block  verdict: "));
  const auto skipped = live.otactl({"push", "iot-001"});
  CHECK(skipped.status == 4);
  CHECK(has(skipped.output, "SKIPPED: Device already on v2.1.5\n"));
  CHECK(has(live.otactl({"logs", "--kind", "gate.block"}).output,
            "BLOCKED → OTA for iot-002 rejected (Risk: High Load)"));
  CHECK(has(live.otactl({"trace", "job-000001"}).output, "step   confirming"));
}

TEST_CASE("otactl stops all updates, says so everywhere, and lets them start again", "[e2e]") {
  LiveWorld live;
  live.start_agents();
  CHECK(live.otactl({"stop"}).status == 2);  // a reason is needed
  const auto stopped = live.otactl({"stop", "2.1.5 drains batteries"});
  CHECK(stopped.status == 0);
  CHECK(has(stopped.output, "STOPPED: no update starts until otactl resume\n"));
  const auto refused = live.otactl({"push", "iot-001"});
  CHECK(refused.status == 3);
  CHECK(has(refused.output, "BLOCKED: Updates Stopped\n"));
  CHECK(has(refused.output, ": 2.1.5 drains batteries"));
  CHECK(has(live.otactl({"status"}).output, "Updates: STOPPED by operator:operator at "));
  CHECK(has(live.otactl({"stop", "once more"}).output, "STOPPED already by operator:operator"));
  CHECK(live.otactl({"resume"}).status == 0);
  CHECK(has(live.otactl({"resume"}).output, "updates are not stopped"));
  CHECK_FALSE(has(live.otactl({"status"}).output, "STOPPED"));
  CHECK(live.otactl({"push", "iot-001", "--wait"}).status == 0);
}

TEST_CASE("every question of otactl is answered in text and in JSON", "[e2e]") {
  LiveWorld live;
  live.start_agents();
  for (const std::vector<std::string>& question :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"devices"},
                                             {"device", "iot-002"},
                                             {"jobs"},
                                             {"logs"},
                                             {"firmware", "list"},
                                             {"firmware", "list", "--offline"},
                                             {"agents"},
                                             {"audit", "verify"},
                                             {"config", "check"},
                                             {"push", "iot-001", "--dry-run"},
                                             {"watch", "--rounds", "1"}}) {
    INFO(question.front());
    const auto text = live.otactl(question);
    CHECK(text.status == 0);
    CHECK_FALSE(text.output.empty());
    CHECK_FALSE(has(text.output, "\x1b["));
    std::vector<std::string> in_json = question;
    in_json.emplace_back("--json");
    const auto json = live.otactl(in_json);
    CHECK(json.status == 0);
    // Logs and watch answer a line for each thing; the first is a document of its own.
    const bool lines = question.front() == "logs" || question.front() == "watch";
    const std::string document =
        lines ? json.output.substr(0, json.output.find('\n')) : json.output;
    CHECK(parse_json(document, {.max_bytes = 1U << 24, .max_depth = 32}).has_value());
  }
}

TEST_CASE("otactl says what to do where the server or the root is not there", "[e2e]") {
  LiveWorld live;
  REQUIRE(live.world.stop("console").has_value());
  const auto away = live.otactl({"status"});
  CHECK(away.status == 1);
  CHECK(has(away.output, "ota-console --root"));
  const auto elsewhere = sim::run_to_end({.program = test::programs() / "otactl",
                                          .arguments = {"status", "--root", "/nowhere"},
                                          .log = live.folder.path() / "elsewhere.log",
                                          .folder = {}},
                                         milliseconds(10000));
  REQUIRE(elsewhere.has_value());
  CHECK(elsewhere->status == 1);
  CHECK(has(elsewhere->output, "--root DIR"));
}

TEST_CASE("the state comes back equal from an export, and an edited one is refused", "[e2e]") {
  LiveWorld live;
  live.start_agents();
  REQUIRE(live.otactl({"push", "iot-001", "--wait"}).status == 0);
  CHECK(live.otactl({"state", "export", "--offline", "-"}).status == 1);  // the console has it open
  for (const char* what : {"iot-001", "iot-002", "console"})
    REQUIRE(live.world.stop(what).has_value());
  const std::string first = (live.folder.path() / "first.json").string();
  const std::string second = (live.folder.path() / "second.json").string();
  REQUIRE(live.otactl({"state", "export", "--offline", first}).status == 0);
  REQUIRE(live.otactl({"state", "import", "--offline", "--yes", first}).status == 0);
  REQUIRE(live.otactl({"state", "export", "--offline", second}).status == 0);
  const auto before = read_file(first, 1U << 28);
  const auto after = read_file(second, 1U << 28);
  REQUIRE(before.has_value());
  REQUIRE(after.has_value());
  const auto documents = [](const std::string& state) {
    return state.substr(0, state.find("\n\"retired\""));
  };
  CHECK(documents(*before) == documents(*after));
  CHECK(has(*after, "audit.imported"));  // the log goes on, and says so
  std::string edited = *before;
  const std::size_t at = edited.find("is enrolled");
  REQUIRE(at != std::string::npos);
  edited.replace(at, 2, "Is");
  REQUIRE(write_file_durably(first, edited).has_value());
  CHECK(live.otactl({"state", "import", "--offline", "--yes", first}).status == 1);
  // Whole, and still not without a word: somebody has to see to the import.
  const auto told = live.otactl({"audit", "verify", "--offline", "--json"});
  CHECK(told.status == 1);
  const auto verified = parse_json(told.output);
  REQUIRE(verified.has_value());
  CHECK(verified->at("ok") == true);
  REQUIRE(verified->at("imports").size() == 1);
  const Json& import = verified->at("imports").at(0);
  CHECK(import.at("origin") == verified->at("origin"));  // it came from this very root
  const std::filesystem::path safe = live.folder.path() / "safe";
  REQUIRE(live.otactl({"audit", "export", "--offline", safe.string()}).status == 0);
  const std::filesystem::path closed = safe / "closed" / import.at("log").dump();
  CHECK(read_file(closed / "checkpoint", 1U << 16).value() == import.at("checkpoint"));
  CHECK(std::filesystem::exists(closed / "tile/0"));
  CHECK(std::filesystem::exists(closed / "tile/entries"));
  const std::string number = import.at("seq").dump();
  REQUIRE(live.otactl({"audit", "acknowledge", number, "--offline"}).status == 0);
  CHECK(live.otactl({"audit", "verify", "--offline"}).status == 0);
}

TEST_CASE("every step of a ceremony, made behind the server's back, is in the log of events",
          "[e2e]") {
  LiveWorld live;
  const std::string vault = (live.folder.path() / "vault").string();
  const std::string secret = (live.folder.path() / "secret").string();
  REQUIRE(write_file_durably(secret, "a long passphrase\n", 0600).has_value());
  CHECK(has(live.otactl({"logs"}).output, "root or targets keys lie on this server"));
  REQUIRE(live.otactl({"keys", "init", "--threshold", "2", "--keys", "3", "--yes"}).status == 0);
  REQUIRE(live.otactl({"keys", "take-offline", vault, "--passphrase-file", secret}).status == 0);
  CHECK(live.otactl({"keys", "submit", secret}).status == 1);
  for (const char* text :
       {"root version 2 is published", "root version 2 is in force", "moved to targets-3.pem",
        "root and targets keys are offline", "FAILED"}) {
    INFO(text);
    const auto waited =
        sim::wait_until(live.world, milliseconds(15000), [&]() -> std::optional<std::string> {
          const auto said = live.otactl({"logs"});
          if (has(said.output, text)) return std::nullopt;
          return said.output;
        });
    CHECK(waited.has_value());
  }
  CHECK(live.otactl({"audit", "verify"}).status == 0);
}

TEST_CASE("an event that was edited in the database is named", "[e2e]") {
  LiveWorld live;
  REQUIRE(live.world.stop("console").has_value());
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((live.folder.path() / "state" / "ota.db").c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database,
                     "UPDATE events SET document = replace(document, 'authority', 'autarchy') "
                     "WHERE instr(document, 'authority')",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  CHECK(sqlite3_total_changes(database) > 0);
  sqlite3_close(database);
  const auto verified = live.otactl({"audit", "verify", "--offline"});
  INFO(verified.output);
  CHECK(verified.status == 1);
  CHECK(has(verified.output, "BROKEN: event "));
}

TEST_CASE("the follower of the log ends by itself when interrupted", "[e2e]") {
  LiveWorld live;
  auto follower =
      sim::Process::start({.program = test::programs() / "otactl",
                           .arguments = {"logs", "--follow", "--root", live.folder.path().string(),
                                         "--server", live.world.server()},
                           .log = live.world.log_file("follower"),
                           .folder = {}});
  REQUIRE(follower.has_value());
  REQUIRE(live.otactl({"enroll", "iot-001"}).status == 0);
  const auto seen =
      sim::wait_until(live.world, milliseconds(10000), [&]() -> std::optional<std::string> {
        if (has(live.world.log_of("follower"), "opened the enrolment of iot-001"))
          return std::nullopt;
        return "not followed: " + live.world.log_of("follower");
      });
  if (!seen) FAIL(seen.error().text());
  follower->signal(SIGINT);
  CHECK(follower->wait(milliseconds(5000)) == 0);
}

TEST_CASE("firmware that otactl publishes and removes is seen by the running console", "[e2e]") {
  LiveWorld live;
  sim::ScenarioRelease release;
  release.release.version = model::Version(2, 1, 6);
  release.release.hardware = {"sim-a"};
  LiveWorld::started(live.world.publish(release));
  CHECK(has(live.otactl({"firmware", "list"}).output, "v2.1.6"));
  CHECK(live.otactl({"firmware", "remove", "2.1.6", "--yes"}).status == 0);
  CHECK_FALSE(has(live.otactl({"firmware", "list", "--offline"}).output, "v2.1.6"));
}

TEST_CASE("a revoked device is cut off within a second", "[e2e]") {
  LiveWorld live;
  live.start_agents();
  const auto before = live.world.device("iot-001");
  REQUIRE(before.has_value());
  REQUIRE(live.otactl({"revoke", "iot-001", "--yes"}).status == 0);
  live.wait_for("iot-001", "revoked", "true");
  const auto seen =
      sim::wait_until(live.world, milliseconds(1000), [&]() -> std::optional<std::string> {
        if (has(live.world.log_of("iot-001"), "revoked")) return std::nullopt;
        return "the agent still runs undisturbed: " + live.world.log_of("iot-001");
      });
  if (!seen) FAIL(seen.error().text());
  CHECK(live.otactl({"push", "iot-001"}).status == 3);
}

TEST_CASE("events that were cut off the end are missed, before and after the next start", "[e2e]") {
  LiveWorld live;
  CHECK_FALSE(has(live.otactl({"logs"}).output, "audit."));  // a first run misses nothing
  REQUIRE(live.world.stop("console").has_value());
  REQUIRE(live.otactl({"audit", "verify", "--offline"}).status == 0);
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open((live.folder.path() / "state" / "ota.db").c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, "DELETE FROM events WHERE seq = (SELECT max(seq) FROM events)",
                     nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  const auto verified = live.otactl({"audit", "verify", "--offline"});
  INFO(verified.output);
  CHECK(verified.status == 1);
  CHECK(has(verified.output, "is missing"));
  LiveWorld::started(live.world.start_console());
  const auto later = live.otactl({"audit", "verify"});
  INFO(later.output);
  CHECK(later.status == 1);
  CHECK(has(later.output, "is missing"));
  CHECK(has(live.otactl({"logs"}).output, "the log is not signed any more"));
}
