// The language in which an operator says which devices he means.
#include "fleet/device_filter.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::fleet;

namespace {

const WallTime kNow = WallTime(seconds(1'800'000'000));

DeviceRow row_of(const std::string& id, const std::string& group, const char* version,
                 const char* target) {
  DeviceRow row;
  row.id = id;
  row.spec =
      std::make_shared<const model::DeviceSpec>(model::DeviceSpec{id, "sim-a", group, "notes"});
  auto record = std::make_shared<model::DeviceRecord>();
  record->id = id;
  if (version != nullptr)
    record->facts.confirmed = model::Image{*model::Version::parse(version), ""};
  row.record = record;
  if (target != nullptr) row.target = *model::Version::parse(target);
  row.state = DeviceState::kBlocked;
  row.level = model::Level::kCritical;
  row.label = "High Load";
  row.gate = "cpu, mem";
  row.last_seen = kNow - std::chrono::minutes(10);
  return row;
}

bool matches(const std::string& filter, const DeviceRow& row) {
  const auto parsed = DeviceFilter::parse(filter);
  INFO(filter);
  REQUIRE(parsed.has_value());
  return parsed->matches(row, kNow);
}

}  // namespace

TEST_CASE("a filter says which devices are meant", "[fleet]") {
  DeviceRow row = row_of("iot-002", "line-1", "2.1.4", "2.1.6");
  row.job = "job-000007";
  row.job_state = model::JobState::kFailed;
  for (const char* filter : {"",
                             "  ",
                             "iot",
                             "IOT-0",
                             "sim-a line",
                             "!lab",
                             "load",
                             "v2.1.4",
                             "v2.1.6",
                             "blocked",
                             "id:iot-002",
                             "id:IOT-002",
                             "id:iot-*",
                             "id:*2",
                             "id:*",
                             "id:iot-001,iot-002",
                             "!id:iot-001,iot-003",
                             "group:line-1",
                             "model:sim-*",
                             "state:blocked",
                             "state:ONLINE,BLOCKED",
                             "verdict:critical",
                             "!verdict:stable,watch",
                             "gate:cpu",
                             "gate:mem",
                             "version:2.1.4",
                             "version:v2.1.4",
                             "version:<2.1.5",
                             "version:<=2.1.4",
                             "version:>=2.1.4",
                             "version:>2.1.3",
                             "target:2.1.6",
                             "!target:none",
                             "behind",
                             "BEHIND",
                             "behind group:line-1",
                             "lab,behind",
                             "job:failed",
                             "!job:none",
                             "seen:>5m",
                             "seen:<1h",
                             "!seen:never",
                             "seen:<1m,>9m",
                             "group:lab,line-1",
                             "group:lab,verdict:critical"}) {
    CAPTURE(filter);
    CHECK(matches(filter, row));
  }
  for (const char* filter : {"lab",
                             "!iot",
                             "id:iot-00",
                             "id:iot-0021",
                             "id:ot-*",
                             "group:line",
                             "group:line-10",
                             "model:sim",
                             "state:online",
                             "verdict:watch,stable",
                             "gate:disk",
                             "version:2.1.6",
                             "version:<2.1.4",
                             "version:>2.1.4",
                             "version:none",
                             "!behind",
                             "job:succeeded",
                             "job:none",
                             "seen:<5m",
                             "seen:>1h",
                             "seen:never",
                             "behind group:lab",
                             "!lab,behind"}) {
    CAPTURE(filter);
    CHECK_FALSE(matches(filter, row));
  }
}

TEST_CASE("what a device has not is asked for by none and never", "[fleet]") {
  DeviceRow row = row_of("iot-003", "", nullptr, nullptr);
  row.last_seen = WallTime{};
  for (const char* filter : {"version:none", "target:none", "job:none", "seen:never", "!behind"})
    CHECK(matches(filter, row));
  for (const char* filter :
       {"version:<9.0.0", "version:>=0.0.0", "target:2.1.6", "behind", "seen:>1s", "seen:<30d"})
    CHECK_FALSE(matches(filter, row));
  // No target is no wish; one that is not newer is none either.
  CHECK_FALSE(matches("behind", row_of("a", "", "2.1.6", "2.1.6")));
  CHECK_FALSE(matches("behind", row_of("a", "", "2.1.7", "2.1.6")));
}

TEST_CASE("a filter that cannot be read is refused with what is taken", "[fleet]") {
  const auto problem = [](const std::string& filter) {
    const auto parsed = DeviceFilter::parse(filter);
    INFO(filter);
    REQUIRE_FALSE(parsed.has_value());
    return parsed.error().context;
  };
  CHECK(problem("verison:2.1.4").find("version:") != std::string::npos);
  CHECK(problem("!verison:2.1.4").find("no key 'verison:'") != std::string::npos);
  CHECK(problem("state:dead").find("ROLLBACK") != std::string::npos);
  CHECK(problem("verdict:bad").find("critical") != std::string::npos);
  CHECK(problem("job:lost").find("none") != std::string::npos);
  CHECK(problem("seen:5m").find(">5m") != std::string::npos);
  CHECK_FALSE(problem("seen:>soon").empty());
  CHECK_FALSE(problem("version:two").empty());
  CHECK_FALSE(problem("group:").empty());
  // What names nothing does not mean all: an order could come of it.
  for (const char* nothing : {"!", ",", "!,", "behind !", "a ,"})
    CHECK(problem(nothing).find("names nothing") != std::string::npos);
  for (const char* twice : {"!!iot-001", "iot-001,!iot-002"})
    CHECK(problem(twice).find("one '!'") != std::string::npos);
  CHECK(DeviceFilter::parse("  lab  ").has_value());
  // The word of one key is no key of its own.
  CHECK_FALSE(problem("version:2.1.4,behind").empty());
  CHECK(DeviceFilter::parse(std::string(kMaxFilter + 1, 'a')).error().code == Errc::kLimit);
  CHECK(problem("\x1b[2J:x").find('\x1b') == std::string::npos);
}

TEST_CASE("only a filter that asks how long ago changes its answer by itself", "[fleet]") {
  CHECK(DeviceFilter::parse("lab !seen:>5m")->reads_clock());
  for (const char* filter : {"", "seen", "seen:never", "behind version:2.1.4"})
    CHECK_FALSE(DeviceFilter::parse(filter)->reads_clock());
}
