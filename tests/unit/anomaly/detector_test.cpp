#include "anomaly/detector.h"

#include "anomaly/evidence.h"
#include "base/json_numbers.h"
#include "sim/profile.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace std::chrono_literals;
using ota::WallTime;
using ota::anomaly::DeviceDetector;
using ota::model::BootId;
using ota::model::Level;
using ota::model::Metric;
using ota::model::Sample;
using ota::model::SampleFault;
using ota::model::Thresholds;

namespace {

using ota::test::kStart;

// A device whose readings a test sets by hand, one a step.
struct Device {
  explicit Device(const Thresholds& thresholds = {}, std::chrono::milliseconds interval = 1s)
      : detector(thresholds), step(interval) {}

  Level send(double cpu, double mem = 35, double disk = 40, double temp = 44) {
    Sample sample;
    sample.seq = ++seq;
    sample.boot = boot;
    sample.at = now;
    sample.values = {cpu, mem, disk, temp};
    return send(sample);
  }
  Level send(const Sample& sample) {
    now += step;
    detector.observe(sample, now);
    return detector.level(now);
  }
  Level send_for(std::chrono::milliseconds time, double cpu, double mem = 35) {
    Level last = Level::kUnknown;
    for (auto end = now + time; now < end;)
      last = send(cpu, mem);
    return last;
  }

  DeviceDetector detector;
  std::chrono::milliseconds step;
  WallTime now = kStart;
  BootId boot{1, 2};
  std::uint64_t seq = 0;
};

}  // namespace

TEST_CASE("a device is unknown until it sent enough samples of this boot", "[anomaly]") {
  Device device;
  CHECK(device.detector.level(device.now) == Level::kUnknown);
  CHECK(device.detector.verdict(device.now).label == "No telemetry");
  for (int i = 0; i < 4; ++i)
    CHECK(device.send(12) == Level::kUnknown);
  CHECK(device.detector.verdict(device.now).label == "Starting");
  CHECK(device.send(12) == Level::kStable);
  CHECK(device.detector.verdict(device.now).label == "Stable");

  device.boot = BootId{3, 4};
  CHECK(device.send(12) == Level::kUnknown);
}

TEST_CASE("a simulated healthy device is never critical and seldom watched", "[anomaly]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    ota::sim::SimulatedSensors sensors(ota::sim::Profile::kStable, seed);
    Device device;
    int watched = 0;
    for (int second = 0; second < 3600; ++second) {
      Sample sample;
      sample.values = sensors.read(second);
      sample.boot = device.boot;
      const Level level = device.send(sample);
      if (second >= 5) REQUIRE(level >= Level::kStable);
      if (second >= 5 && second < 220) REQUIRE(level == Level::kStable);
      REQUIRE(level != Level::kCritical);
      watched += level == Level::kWatch ? 1 : 0;
    }
    // One row in a thousand begins an incident, of forty seconds, until the budget of a day is
    // spent: at most a twelfth of the first hour.
    CHECK(watched <= 300);
  }
}

TEST_CASE("the first 220 readings say that they are for learning", "[anomaly]") {
  Device device;
  device.send_for(87s, 12);
  CHECK(device.detector.verdict(device.now).sentence ==
        "All readings are within their limits. Learning what is usual, 87 of 220 readings.");
  ota::sim::SimulatedSensors sensors(ota::sim::Profile::kStable, 9);
  for (int second = 0; second < 200; ++second) {
    Sample sample;
    sample.values = sensors.read(second);
    sample.boot = device.boot;
    device.send(sample);
  }
  CHECK(device.detector.verdict(device.now).sentence.find("Learning") == std::string::npos);
}

