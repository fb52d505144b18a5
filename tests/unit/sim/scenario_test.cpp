#include "sim/scenario.h"

#include <set>

#include "sim/runner.h"
#include "sim/steps.h"
#include "sim/steps/common.h"
#include "tests/support/catch.h"
#include "tests/support/text.h"

using namespace ota;
using namespace ota::sim;

namespace {

std::string refusal_of(const std::string& text) {
  const auto parsed = parse_scenario(text);
  return parsed ? std::string() : parsed.error().text();
}

using test::has;

}  // namespace

TEST_CASE("every kind of step has a name of its own and words for its keys", "[sim]") {
  std::set<std::string_view> names;
  for (const StepKind& kind : step_kinds()) {
    INFO(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK_FALSE(kind.help.empty());
    CHECK(kind.run != nullptr);
    CHECK(find_step_kind(kind.name) == &kind);
    for (const Key& key : kind.keys)
      CHECK_FALSE(key.help.empty());
  }
  CHECK(find_step_kind("dance") == nullptr);
}

TEST_CASE("a scenario is read with its defaults", "[sim]") {
  const auto parsed = parse_scenario(R"({"name":"n","description":"d",
      "devices":[{"id":"iot-001"}],
      "releases":[{"version":"2.1.6","lines":"health: fail","pad_kib":1}],
      "steps":[{"do":"start","what":"console"}]})");
  REQUIRE(parsed.has_value());
  CHECK(parsed->devices[0].hardware == "sim-a");
  CHECK(parsed->devices[0].enrolled);
  CHECK(parsed->patience == milliseconds(15000));
  CHECK(parsed->releases[0].release.version == model::Version(2, 1, 6));
  const std::string image = image_of(parsed->releases[0]);
  CHECK(has(image.substr(0, 1024), "\nhealth: fail\n"));
  CHECK(image.size() > 1024 + 65536);
}

TEST_CASE("a mistake in a scenario is named with its place", "[sim]") {
  const std::string head = R"({"name":"n","description":"d",)";
  CHECK(has(refusal_of(head + R"("steps":[{"do":"dance"}]})"), "steps[0].do: no such step: dance"));
  CHECK(has(refusal_of(head + R"("steps":[{"do":"start"}]})"), "steps[0].what is missing"));
  CHECK(has(refusal_of(head + R"("steps":[{"do":"start","what":"x","speed":1}]})"),
            "steps[0].speed: no such key"));
  CHECK(has(refusal_of(head + R"("steps":[{"do":"start","what":7}]})"), "steps[0].what is 7"));
  CHECK(has(refusal_of(head + R"("devices":[{"id":"../x"}],"steps":[]})"), "devices[0].id"));
  CHECK(has(refusal_of(head + R"("devices":[{"id":"a","profile":"sad"}],"steps":[]})"),
            "devices[0].profile"));
  CHECK(
      has(refusal_of(head + R"("releases":[{"version":"x"}],"steps":[]})"), "releases[0].version"));
  CHECK(has(refusal_of(R"({"name":"n"})"), "description is missing"));
  CHECK_FALSE(refusal_of("[]").empty());
  CHECK_FALSE(refusal_of("{").empty());
}

TEST_CASE("a device's fields are read by the names of the screen", "[sim]") {
  const Json device{
      {"row",
       {{"state", "ONLINE"},
        {"level", "stable"},
        {"online", true},
        {"risk", 7},
        {"facts", {{"confirmed", {{"version", "2.1.5"}}}, {"written", {{"version", "2.1.6"}}}}}}},
      {"record", {{"slot", "B"}}},
      {"jobs", {{{"state", "failed"}, {"error_code", "image.hash"}}}}};
  CHECK(field_of(device, "state") == "ONLINE");
  CHECK(field_of(device, "verdict") == "stable");
  CHECK(field_of(device, "version") == "2.1.5");
  CHECK(field_of(device, "written") == "2.1.6");
  CHECK(field_of(device, "booted").empty());
  CHECK(field_of(device, "online") == "true");
  CHECK(field_of(device, "slot") == "B");
  CHECK(field_of(device, "job_state") == "failed");
  CHECK(field_of(device, "job_error") == "image.hash");
  CHECK(field_of(device, "/row/risk") == "7");
  CHECK(field_of(device, "/nothing/there").empty());
}

TEST_CASE("comparisons know the order of a job's states", "[sim]") {
  CHECK(*compare("installing", "reached", "verifying"));
  CHECK_FALSE(*compare("downloading", "reached", "verifying"));
  CHECK(*compare("97", "above", "90"));
  CHECK(*compare("a b", "contains", "b"));
  CHECK(*compare("x", "is-not", "y"));
  CHECK_FALSE(compare("x", "like", "y").has_value());
  CHECK_FALSE(compare("installing", "reached", "done").has_value());
}

TEST_CASE("a trace holds no times, digests or ports, and each event once", "[sim]") {
  const auto event = [](const std::string& kind, const std::string& message) {
    return Json{{"severity", "info"}, {"kind", kind}, {"source", "s"}, {"message", message}};
  };
  const auto trace = trace_of({event("b.x", "until 2026-11-23T06:52:49Z on 127.0.0.1:4711"),
                               event("a.x", "key 0123456789abcdef0123456789abcdef"),
                               event("a.x", "key 0123456789abcdef0123456789abcdff"),
                               event("verdict.stable", "CPU 12.3 %")});
  CHECK(trace == std::vector<std::string>{"info a.x s key DIGEST",
                                          "info b.x s until TIME on 127.0.0.1:PORT",
                                          "info verdict.stable s "});
}
