// Which devices a command acts on, and what it says of each.
#include "cli/selection.h"
#include "cli/device_columns.h"

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

Json row(const char* id, const char* group, const char* version, const char* job_state = "") {
  Json out{{"id", id},
           {"group", group},
           {"hardware", "sim-a"},
           {"version", version},
           {"facts", {{"confirmed", {{"version", version}}}}}};
  if (*job_state != '\0') {
    out["job"] = std::string("job-of-") + id;
    out["job_state"] = job_state;
  }
  return out;
}

const char* const kAll = "GET /v1/devices?limit=1000";

Script fleet() {
  Script script;
  script.answers[kAll] = {
      Json{{"devices",
            {row("a", "floor", "2.1.6", "downloading"), row("b", "floor", "2.1.5"),
             row("c", "lab", "2.1.6", "succeeded")}}}};
  script.answers["GET /v1/devices?limit=1000&filter=behind"] = {
      Json{{"filter", "behind"}, {"devices", {row("b", "floor", "2.1.5")}}}};
  for (const char* id : {"a", "b", "c"}) {
    for (const char* order : {"rollback", "revoke", "acknowledge"})
      script.answers["POST /v1/devices/" + std::string(id) + "/" + order] = {Json()};
  }
  return script;
}

std::vector<std::string> posts(const Script& script) {
  std::vector<std::string> out;
  for (const std::string& call : script.calls) {
    if (call.starts_with("POST ")) out.push_back(call);
  }
  return out;
}

}  // namespace

TEST_CASE("all that run a version are rolled back with one question", "[cli]") {
  Script script = fleet();
  const auto ran = otactl("rollback --from-version 2.1.6", script);
  CHECK(ran.code == 0);
  REQUIRE(script.asked.size() == 1);
  CHECK(script.asked[0].starts_with("Roll back these 2 devices (2 run v2.1.6)?"));
  CHECK(posts(script) ==
        std::vector<std::string>{"POST /v1/devices/a/rollback", "POST /v1/devices/c/rollback"});
  CHECK(ran.says("2 of 2 devices"));
}

TEST_CASE("filters leave some of the devices that are named", "[cli]") {
  Script script = fleet();
  CHECK(otactl("rollback c b a --group floor --yes", script).code == 0);
  CHECK(posts(script) ==
        std::vector<std::string>{"POST /v1/devices/b/rollback", "POST /v1/devices/a/rollback"});
  CHECK(script.asked.empty());
}

TEST_CASE("one device is asked for by name when a filter found it", "[cli]") {
  Script script = fleet();
  script.says = Answer::kNo;
  CHECK(otactl("revoke --filter behind", script).code == 1);
  REQUIRE(script.asked.size() == 1);
  CHECK(script.asked[0].starts_with("Revoke b?"));
  CHECK(posts(script).empty());
}

TEST_CASE("a refusal leaves the others their turn and ends with 1", "[cli]") {
  Script script = fleet();
  script.answers["POST /v1/devices/a/rollback"] = {
      fail(Errc::kConflict, "its other slot is empty")};
  const auto ran = otactl("rollback --group floor --yes --json", script);
  CHECK(ran.code == 1);
  const auto document = parse_json(ran.out);
  REQUIRE(document.has_value());
  REQUIRE((*document)["results"].size() == 2);
  CHECK((*document)["results"][0]["done"] == false);
  CHECK((*document)["results"][0]["problem"].get<std::string>().find("slot") != std::string::npos);
  CHECK((*document)["results"][1]["done"] == true);
}

TEST_CASE("an order that ends early says how many it reached, in JSON too", "[cli]") {
  Script script = fleet();
  script.looks = 1;
  auto ran = otactl("rollback c b a --yes", script);
  CHECK(ran.code == 1);
  CHECK(ran.says("interrupted: 2 devices were not told"));
  CHECK(ran.says("1 of 3 devices"));
  Script gone = fleet();
  gone.answers["POST /v1/devices/b/rollback"] = {fail(Errc::kUnavailable, "refused")};
  ran = otactl("rollback c b a --yes", gone);
  CHECK(ran.code == 1);
  CHECK(ran.says("the server does not answer: 1 devices were not told"));
  CHECK(ran.says("1 of 3 devices"));
  Script silent = fleet();
  silent.answers["POST /v1/devices/b/rollback"] = {fail(Errc::kUnavailable, "refused")};
  const auto document = parse_json(otactl("rollback c b a --yes --json", silent).out);
  REQUIRE(document.has_value());
  REQUIRE((*document)["results"].size() == 2);
  CHECK((*document)["results"][0]["done"] == true);
  CHECK((*document)["results"][1]["done"] == false);
}

TEST_CASE("a file names devices; blank lines and comments are none", "[cli]") {
  const ota::test::TempFolder folder;
  const std::string file = (folder.path() / "ids").string();
  REQUIRE(write_file_durably(file, "# the night's\n\n  c \nb # again\nc\n").has_value());
  Script script = fleet();
  CHECK(otactl("acknowledge --file " + file, script).code == 0);
  CHECK(posts(script) == std::vector<std::string>{"POST /v1/devices/c/acknowledge",
                                                  "POST /v1/devices/b/acknowledge"});
  Script gone = fleet();
  CHECK(otactl("acknowledge --file " + file + ".gone", gone).code == 1);
  CHECK(gone.calls.empty());
}

