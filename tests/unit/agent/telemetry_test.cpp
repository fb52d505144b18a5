#include "agents/telemetry.h"

#include "agents/backoff.h"
#include "agents/host_metrics.h"
#include "base/json.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;

namespace {
const model::BootId kBoot{1, 2};
const WallTime kNow = *parse_rfc3339("2026-08-20T14:03:22.123Z");
const MonoTime kTaken{seconds(100)};
const ServerTime kNothingHeard;
}  // namespace

TEST_CASE("samples carry number, boot, time and what the sensors gave, no more", "[agent]") {
  SampleBuffer buffer(kBoot, 10);
  buffer.add({12.5, 40.0, std::nullopt, std::nullopt}, kTaken, kNow);
  const auto body = parse_json(buffer.batch(5, kNothingHeard));
  REQUIRE(body.has_value());
  CHECK(*body == Json::parse(R"([{"seq":1,"boot_id":"00000000000000010000000000000002",
                                  "time":"2026-08-20T14:03:22.123Z","cpu":12.5,"mem":40.0}])"));
}

TEST_CASE("while nobody takes samples the oldest give way and the numbers show the gap",
          "[agent]") {
  SampleBuffer buffer(kBoot, 3);
  for (int i = 0; i < 5; ++i)
    buffer.add({1.0, {}, {}, {}}, kTaken, kNow);
  CHECK(buffer.size() == 3);
  CHECK((*parse_json(buffer.batch(1, kNothingHeard)))[0]["seq"] == 3);
  buffer.drop(2);
  CHECK((*parse_json(buffer.batch(9, kNothingHeard)))[0]["seq"] == 5);
  buffer.drop(9);
  CHECK(buffer.empty());
}

TEST_CASE("a sample that is sent again has the time that it was first sent with", "[agent]") {
  SampleBuffer buffer(kBoot, 3);
  ServerTime time;
  const auto sent = [&] {
    return (*parse_json(buffer.batch(1, time)))[0]["time"].get<std::string>();
  };
  time.heard(kNow, kTaken, kTaken, kNow + std::chrono::hours(2));
  buffer.add({1.0, {}, {}, {}}, kTaken, kNow + std::chrono::hours(2));
  const std::string first = sent();
  time.heard(kNow + std::chrono::hours(1), kTaken, kTaken, kNow);
  CHECK(sent() == first);
}

TEST_CASE("readings without any value are no sample", "[agent]") {
  SampleBuffer buffer(kBoot, 3);
  buffer.add({}, kTaken, kNow);
  CHECK(buffer.empty());
}

TEST_CASE("the pauses of a back-off double with jitter up to the longest", "[agent]") {
  Backoff backoff(milliseconds{1000}, milliseconds{8000}, 1);
  const std::array<int, 6> steps{1000, 2000, 4000, 8000, 8000, 8000};
  for (const int step : steps) {
    const auto pause = backoff.next().count();
    CHECK(pause >= step / 2);
    CHECK(pause <= step * 3 / 2);
  }
  backoff.reset();
  CHECK(backoff.next().count() <= 1500);
}

TEST_CASE("CPU ticks and memory are read as the kernel writes them", "[agent]") {
  const auto ticks = parse_cpu_ticks("cpu  100 20 30 800 50 1 2 3 40 0\ncpu0 1 2 3 4\n");
  REQUIRE(ticks);
  CHECK(ticks->all == 1006);
  CHECK(ticks->busy == 156);
  CHECK_FALSE(parse_cpu_ticks("intr 1 2 3"));
  CHECK_FALSE(parse_cpu_ticks("cpu  a b c d"));
  CHECK(*parse_memory_percent("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  250 kB\n") ==
        Approx(75));
  CHECK_FALSE(parse_memory_percent("MemTotal: 1000 kB\n"));
  CHECK_FALSE(parse_memory_percent("MemTotal: 0 kB\nMemAvailable: 0 kB\n"));
}

TEST_CASE("the host's own readings are plausible, and the CPU's needs two looks", "[agent]") {
  HostMetrics metrics;
  const auto readings = metrics.read();
  for (std::size_t i = 0; i < 3; ++i) {
    if (!readings[i]) continue;
    CHECK(*readings[i] >= 0);
    CHECK(*readings[i] <= 100);
  }
  CHECK(readings[1].has_value());
  CHECK(readings[2].has_value());
}
