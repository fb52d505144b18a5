#include "config/edit_report.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::config;

namespace {

Look look(double cpu, std::vector<Problem> problems) {
  auto settings = std::make_shared<model::Settings>();
  settings->thresholds.cpu_threshold = cpu;
  return {std::move(settings), std::move(problems)};
}

const Problem kBad{"config/ota_settings.json", 3, 20, "max_retries is -1; accepted: 0 to 10"};
const Problem kWorse{"config/ota_settings.json", 4, 1, "unknown key"};
using Kind = EditLine::Kind;

}  // namespace

TEST_CASE("one bad file beside a good edit is named, and the rest is said to be applied",
          "[config]") {
  const auto lines = describe_edit(look(90, {}), look(70, {kBad, kWorse}));
  CHECK(lines ==
        std::vector<EditLine>{
            {Kind::kRefused,
             "config/ota_settings.json is refused, and what it last held right stays in force: "
             "config/ota_settings.json:3:20: max_retries is -1; accepted: 0 to 10 (and 1 more)"},
            {Kind::kApplied,
             "configuration applied, all but config/ota_settings.json: config/thresholds.json "
             "cpu_threshold from 90 to 70"}});
}

TEST_CASE("a file that is as bad as before is not told again when another one is taken",
          "[config]") {
  CHECK(describe_edit(look(90, {kBad}), look(70, {kBad})) ==
        std::vector<EditLine>{
            {Kind::kApplied,
             "configuration applied, all but config/ota_settings.json: config/thresholds.json "
             "cpu_threshold from 90 to 70"}});
  CHECK(describe_edit(look(90, {kBad}), look(90, {kWorse})).size() == 1);
}

TEST_CASE("an edit that mends the last bad file is told as applied", "[config]") {
  CHECK(describe_edit(look(90, {kBad}), look(90, {})) ==
        std::vector<EditLine>{
            {Kind::kApplied, "configuration applied: no value is another than before"}});
}

TEST_CASE("an edit that is applied names each file, key, old and new value", "[config]") {
  const model::Settings before;
  model::Settings after;
  after.console.port = 9443;
  after.console.limits.header_timeout = milliseconds(2500);
  after.console.agents = {{"iot-001", "agents/iot-001"}};
  after.console.screen.keys["update"] = {"U", "F2"};
  after.ota.target_version = model::Version(2, 2, 0);
  after.ota.model_overrides.emplace("rpi4", model::Version(2, 1, 9));
  after.ota.ddi_without_telemetry = model::DdiWithoutTelemetry::kAllow;
  after.whitelist.devices = {{"iot-001", "sim-a", "lab", "by the door"}};
  CHECK(edits_between(before, after) ==
        std::vector<Edit>{
            {"config/console.json", "listen.port", "8443", "9443"},
            {"config/console.json", "limits.header_timeout_s", "10", "2.5"},
            {"config/ota_settings.json", "target_version", "\"2.1.5\"", "\"2.2.0\""},
            {"config/ota_settings.json", "gate.ddi_without_telemetry", "\"block\"", "\"allow\""},
            {"config/console.json", "agents[iot-001]", "", "agents/iot-001"},
            {"config/console.json", "screen.keys.update", "", "U F2"},
            {"config/ota_settings.json", "model_overrides.rpi4", "", "2.1.9"},
            {"config/devices.json", "devices[iot-001]", "", "sim-a, group lab, by the door"}});
  model::Settings moved = after;
  moved.whitelist.devices.front().group = "hall";
  const auto edits = edits_between(after, moved);
  REQUIRE(edits.size() == 1);
  CHECK(edits.front() == Edit{"config/devices.json", "devices[iot-001]",
                              "sim-a, group lab, by the door", "sim-a, group hall, by the door"});
  CHECK(edits_between(after, {}).size() == 8);
  CHECK(edits_between(after, after).empty());
}

// A key that describe_values() does not see would be applied without a word.
TEST_CASE("no value of the settings changes without being named", "[config]") {
  const model::Settings before;
  const auto named = [&](const auto& change) {
    model::Settings after;
    change(after);
    REQUIRE_FALSE(after == before);
    return edits_between(before, after).size() == 1;
  };
  using Settings = model::Settings;
  CHECK(named([](Settings& s) { s.console.ddi.on = true; }));
  CHECK(named([](Settings& s) { s.console.ddi.port = 1; }));
  CHECK(named([](Settings& s) { s.console.ddi.public_url = "https://x"; }));
  CHECK(named([](Settings& s) { s.console.extra_names = {"a", "b"}; }));
  CHECK(named([](Settings& s) { s.console.screen.hidden_columns = {"risk"}; }));
  CHECK(named([](Settings& s) { s.console.store_url = "sqlite:other.db"; }));
  CHECK(named([](Settings& s) { s.console.certificate_lifetime = std::chrono::hours(36); }));
  CHECK(named([](Settings& s) { s.thresholds.temp_threshold = 80.5; }));
  CHECK(named([](Settings& s) { s.ota.target_version.reset(); }));
  CHECK(named([](Settings& s) { s.ota.boot_deadline = milliseconds(1500); }));
  CHECK(named([](Settings& s) { s.ota.maintenance_windows.emplace_back().name = "night"; }));
  CHECK(named([](Settings& s) { s.ota.data_budget.bytes_per_day = 5; }));
  CHECK(named([](Settings& s) { s.ota.data_budget.groups["roof"] = 5; }));
  CHECK(named([](Settings& s) { s.ota.data_budget.devices["iot-001"] = 5; }));
}