TEST_CASE("a stressed device is critical within ten seconds, as High Load", "[anomaly]") {
  for (const auto interval : {100ms, 200ms, 1000ms}) {
    Device device({}, interval);
    ota::sim::SimulatedSensors sensors(ota::sim::Profile::kStressed, 3);
    while (device.now < kStart + 10s) {
      Sample sample;
      sample.values = sensors.read(std::chrono::duration<double>(device.now - kStart).count());
      device.send(sample);
    }
    const auto verdict = device.detector.verdict(device.now);
    CHECK(verdict.level == Level::kCritical);
    CHECK(verdict.label == "High Load");
    CHECK(verdict.risk >= 70);
    REQUIRE_FALSE(verdict.signals.empty());
    CHECK(verdict.signals.front().metric == "cpu");
    CHECK(verdict.signals.front().level == Level::kCritical);
  }
}

TEST_CASE("a verdict begins once and not with each reading", "[anomaly]") {
  Device device;
  device.send_for(30s, 12);
  const auto stable = device.detector.verdict(device.now);
  REQUIRE(stable.level == Level::kStable);
  device.send_for(20s, 12);
  CHECK(device.detector.verdict(device.now).since == stable.since);
}

TEST_CASE("a breach shorter than raise_after is watched and not critical", "[anomaly]") {
  Device device;
  device.send_for(10s, 12);
  CHECK(device.send_for(4s, 99) == Level::kWatch);
  CHECK(device.send_for(5s, 12) == Level::kWatch);
  CHECK(device.send_for(10s, 12) == Level::kStable);
}

TEST_CASE("a value just under its limit is watched and never stable", "[anomaly]") {
  Device device;
  device.send_for(10s, 12);
  CHECK(device.send_for(60s, 89.9) == Level::kWatch);
  CHECK(device.detector.verdict(device.now).label == "Load Near Limit");
}

TEST_CASE("what a verdict says would clear it, clears it", "[anomaly]") {
  Device device;
  device.send_for(30s, 97);
  const auto critical = device.detector.verdict(device.now);
  CHECK(critical.level == Level::kCritical);
  CHECK(critical.would_clear == "CPU under 80 % for 10 s");
  CHECK(device.send_for(10s, 79.9) != Level::kStable);
  CHECK(device.send(79.9) == Level::kStable);
  CHECK(device.detector.verdict(device.now).would_clear.empty());
}

TEST_CASE("between the limit and its hysteresis a critical device stays critical", "[anomaly]") {
  Device device;
  device.send_for(30s, 97);
  CHECK(device.send_for(120s, 86) == Level::kCritical);
  CHECK(device.send_for(12s, 84) == Level::kWatch);
}

TEST_CASE("a silent device becomes unknown, and silence clears nothing", "[anomaly]") {
  Device device;
  device.send_for(30s, 97);
  CHECK(device.detector.level(device.now + 15s) == Level::kCritical);
  CHECK(device.detector.level(device.now + 15001ms) == Level::kUnknown);
  CHECK(device.detector.verdict(device.now + 60s).since == device.now + 15s);
  CHECK(device.detector.risk(device.now + 60s) == 0);

  device.send(12);
  device.now += 10min;
  CHECK(device.send(12) == Level::kCritical);
}

TEST_CASE("a restart of the agent does not hide a breach", "[anomaly]") {
  Device device;
  device.send_for(30s, 97);
  device.boot = BootId{9, 9};
  CHECK(device.send(97) == Level::kCritical);
}

