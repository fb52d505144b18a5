#include "anomaly/detector.h"
#include "gate/record.h"
#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

const std::string kPage = "GET /v1/events?after=213&limit=1";

// The refusal of a device at 97 % CPU, as the server keeps it.
Json refusal() {
  const model::Thresholds limits;
  anomaly::DeviceDetector detector(limits);
  WallTime now(milliseconds(1787000000000));
  for (int i = 0; i < 20; ++i) {
    model::Sample sample;
    sample.values = {97.0 + i % 2, 40.0, 40.0, 50.0};
    detector.observe(sample, now += seconds(1));
  }
  gate::Input input;
  input.now = now;
  input.device = "iot-002";
  input.verdict = detector.verdict(now);
  const gate::Grounds grounds{limits, detector.evidence(), {}, now};
  return Json{
      {"seq", 214},
      {"at", format_rfc3339(now)},
      {"kind", "gate.block"},
      {"source", "iot-002"},
      {"message", "BLOCKED"},
      {"data",
       {{"decision", gate::evaluate(input)}, {"record", gate::decision_record(grounds, input)}}}};
}

}  // namespace

TEST_CASE("explain makes a stored decision again and finds it identical", "[cli]") {
  Script script;
  script.answers[kPage] = {Json{{"events", {refusal()}}}};
  const auto ran = otactl("explain 214", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("IDENTICAL: made again, byte for byte"));
  CHECK(ran.says("CPU 98 % (limit 90 %) for 19s"));
  CHECK(ran.says("would clear: CPU under 80 % for 10 s"));
  CHECK(ran.says("verdict: critical"));
  const auto json = parse_json(otactl("explain 214 --json", script).out);
  REQUIRE(json.has_value());
  CHECK((*json)["identical"] == true);
  CHECK((*json)["verdict"]["level"] == "critical");
}

TEST_CASE("explain names the first byte of a decision that was altered", "[cli]") {
  Json altered = refusal();
  altered["data"]["decision"]["answer"] = "allow";
  Script script;
  script.answers[kPage] = {Json{{"events", {altered}}}};
  const auto ran = otactl("explain 214", script);
  CHECK(ran.code == 1);
  CHECK(ran.says("DIFFERS at byte"));
}

TEST_CASE("explain says which events have no record, and which are none", "[cli]") {
  Json plain = refusal();
  plain["data"].erase("record");
  Script script;
  script.answers[kPage] = {Json{{"events", {plain}}}};
  auto ran = otactl("explain 214", script);
  CHECK(ran.code == 1);
  CHECK(ran.err.find("only decisions and verdicts do") != std::string::npos);
  script.answers[kPage] = {Json{{"events", Json::array()}}};
  ran = otactl("explain 214", script);
  CHECK(ran.err.find("there is no event 214") != std::string::npos);
  CHECK(otactl("explain 0", script).code == 2);
  CHECK(otactl("explain x", script).code == 2);
}
