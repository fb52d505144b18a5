// What the strand promises: long work lets others in between, nothing is told before it is on disk,
// and hooks that were taken off are not called.
#include <atomic>
#include <future>
#include <thread>

#include "tests/support/wait.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using model::Answer;
using model::Version;
using test::kDigest214;
using test::kDigest215;
using test::SmallFleet;

namespace {

std::string name_of(std::size_t number) {
  return "d-" + std::to_string(10'000 + number);
}

// Many enrolled devices that are stable, and a strand that the test runs task by task.
class ManyDevices {
 public:
  explicit ManyDevices(std::size_t count) {
    auto settings = std::make_shared<model::Settings>();
    for (std::size_t i = 0; i < count; ++i) {
      devices.push_back(name_of(i));
      settings->whitelist.devices.push_back({name_of(i), "sim-a", "default", ""});
      model::DeviceRecord record;
      record.id = name_of(i);
      record.enrolled = true;
      record.facts.confirmed = model::Image{Version(2, 1, 4), kDigest214};
      record.trusted.push_back(*record.facts.confirmed);
      store.documents["devices"][name_of(i)] = dump_json(Json(record));
    }
    fleet = std::make_unique<fleet::Fleet>(store, clock, strand, settings);
    fleet->set_releases({SmallFleet::release(Version(2, 1, 5), kDigest215)});
    REQUIRE(fleet->load());
    settle();
    for (std::uint64_t seq = 1; seq <= 8; ++seq) {
      clock.advance(seconds(1));
      for (const std::string& id : devices) {
        model::Sample sample;
        sample.seq = seq;
        sample.boot = {1, 1};
        sample.at = clock.wall();
        sample.value(model::Metric::kCpu) = 12;
        sample.value(model::Metric::kMem) = 40;
        sample.value(model::Metric::kDisk) = 30;
        sample.value(model::Metric::kTemp) = 45;
        REQUIRE(fleet->ingest(id, {&sample, 1}).accepted == 1);
      }
      fleet->tick();
      settle();
    }
  }
  void settle() {
    do {
      REQUIRE(store.flush());
    } while (strand.run() > 0);
  }
  fleet::PushRequest request(bool dry_run) const {
    fleet::PushRequest out;
    out.devices = devices;
    out.dry_run = dry_run;
    out.actor = "operator:test";
    return out;
  }

  test::MemoryStore store;
  ManualClock clock{test::kStart};
  test::HandExecutor strand;
  std::vector<std::string> devices;
  std::unique_ptr<fleet::Fleet> fleet;
};

}  // namespace

TEST_CASE("a question about a whole fleet lets others in after each slice", "[fleet]") {
  ManyDevices it(1000);
  for (const bool dry_run : {true, false}) {
    std::vector<fleet::PushOutcome> outcomes;
    it.fleet->push(it.request(dry_run), [&](const auto& answer) { outcomes = answer.value(); });
    CHECK(outcomes.empty());  // the caller was not held
    CHECK(it.strand.waiting() == 1);
    std::size_t slices = 0;
    while (outcomes.empty()) {
      bool answered = false;
      it.fleet->take_commands("d-99999", [&](const auto&) { answered = true; });
      // What was posted meanwhile is next: before it are a slice, and what came of one.
      for (int i = 0; i < 3 && !answered; ++i)
        it.strand.run_one();
      CHECK(answered);
      if (!dry_run) REQUIRE(it.store.flush());
      REQUIRE(++slices < 1000);
    }
    CHECK(slices > 4);
    REQUIRE(outcomes.size() == it.devices.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      CHECK(outcomes[i].decision.device == it.devices[i]);
      CHECK(outcomes[i].decision.answer == Answer::kAllow);
      CHECK(outcomes[i].job_id.empty() == dry_run);
    }
  }
}

TEST_CASE("a tick looks at the jobs that are due, and at no others", "[fleet]") {
  ManyDevices it(300);
  bool done = false;
  it.fleet->push(it.request(false), [&](const auto&) { done = true; });
  it.settle();
  REQUIRE(done);
  it.fleet->tick();
  CHECK(it.strand.run() == 1);
  // At the deadline all are due at once: in slices.
  it.clock.advance(it.fleet->settings()->ota.queued_deadline);
  it.fleet->tick();
  CHECK(it.strand.run() > 3);
  it.settle();
  CHECK(it.store.of_kind("job.expired").size() == 300);
}

TEST_CASE("the detail page does not wait for the strand", "[fleet]") {
  ManyDevices it(10);
  it.fleet->push(it.request(false), [](const auto&) {});
  it.settle();
  it.fleet->cancel("job-000001", "operator:test", [](const auto&) {});  // stands in the queue
  const auto detail = it.fleet->detail(it.devices.front());
  REQUIRE(detail != nullptr);
  REQUIRE(detail->jobs.size() == 1);
  CHECK(detail->jobs.front().state == model::JobState::kQueued);
  it.settle();
  CHECK(it.fleet->detail(it.devices.front())->jobs.front().state == model::JobState::kCancelled);
}

TEST_CASE("a device that turns critical just after its success is noticed, at the next tick",
          "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  it.update("iot-001", it.push("iot-001").job_id);
  for (int i = 0; i < 20; ++i) {
    it.clock.advance(seconds(1));
    it.send("iot-001", it.sample("iot-001", 98));
  }
  CHECK(it.store.of_kind("job.regressed").empty());
  it.tick();
  CHECK(it.store.of_kind("job.regressed").size() == 1);
}

TEST_CASE("a clock that is set back keeps no deadline waiting for the old time", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  it.tick();
  it.clock.set_wall(it.clock.wall() - std::chrono::hours(5));
  it.woken.clear();
  it.clock.advance(seconds(3));
  it.tick();
  CHECK(it.woken == std::vector<std::string>{"iot-001"});  // its lost command is offered again
}

TEST_CASE("a job has its time by the server's clock, however that is set", "[fleet]") {
  const milliseconds jump =
      GENERATE(milliseconds(std::chrono::hours(2)), -milliseconds(std::chrono::hours(2)));
  INFO(jump.count());
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  REQUIRE(it.commands("iot-001").size() == 1);
  REQUIRE(it.report("iot-001", job, 1, model::JobState::kDownloading));
  it.tick();
  it.clock.set_wall(it.clock.wall() + jump);
  it.tick();
  CHECK(it.fleet->job(job)->state == model::JobState::kDownloading);
  it.clock.advance(it.fleet->settings()->ota.download_deadline - seconds(1));
  it.tick();
  CHECK(it.fleet->job(job)->state == model::JobState::kDownloading);
  CHECK(it.fleet->job(job)->attempt == 1);
  it.clock.advance(seconds(2));
  it.tick();
  CHECK(it.fleet->job(job)->attempt == 2);  // tried again at its deadline
}

TEST_CASE("hooks that were taken off are not running, and are called no more", "[fleet][threads]") {
  SmallFleet it;
  ThreadExecutor strand;
  auto settings = std::make_shared<const model::Settings>(SmallFleet::default_settings());
  fleet::Fleet fleet(it.store, it.clock, strand, settings);
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> inside{false};
  std::atomic<int> calls{0};
  fleet.set_hooks({.wake_device = {},
                   .cut_off_device =
                       [&](const std::string&) {
                         if (++calls > 1) return;
                         inside = true;
                         entered.set_value();
                         leave.get_future().wait();
                         inside = false;
                       },
                   .new_events = {}});
  fleet.revoke("iot-001", "operator:test", [](const auto&) {});
  entered.get_future().wait();
  std::atomic<bool> off{false};
  std::thread takes_off([&] {
    fleet.set_hooks({});
    off = !inside;
  });
  CHECK_FALSE(test::wait_until([&] { return off.load(); }, milliseconds(20)));
  leave.set_value();
  takes_off.join();
  CHECK(off);
  fleet.revoke("iot-002", "operator:test", [](const auto&) {});
  fleet.drain();
  CHECK(calls == 1);
}

TEST_CASE("a fleet that drains has answered all that it was asked", "[fleet]") {
  SmallFleet it;
  test::HandExecutor strand;
  auto settings = std::make_shared<const model::Settings>(SmallFleet::default_settings());
  int answers = 0;
  {
    fleet::Fleet fleet(it.store, it.clock, strand, settings);
    fleet::PushRequest request;
    request.devices = std::vector<std::string>(200, "iot-001");
    for (int i = 0; i < 5; ++i) {
      fleet.push(request, [&](const auto&) { ++answers; });
      fleet.revoke("iot-001", "operator:test", [&](const auto&) { ++answers; });
    }
    fleet.drain();
    CHECK(answers == 10);
    fleet.push(request, [&](const auto&) { ++answers; });
  }
  CHECK(answers == 11);
}
