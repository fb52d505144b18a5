#include "cli/table.h"
#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

Json row(const std::string& id, const std::string& state, const std::string& level) {
  return Json{{"id", id},
              {"state", state},
              {"level", level},
              {"online", true},
              {"risk", 7},
              {"hardware", "sim-a"},
              {"group", "default"},
              {"values", {{"cpu", 12.4}, {"mem", 35}}},
              {"facts", {{"confirmed", {{"version", "2.1.4"}}}}}};
}

const std::string kHead = "GET /v1/events?order=newest&limit=1";
const std::string kNewest = "GET /v1/events?order=newest&limit=100";

Json event(std::uint64_t seq, const std::string& message) {
  return Json{{"seq", seq},          {"at", "2026-08-17T20:53:20Z"}, {"severity", "warning"},
              {"source", "iot-002"}, {"kind", "gate.block"},         {"message", message}};
}

}  // namespace

TEST_CASE("columns line up by characters, not by bytes", "[cli]") {
  Table table({{"A"}, {"N", Align::kRight}, {"B"}});
  table.add({"\xc3\xa9\xc3\xa9", "5", "x"});
  table.add({"a", "123", ""});
  CHECK(table.text() ==
        "A     N  B\n"
        "\xc3\xa9\xc3\xa9    5  x\n"
        "a   123\n");
}

TEST_CASE("the device table shows the confirmed version and dashes for what is unknown", "[cli]") {
  Script script;
  script.answers["GET /v1/devices?limit=1000"] = {Json{
      {"devices", {row("iot-001", "ONLINE", "stable"), row("iot-002", "BLOCKED", "critical")}}}};
  const auto ran = otactl("devices", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("iot-001  ONLINE   stable"));
  CHECK(ran.says("v2.1.4   -       -     12%  35%     -     -"));
  const auto filtered = otactl("devices --verdict critical --json", script);
  CHECK((*parse_json(filtered.out))["devices"].size() == 1);
}

TEST_CASE("readings and risk of a silent device are not shown as if they were live", "[cli]") {
  Json silent = row("iot-001", "OFFLINE", "unknown");
  silent["online"] = false;
  const Json verdict{{"level", "unknown"}, {"label", "silent"}, {"risk", 7}};
  Script script;
  script.answers["GET /v1/devices?limit=1000"] = {Json{{"devices", {silent}}}};
  script.answers["GET /v1/devices/iot-001"] = {Json{{"row", silent}, {"verdict", verdict}}};
  script.answers[kHead] = {Json{{"events", Json::array()}, {"last", 0}}};
  CHECK(
      otactl("devices", script).says("unknown     -  v2.1.4   -       -       -    -     -     -"));
  const auto device = otactl("device iot-001", script);
  CHECK(device.says("CPU -, memory -, disk -, temperature -"));
  CHECK(device.says("risk - of 100"));
  CHECK(otactl("watch --rounds 1", script).says("cpu -, mem -, disk -, temp -"));
}

TEST_CASE("devices are read page after page", "[cli]") {
  Json first = Json::array();
  for (int i = 0; i < 1000; ++i)
    first.push_back(row("d-" + std::to_string(1000 + i), "ONLINE", "stable"));
  Script script;
  script.answers["GET /v1/devices?limit=1000"] = {Json{{"devices", first}}};
  script.answers["GET /v1/devices?limit=1000&after=d-1999"] = {
      Json{{"devices", {row("z", "ONLINE", "stable")}}}};
  const auto ran = otactl("devices --json", script);
  CHECK((*parse_json(ran.out))["devices"].size() == 1001);
}

TEST_CASE("text of a device cannot act on the terminal", "[cli]") {
  Script script;
  script.answers[kNewest] = {Json{{"events", {event(1, "evil \x1b[2J\x1b]0;x\x07")}}, {"last", 1}}};
  const auto ran = otactl("logs", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("evil"));
  CHECK(ran.out.find('\x1b') == std::string::npos);
}

TEST_CASE("times are UTC and say so, whatever the zone of the terminal", "[cli]") {
  const char* zone = std::getenv("TZ");
  const std::string before = zone != nullptr ? zone : "";
  ::setenv("TZ", "Asia/Kolkata", 1);
  ::tzset();
  Json yesterday = event(1, "one");
  yesterday["at"] = "2026-08-16T23:53:20Z";
  Script script;
  script.answers[kNewest] = {
      Json{{"events", {event(2, "two"), std::move(yesterday)}}, {"last", 2}}};
  script.answers["GET /v1/jobs?limit=100"] = {
      Json{{"jobs", {{{"id", "job-000001"}, {"created", "2026-08-17T01:02:03Z"}}}}}};
  const auto logs = otactl("logs", script);
  const auto jobs = otactl("jobs", script);
  zone != nullptr ? ::setenv("TZ", before.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
  CHECK(logs.says("2026-08-16T23:53:20Z  #1  warning"));
  CHECK(logs.says("\n20:53:20Z  #2  warning"));
  CHECK(jobs.says("  01:02:03Z"));
}

TEST_CASE("the log is printed oldest first, as filtered by the server", "[cli]") {
  Script script;
  script.answers["GET /v1/events?order=newest&limit=2&kind=gate"] = {
      Json{{"events", {event(4, "four"), event(2, "two")}}, {"last", 5}}};
  const auto ran = otactl("logs --kind gate --limit 2", script);
  CHECK(ran.code == 0);
  CHECK(ran.out.find("two") < ran.out.find("four"));
}

TEST_CASE("older pages of the log are asked for by number, and not while it is followed", "[cli]") {
  Script script;
  script.answers["GET /v1/events?order=newest&limit=100&before=4201&severity=warning"] = {
      Json{{"events", {event(4200, "before it")}}, {"last", 4200}}};
  const auto ran = otactl("logs --before 4201 --severity warning", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("before it"));
  const auto both = otactl("logs --before 4201 --follow", script);
  CHECK(both.code == 2);
  CHECK(both.err.find("--before and --follow contradict each other") != std::string::npos);
  CHECK(otactl("logs --before yesterday", script).code == 2);
}

TEST_CASE("following the log goes on where it was and ends when interrupted", "[cli]") {
  Script script;
  script.looks = 2;
  script.answers[kNewest] = {Json{{"events", {event(1, "one")}}, {"last", 1}}};
  script.answers["GET /v1/events?after=1&wait=2"] = {
      Json{{"events", {event(2, "two")}}, {"last", 2}}};
  script.answers["GET /v1/events?after=2&wait=2"] = {
      Json{{"events", {event(3, "three")}}, {"last", 3}}};
  const auto ran = otactl("logs --follow --json", script);
  CHECK(ran.code == 0);
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 3);
  CHECK((*parse_json(lines[2]))["message"] == "three");
}

