// otactl replay --device and otactl backtest, over the minutes that a server has stored.
#include <fstream>

#include "anomaly/detector.h"
#include "fleet/minutes.h"
#include "gate/record.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

const WallTime kNow(milliseconds(1787000000000));

// Two pages: five hours at 40 % CPU, then half an hour at 85 %.
void serve_minutes(Script& script, const std::string& query) {
  Json pages[2] = {Json::array(), Json::array()};
  WallTime at = std::chrono::floor<std::chrono::minutes>(kNow) - std::chrono::hours(6);
  const WallTime split = at + std::chrono::minutes(200);
  for (int i = 0; i < 330; ++i, at += std::chrono::minutes(1)) {
    fleet::Minute minute;
    minute.at = at;
    minute.samples = 60;
    const double cpu = (i >= 300 ? 85 : 40) + i * 7 % 5;
    minute.values[0] = fleet::MinuteRange{cpu - 2, cpu, cpu + 2};
    if (i % 2 == 0) minute.extra.emplace_back("load1", fleet::MinuteRange{1, 1.5, 2});
    Json entry = fleet::minute_document(minute);
    entry["at"] = format_rfc3339(at);
    pages[at >= split ? 1 : 0].push_back(std::move(entry));
  }
  const std::string next = format_rfc3339(split);
  script.answers["GET /v1/devices/iot-001/minutes?from=" + query] = {
      Json{{"minutes", pages[0]}, {"next", next}}};
  script.answers["GET /v1/devices/iot-001/minutes?from=" + url_escape(next) +
                 query.substr(query.find("&to="))] = {Json{{"minutes", pages[1]}}};
}

std::string span(WallTime from) {
  return url_escape(format_rfc3339(from)) +
         "&to=" + url_escape(format_rfc3339(kNow + std::chrono::minutes(1)));
}

// A refusal at 90.7 % CPU, just over the limit.
Json narrow_refusal() {
  const model::Thresholds limits;
  anomaly::DeviceDetector detector(limits);
  WallTime now = kNow - seconds(60);
  for (int i = 0; i < 20; ++i) {
    model::Sample sample;
    sample.values = {90.5 + 0.02 * (i * i * 7 % 23), 40.0, 40.0, 50.0};
    detector.observe(sample, now += seconds(1));
  }
  gate::Input input;
  input.now = now;
  input.device = "iot-001";
  input.online = true;
  input.spec = {.id = "iot-001", .hardware = "sim-a", .notes = ""};
  input.record.emplace();
  input.record->enrolled = true;
  input.record->facts.confirmed = model::Image{{2, 1, 4}, std::string(64, 'a')};
  input.confirmed_published_sha256 = std::string(64, 'a');
  input.release.version = {2, 1, 5};
  input.release.hardware = {"sim-a"};
  input.verdict = detector.verdict(now);
  const gate::Grounds grounds{limits, detector.evidence(), {}, now};
  return Json{
      {"seq", 7},
      {"at", format_rfc3339(now)},
      {"kind", "gate.block"},
      {"source", "iot-001"},
      {"data",
       {{"decision", gate::evaluate(input)}, {"record", gate::decision_record(grounds, input)}}}};
}

}  // namespace

TEST_CASE("replay --device judges the stored minutes, page after page", "[cli][history]") {
  Script script;
  serve_minutes(script, span(kNow - std::chrono::hours(6)));
  const auto ran = otactl("replay --device iot-001 --from 6h", script);
  CHECK(ran.err.empty());
  CHECK(ran.code == 0);
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() >= 331);
  CHECK(lines[0] == "timestamp,anomaly_score,level,reason");
  CHECK(lines[1].find(",stable,") != std::string::npos);
  CHECK(lines[320].find(",watch,cpu 8") != std::string::npos);
  CHECK(script.calls.size() == 2);
}

TEST_CASE("replay takes a file or a device, and says so", "[cli][history]") {
  Script script;
  CHECK(otactl("replay", script).code == 2);
  CHECK(otactl("replay a.csv --device iot-001", script).code == 2);
  const auto ran = otactl("replay --device iot-001 --from yesterday", script);
  CHECK(ran.code == 2);
  CHECK(ran.err.find("an age such as 24h") != std::string::npos);
}

TEST_CASE(
    "backtest finds no difference in the same thresholds, and tells devices and times of others",
    "[cli][history]") {
  ota::test::TempFolder folder;
  const auto backtest = [&](Script& script, const std::string& thresholds) {
    const auto file = folder.path() / "other.json";
    std::ofstream(file, std::ios::trunc) << thresholds;
    return otactl(
        "backtest --json --thresholds " + file.string() + " --root " + folder.path().string(),
        script);
  };
  Script script;
  serve_minutes(script, span(WallTime(milliseconds(1))));
  script.answers["GET /v1/devices?limit=1000"] = {
      Json{{"devices", Json::array({Json{{"id", "iot-001"}}})}}};
  script.answers["GET /v1/events?after=0&limit=1000&kind=gate."] = {
      Json{{"events", Json::array({narrow_refusal()})}}};

  const auto same = parse_json(backtest(script, "{}").out);
  REQUIRE(same.has_value());
  CHECK((*same)["levels"].empty());
  CHECK((*same)["decisions"].empty());
  CHECK((*same)["minutes"] == 330);
  CHECK((*same)["decided"] == 1);
  CHECK((*same)["unreadable"] == 0);

  const auto lower = parse_json(backtest(script, R"({"cpu_threshold": 80})").out);
  REQUIRE(lower.has_value());
  REQUIRE_FALSE((*lower)["levels"].empty());
  CHECK((*lower)["levels"].back()["device"] == "iot-001");
  CHECK((*lower)["levels"].back()["then"] == "critical");
  CHECK((*lower)["decisions"].empty());

  const auto higher =
      parse_json(backtest(script, R"({"cpu_threshold": 100, "watch_margin": 5})").out);
  REQUIRE(higher.has_value());
  REQUIRE((*higher)["decisions"].size() == 1);
  CHECK((*higher)["decisions"][0]["now"] == "BLOCKED: Anomaly Detected");
  CHECK((*higher)["decisions"][0]["then"] == "SUCCESS: Update to v2.1.5 initiated");

  CHECK(backtest(script, R"({"cpu_threshold": 140})").err.find("cpu_threshold") !=
        std::string::npos);
  CHECK(otactl("backtest", script).code == 2);
  // What lasted less than a minute was not looked at: it says so.
  const auto file = folder.path() / "same.json";
  std::ofstream(file) << "{}";
  const auto text = otactl(
      "backtest --thresholds " + file.string() + " --root " + folder.path().string(), script);
  CHECK(text.out.find("No difference: 330 minutes, by their means, and 1 decisions") !=
        std::string::npos);
}
