// A fleet of two devices over a store in memory and a clock that stands still: iot-001 and iot-002,
// hardware "sim-a", releases v2.1.4 and v2.1.5 published.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fleet/fleet.h"
#include "tests/support/catch.h"
#include "tests/support/hand_executor.h"
#include "tests/support/memory_store.h"
#include "tests/support/start_time.h"

namespace ota::test {

inline const std::string kDigest214(64, 'a');
inline const std::string kDigest215(64, 'b');

class SmallFleet {
 public:
  SmallFleet() : SmallFleet(default_settings()) {}
  explicit SmallFleet(model::Settings settings)
      : settings_(std::make_shared<const model::Settings>(std::move(settings))) {
    start();
  }

  static model::Settings default_settings() {
    model::Settings settings;
    settings.whitelist.devices = {{"iot-001", "sim-a", "default", ""},
                                  {"iot-002", "sim-a", "default", ""}};
    settings.ota.max_retries = 1;
    return settings;
  }

  // As after a restart of the server: memory is gone, the store is there.
  void start() {
    fleet.reset();
    fleet = std::make_unique<fleet::Fleet>(store, clock, strand, settings_);
    fleet->set_hooks({.wake_device = [this](const std::string& id) { woken.push_back(id); },
                      .cut_off_device = [this](const std::string& id) { cut_off.push_back(id); },
                      .new_events = [this] { ++event_calls; }});
    fleet->set_releases({release(model::Version(2, 1, 4), kDigest214),
                         release(model::Version(2, 1, 5), kDigest215)});
    REQUIRE(fleet->load());
  }

  static model::Release release(const model::Version& version, const std::string& digest) {
    model::Release out;
    out.version = version;
    out.hardware = {"sim-a"};
    out.target = "firmware-" + version.text() + ".img";
    out.length = 100;
    out.sha256 = digest;
    return out;
  }

  // Runs one call of the fleet to its end and gives its answer.
  Result<void> wait(const std::function<void(fleet::Done)>& call) {
    Result<void> answer = fail(Errc::kInternal, "never answered");
    call([&answer](const Result<void>& done) { answer = done; });
    REQUIRE(store.flush());
    return answer;
  }

  void enrol(const std::string& id) {
    REQUIRE(wait([&](fleet::Done done) {
      fleet->enrolled({id}, "serial-" + id, "key-" + id, clock.wall() + std::chrono::days(90),
                      done);
    }));
    status(id, model::Version(2, 1, 4), kDigest214);
  }

  void status(const std::string& id, const model::Version& version, const std::string& digest,
              const model::BootId& boot = {}) {
    fleet::DeviceStatus said;
    said.agent = "ota-agent 1.0.0";
    said.hardware = "sim-a";
    said.slot = "A";
    said.boot = boot;
    said.running = model::Image{version, digest};
    said.confirmed = said.running;
    REQUIRE(wait([&](fleet::Done done) { fleet->report_status(id, said, done); }));
  }

  model::Sample sample(const std::string& id, double cpu) {
    model::Sample out;
    out.seq = ++seq_[id];
    out.boot = {1, 1};
    out.at = clock.wall();
    out.value(model::Metric::kCpu) = cpu;
    out.value(model::Metric::kMem) = 40;
    out.value(model::Metric::kDisk) = 30;
    out.value(model::Metric::kTemp) = 45;
    return out;
  }

  fleet::IngestResult send(const std::string& id, const model::Sample& one) {
    return fleet->ingest(id, {&one, 1});
  }

  // CPU of a quiet device: it moves a little, and never as it did before (a series that comes again
  // is taken for a copy).
  double quiet_cpu() {
    constexpr std::uint32_t kStep = 1664525, kAdd = 1013904223;  // Numerical Recipes' generator
    quiet_ = quiet_ * kStep + kAdd;
    return 10 + static_cast<double>(quiet_ >> 16) / 16384.0;
  }

  // A sample a second.
  void run(const std::string& id, double cpu, int for_seconds) {
    for (int i = 0; i < for_seconds; ++i) {
      clock.advance(seconds(1));
      const auto result = send(id, sample(id, cpu));
      REQUIRE(result.accepted == 1);
    }
    tick();
  }

  void tick() {
    fleet->tick();
    REQUIRE(store.flush());
  }

  fleet::PushOutcome push(fleet::PushRequest request) {
    if (request.actor.empty()) request.actor = "operator:test";
    std::vector<fleet::PushOutcome> answer;
    fleet->push(std::move(request), [&](const Result<std::vector<fleet::PushOutcome>>& outcomes) {
      answer = outcomes.value();
    });
    REQUIRE(store.flush());
    REQUIRE(answer.size() == 1);
    return answer.front();
  }
  fleet::PushOutcome push(const std::string& id) {
    fleet::PushRequest request;
    request.devices = {id};
    return push(std::move(request));
  }

  std::vector<fleet::Command> commands(const std::string& id) {
    std::vector<fleet::Command> answer;
    fleet->take_commands(
        id, [&](const Result<std::vector<fleet::Command>>& taken) { answer = taken.value(); });
    REQUIRE(store.flush());
    return answer;
  }

  Result<void> report(const std::string& id, const std::string& job, std::uint64_t seq,
                      model::JobState state, const std::string& code = "",
                      const std::string& detail = "") {
    model::JobReport said;
    said.seq = seq;
    said.state = state;
    said.error_code = code;
    said.detail = detail;
    return wait([&](fleet::Done done) { fleet->report_job(id, job, said, done); });
  }

  // All of an update that goes well.
  void update(const std::string& id, const std::string& job) {
    using model::JobState;
    REQUIRE(commands(id).size() == 1);
    std::uint64_t seq = 0;
    for (const auto state : {JobState::kDownloading, JobState::kVerifying, JobState::kInstalling,
                             JobState::kBooting, JobState::kConfirming}) {
      REQUIRE(report(id, job, ++seq, state));
    }
    status(id, model::Version(2, 1, 5), kDigest215);
    REQUIRE(report(id, job, ++seq, JobState::kSucceeded));
  }

  const fleet::DeviceRow& row(const std::string& id) {
    shown_ = fleet->snapshot();
    const auto* found = shown_->find(id);
    REQUIRE(found != nullptr);
    return *found;
  }

  MemoryStore store;
  ManualClock clock{kStart};
  ImmediateExecutor strand;
  std::unique_ptr<fleet::Fleet> fleet;
  std::vector<std::string> woken;
  std::vector<std::string> cut_off;
  int event_calls = 0;

 private:
  std::shared_ptr<const model::Settings> settings_;
  std::map<std::string, std::uint64_t> seq_;
  std::uint32_t quiet_ = 1;
  std::shared_ptr<const fleet::Snapshot> shown_;
};

}  // namespace ota::test