TEST_CASE("a device that keeps its load to itself is unknown and never stable", "[anomaly]") {
  Device device;
  const auto send = [&](std::optional<double> cpu, std::optional<double> mem) {
    Sample sample;
    sample.boot = device.boot;
    sample.values = {cpu, mem, 40.0, 44.0};
    return device.send(sample);
  };
  for (int i = 0; i < 60; ++i)
    CHECK(send(std::nullopt, std::nullopt) == Level::kUnknown);
  auto verdict = device.detector.verdict(device.now);
  CHECK(verdict.label == "Incomplete Telemetry");
  CHECK(verdict.sentence == "No CPU and no memory reading has come since the device started.");
  CHECK(verdict.would_clear == "a CPU reading, a memory reading");
  REQUIRE(verdict.signals.size() == 2);
  CHECK(verdict.signals[1].text == "no memory reading since the device started");
  // The same of what is kept of it.
  const auto again = ota::anomaly::explain_evidence(device.detector.evidence(), {}, device.now);
  REQUIRE(again.has_value());
  CHECK(again->sentence == verdict.sentence);
  REQUIRE(again->signals.size() == 2);
  CHECK(again->signals[0].text == verdict.signals[0].text);
  CHECK(send(12, std::nullopt) == Level::kUnknown);
  verdict = device.detector.verdict(device.now);
  CHECK(verdict.sentence == "No memory reading has come since the device started.");
  CHECK(verdict.would_clear == "a memory reading");
  CHECK(send(std::nullopt, 35) == Level::kStable);

  Device mute;
  Sample nothing;
  nothing.boot = mute.boot;
  for (int i = 0; i < 10; ++i)
    CHECK(mute.send(nothing) == Level::kUnknown);
  const auto mute_again = ota::anomaly::explain_evidence(mute.detector.evidence(), {}, mute.now);
  REQUIRE(mute_again.has_value());
  CHECK(mute_again->would_clear == mute.detector.verdict(mute.now).would_clear);

  // What the last boot sent says nothing about this one; a breach is one all the same.
  device.boot = BootId{7, 7};
  for (int i = 0; i < 5; ++i)
    CHECK(send(std::nullopt, 36) == Level::kUnknown);
  CHECK(device.detector.verdict(device.now).sentence ==
        "No CPU reading has come since the device started.");
  for (int i = 0; i < 20; ++i)
    send(std::nullopt, 99);
  CHECK(device.detector.level(device.now) == Level::kCritical);
}

TEST_CASE("a metric that is no longer reported is watched, and a breach of it stays", "[anomaly]") {
  Device device;
  device.send_for(10s, 12);
  Sample without_temperature;
  without_temperature.boot = device.boot;
  without_temperature.values = {12.0, 35.0, 40.0, std::nullopt};
  for (int i = 0; i < 20; ++i)
    device.send(without_temperature);
  const auto verdict = device.detector.verdict(device.now);
  CHECK(verdict.level == Level::kWatch);
  CHECK(verdict.label == "Bad Telemetry");
  CHECK(verdict.would_clear == "a temperature reading");
  CHECK(device.send(12) == Level::kStable);
}

TEST_CASE("an impossible reading is never healthy, a single repeated one is harmless",
          "[anomaly]") {
  Device device;
  device.send_for(10s, 12);
  device.detector.refuse(SampleFault::kRepeated, device.now);
  CHECK(device.detector.level(device.now) == Level::kStable);
  device.detector.refuse(SampleFault::kOutOfRange, device.now);
  CHECK(device.detector.level(device.now) == Level::kWatch);
  CHECK(device.send_for(5s, 12) == Level::kWatch);
  CHECK(device.send_for(10s, 12) == Level::kStable);
}

TEST_CASE("new limits apply to the last value and keep the history", "[anomaly]") {
  Device device;
  device.send_for(30s, 92);
  CHECK(device.detector.level(device.now) == Level::kCritical);
  Thresholds looser;
  looser.cpu_threshold = 99;
  looser.watch_margin = 3;
  device.detector.set_thresholds(std::make_shared<const Thresholds>(looser));
  CHECK(device.detector.level(device.now) == Level::kStable);
  CHECK(device.send(98) == Level::kStable);
}

TEST_CASE("heat is Overheating and a full disk is Disk Full", "[anomaly]") {
  Device hot;
  for (int i = 0; i < 20; ++i)
    hot.send(20, 35, 40, 92);
  CHECK(hot.detector.verdict(hot.now).label == "Overheating");
  Device full;
  for (int i = 0; i < 20; ++i)
    full.send(20, 35, 99, 44);
  CHECK(full.detector.verdict(full.now).label == "Disk Full");
}

TEST_CASE("a clock that is set back neither clears nor breaks anything", "[anomaly]") {
  Device device;
  device.send_for(30s, 97);
  device.now -= 24h;
  CHECK(device.send(97) == Level::kCritical);
}