TEST_CASE("nobody is meant where nothing says who", "[cli]") {
  for (const char* line : {"rollback --yes", "revoke --yes", "acknowledge", "push --yes", "cancel",
                           "rollback --filter '' --yes", "push --filter '' --yes",
                           "cancel --filter '' --yes", "devices --filter ''"}) {
    CAPTURE(line);
    Script script = fleet();
    CHECK(otactl(line, script).code == 2);
    CHECK(script.calls.empty());
  }
  Script script = fleet();
  CHECK(otactl("rollback --group attic --yes", script).code == 1);
  CHECK(posts(script).empty());
}

TEST_CASE("a server that knows no filters is told nothing", "[cli]") {
  Script script = fleet();
  script.answers["GET /v1/devices?limit=1000&filter=behind"] = script.answers[kAll];
  const auto ran = otactl("rollback --filter behind --yes", script);
  CHECK(ran.code == 1);
  CHECK(ran.err.find("knows no filters") != std::string::npos);
  CHECK(posts(script).empty());
}

TEST_CASE("updates are cancelled by whose they are", "[cli]") {
  Script script = fleet();
  script.answers["POST /v1/jobs/job-of-a/cancel"] = {Json()};
  script.answers["GET /v1/jobs/job-of-a"] = {Json{{"state", "cancelled"}}};
  const auto ran = otactl("cancel --model sim-a", script);
  CHECK(ran.code == 0);
  CHECK(script.asked == std::vector<std::string>{script.asked.at(0)});
  CHECK(posts(script) == std::vector<std::string>{"POST /v1/jobs/job-of-a/cancel"});
  CHECK(ran.says("CANCELLED: job-of-a"));
  Script both = fleet();
  CHECK(otactl("cancel job-1 --group floor --yes", both).code == 2);
}

TEST_CASE("a push by a filter shows what the gate says before it asks", "[cli]") {
  Script script = fleet();
  script.says = Answer::kNo;
  script.answers["POST /v1/push"] = {Json{
      {"results", {{{"decision", {{"device", "b"}, {"answer", "allow"}, {"version", "2.1.6"}}}}}}}};
  CHECK(otactl("push --filter behind", script).code == 1);
  REQUIRE(script.bodies.size() == 1);
  CHECK(script.bodies[0] == Json{{"devices", {"b"}}, {"dry_run", true}});
  CHECK(script.asked.size() == 1);
}

TEST_CASE("devices are put in the order of any column, and shown in those that are asked for",
          "[cli]") {
  const Json rows = Json::array({
      {{"id", "a"},
       {"state", "ONLINE"},
       {"level", "stable"},
       {"risk", 3},
       {"online", true},
       {"facts", {{"confirmed", {{"version", "2.1.10"}}}}},
       {"values", {{"cpu", 12.0}}},
       {"last_seen", "2026-08-20T14:00:00Z"}},
      {{"id", "b"},
       {"state", "OFFLINE"},
       {"level", "unknown"},
       {"risk", 90},
       {"online", false},
       {"facts", Json::object()},
       {"values", {{"cpu", 99.0}}}},
      {{"id", "c"},
       {"state", "FAILED"},
       {"level", "critical"},
       {"risk", 80},
       {"online", true},
       {"facts", {{"confirmed", {{"version", "2.1.9"}}}}},
       {"values", {{"cpu", 97.0}}},
       {"last_seen", "2026-08-20T13:00:00Z"}},
  });
  const auto order = [&](std::string_view by, Order direction = Order::kForward) {
    Json sorted = rows;
    REQUIRE(sort_devices(sorted, by, direction).has_value());
    std::string ids;
    for (const Json& row : sorted)
      ids += row["id"].get<std::string>();
    return ids;
  };
  CHECK(order("device") == "abc");
  CHECK(order("device", Order::kReverse) == "cba");
  CHECK(order("state") == "cba");
  CHECK(order("verdict") == "cba");
  CHECK(order("version") == "cab");  // by numbers, and what is not known last
  CHECK(order("version", Order::kReverse) == "acb");
  CHECK(order("risk") == "cab");  // of a silent device it is not known
  CHECK(order("cpu") == "cab");
  CHECK(order("seen") == "bca");  // never, then the longest
  CHECK(order("gate") == "abc");
  Json none = Json::array();
  CHECK(is_usage_error(sort_devices(none, "rsk", Order::kForward).error()));
  CHECK(is_usage_error(parse_device_columns("device,gte").error()));
  const auto columns = parse_device_columns("version,device");
  REQUIRE(columns.has_value());
  CHECK(device_table(rows, WallTime{}, *columns).text() ==
        "VERSION  DEVICE\nv2.1.10  a\n-        b\nv2.1.9   c\n");
}