TEST_CASE("watch prints a line for a change and none for a number that moved", "[cli]") {
  Script script;
  Json moved = row("iot-001", "ONLINE", "stable");
  moved["values"]["cpu"] = 13;
  script.answers["GET /v1/devices?limit=1000"] = {
      Json{{"devices", {row("iot-001", "ONLINE", "stable")}}}, Json{{"devices", {moved}}},
      Json{{"devices", {row("iot-001", "BLOCKED", "critical")}}}};
  script.answers[kHead] = {Json{{"events", Json::array()}, {"last", 0}}};
  script.answers["GET /v1/events?severity=notice&after=0"] = {
      Json{{"events", Json::array()}, {"last", 0}}};
  const auto ran = otactl("watch --rounds 3 --every 1s", script);
  CHECK(ran.code == 0);
  CHECK(lines_of(ran.out).size() == 2);
  CHECK(ran.says("iot-001: BLOCKED, verdict critical, v2.1.4"));
}

TEST_CASE("watch tells in JSON too when the server goes away and comes back", "[cli]") {
  Script script;
  const Json devices{{"devices", {row("iot-001", "ONLINE", "stable")}}};
  script.answers["GET /v1/devices?limit=1000"] = {
      devices, fail(Errc::kUnavailable, "no server answers at X"),
      fail(Errc::kUnavailable, "no server answers at X"), Json{{"devices", Json::array()}}};
  script.answers[kHead] = {Json{{"events", Json::array()}, {"last", 0}}};
  script.answers["GET /v1/events?severity=notice&after=0"] = {
      Json{{"events", Json::array()}, {"last", 0}}};
  const auto ran = otactl("watch --rounds 4 --every 1s --json", script);
  CHECK(ran.code == 0);
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 4);
  const auto kind_of = [&](std::size_t line) {
    return parse_json(lines[line]).value().value("kind", "");
  };
  CHECK(kind_of(1) == "server.away");
  CHECK(kind_of(2) == "server.back");
  CHECK(kind_of(3) == "device.gone");
  const Json away = parse_json(lines[1]).value();
  CHECK(away.at("source") == "server");
  CHECK(away.at("message").get<std::string>().find("no server answers at X") == 0);
  CHECK(away.contains("at"));
}

TEST_CASE("a broken chain is named and ends with 1", "[cli]") {
  Script script;
  script.answers["GET /v1/audit/verify"] = {Json{{"ok", false}, {"seq", 17}, {"what", "edited"}}};
  const auto ran = otactl("audit verify", script);
  CHECK(ran.code == 1);
  CHECK(ran.says("BROKEN: event 17: edited"));
}

TEST_CASE("revoking asks a person first", "[cli]") {
  Script script;
  script.says = Answer::kNo;
  CHECK(otactl("revoke iot-002", script).code == 1);
  CHECK(script.calls.empty());
  script.answers["POST /v1/devices/iot-002/revoke"] = {Json()};
  CHECK(otactl("revoke iot-002 --yes", script).code == 0);
}

TEST_CASE("names are escaped in the path", "[cli]") {
  Script script;
  CHECK(otactl("device ../status?x", script).code == 1);
  REQUIRE(script.calls.size() == 1);
  CHECK(script.calls[0] == "GET /v1/devices/..%2fstatus%3fx");
}

TEST_CASE("the join code and the way to use it are printed", "[cli]") {
  Script script;
  script.answers["POST /v1/enrolments"] = {
      Json{{"code", "ota1.abc"}, {"expires", "2026-08-17T21:53:20Z"}}};
  const auto ran = otactl("enroll iot-003 --ttl 10m", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("\nota1.abc\n"));
  CHECK(ran.says("ota-agent join --server https://127.0.0.1:8443"));
  CHECK(script.bodies[0] == Json{{"device", "iot-003"}, {"ttl_s", 600}});
}

TEST_CASE("an error in JSON is an object with its hint", "[cli]") {
  Script script;
  script.answers["GET /v1/status"] = {fail(Errc::kUnavailable, "no server answers at X")};
  const auto ran = otactl("status --json", script);
  CHECK(ran.code == 1);
  const auto document = parse_json(ran.err);
  REQUIRE(document.has_value());
  CHECK(document->contains("hint"));
}
