#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

Json result(const std::string& device, const std::string& answer, const std::string& headline,
            const std::string& job = "", Json checks = Json::array()) {
  Json out{{"decision",
            {{"device", device},
             {"version", "2.1.5"},
             {"answer", answer},
             {"headline", headline},
             {"checks", std::move(checks)}}}};
  if (!job.empty()) out["job"] = job;
  return out;
}

Json results(std::vector<Json> list) {
  return Json{{"results", std::move(list)}};
}

const char* const kSuccess = "SUCCESS: Update to v2.1.5 initiated";

Json job_in(const std::string& state) {
  return Json{{"id", "job-000001"}, {"device", "iot-001"}, {"state", state}, {"percent", 10}};
}

}  // namespace

TEST_CASE("a push that the gate allows says so in the words that users know", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {results({result("iot-001", "allow", kSuccess, "job-000001")})};
  const auto ran = otactl("push iot-001 --version v2.1.5", script);
  CHECK(ran.code == 0);
  CHECK(ran.out == "SUCCESS: Update to v2.1.5 initiated\n  job job-000001\n");
  REQUIRE(script.bodies.size() == 1);
  CHECK(script.bodies[0] == Json{{"devices", {"iot-001"}}, {"version", "2.1.5"}});
  CHECK(script.asked.empty());
}

TEST_CASE("a refused push prints the reasons and ends with 3", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {
      results({result("iot-002", "block", "BLOCKED: Anomaly Detected", "",
                      {{{"check", "online"}, {"result", "pass"}, {"observed", "seen 1 s ago"}},
                       {{"check", "verdict"},
                        {"result", "block"},
                        {"observed", "critical, High Load: CPU 97 %"},
                        {"required", "stable"},
                        {"remedy", "CPU under 85 % for 10 s"}}})})};
  const auto ran = otactl("push iot-002", script);
  CHECK(ran.code == 3);
  CHECK(ran.out ==
        "BLOCKED: Anomaly Detected\n"
        "  block  verdict: critical, High Load: CPU 97 % (required: stable)\n"
        "        CPU under 85 % for 10 s\n");
}

TEST_CASE("a device that has the version already is skipped with 4", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {
      results({result("iot-001", "skip", "SKIPPED: Device already on v2.1.5")})};
  const auto ran = otactl("push iot-001", script);
  CHECK(ran.code == 4);
  CHECK(ran.says("SKIPPED: Device already on v2.1.5\n"));
}

TEST_CASE("of several devices the worst answer is the exit code", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {
      results({result("a", "allow", kSuccess, "job-000001"), result("b", "skip", "SKIPPED: x"),
               result("c", "block", "BLOCKED: y")})};
  CHECK(otactl("push a b c --yes", script).code == 3);
}

TEST_CASE("what devices would fetch is said before anything is sent", "[cli]") {
  Json answer = results({result("a", "allow", kSuccess), result("b", "allow", kSuccess)});
  answer["fetch"] = {{"devices", 2}, {"words", "2 devices × 1.6 MiB instead of 64.0 MiB"}};
  Script script;
  script.answers["POST /v1/push"] = {answer};
  const auto dry = otactl("push a b --dry-run", script);
  CHECK(dry.code == 0);
  CHECK(dry.says("To fetch: 2 devices × 1.6 MiB instead of 64.0 MiB\n"));
  script.answers["POST /v1/push"] = {answer};
  CHECK(parse_json(otactl("push a b --dry-run --json", script).out)->at("fetch") ==
        answer["fetch"]);
  // Before the question too.
  script.answers["POST /v1/push"] = {answer};
  CHECK(otactl("push a b", script).says("To fetch: 2 devices × 1.6 MiB"));
  // A server of an earlier release does not say.
  answer.erase("fetch");
  script.answers["POST /v1/push"] = {answer};
  CHECK_FALSE(otactl("push a b --dry-run", script).says("To fetch"));
}

TEST_CASE("a person is shown every answer before several devices are pushed to", "[cli]") {
  Script script;
  script.says = Answer::kNo;
  script.answers["POST /v1/push"] = {
      results({result("a", "allow", kSuccess), result("b", "block", "BLOCKED: Device Offline")})};
  const auto ran = otactl("push a b", script);
  CHECK(ran.code == 1);
  REQUIRE(script.asked.size() == 1);
  REQUIRE(script.bodies.size() == 1);
  CHECK(script.bodies[0]["dry_run"] == true);
  CHECK(ran.says("ALLOWED: Update to v2.1.5 would be initiated (dry run)"));
  CHECK(ran.says("BLOCKED: Device Offline"));
}

TEST_CASE("waiting ends with 0 only where the job succeeded", "[cli]") {
  for (const auto& [state, code] : std::vector<std::pair<std::string, int>>{
           {"succeeded", 0}, {"failed", 5}, {"rolled-back", 5}, {"cancelled", 5}, {"expired", 5}}) {
    INFO(state);
    Script script;
    script.answers["POST /v1/push"] = {
        results({result("iot-001", "allow", kSuccess, "job-000001")})};
    script.answers["GET /v1/jobs/job-000001"] = {job_in(state)};
    CHECK(otactl("push iot-001 --wait", script).code == code);
  }
}

TEST_CASE("waiting survives a server that restarts", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {results({result("iot-001", "allow", kSuccess, "job-000001")})};
  script.answers["GET /v1/jobs/job-000001"] = {
      job_in("downloading"), fail(Errc::kUnavailable, "gone"), job_in("succeeded")};
  const auto ran = otactl("push iot-001 --wait", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("job-000001 iot-001: downloading 10 %"));
}

TEST_CASE("the JSON answer of push holds decisions and how the jobs ended", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {results({result("iot-001", "allow", kSuccess, "job-000001")})};
  script.answers["GET /v1/jobs/job-000001"] = {job_in("succeeded")};
  const auto ran = otactl("push iot-001 --wait --json", script);
  const auto document = parse_json(ran.out);
  REQUIRE(document.has_value());
  CHECK((*document)["results"][0]["decision"]["headline"] == kSuccess);
  CHECK((*document)["results"][0]["ended"]["state"] == "succeeded");
}

TEST_CASE("a server that is away is an error that says how to start it", "[cli]") {
  Script script;
  script.answers["POST /v1/push"] = {fail(Errc::kUnavailable, "no server answers at X")};
  const auto ran = otactl("push iot-001 --root /srv/ota", script);
  CHECK(ran.code == 1);
  CHECK(ran.err.find("ota-console --root /srv/ota") != std::string::npos);
}
