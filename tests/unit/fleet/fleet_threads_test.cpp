// Devices, operators, screens and the clock at once, over the real store: for ThreadSanitizer, and
// for what must hold whoever comes first.
#include <atomic>
#include <future>
#include <thread>

#include "fleet/fleet.h"
#include "store/store.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace ota;
using model::JobState;

namespace {

constexpr int kDevices = 12;

std::string name_of(int i) {
  return "dev-" + std::to_string(100 + i);
}

template <class Call>
Result<void> wait_for(Call call) {
  std::promise<Result<void>> promise;
  call([&promise](const Result<void>& done) { promise.set_value(done); });
  return promise.get_future().get();
}

struct Running {
  test::TempFolder folder{test::TempFolder::fast_parent()};
  SystemClock clock;
  std::unique_ptr<store::Store> store;
  ThreadExecutor strand;
  std::unique_ptr<fleet::Fleet> fleet;

  Running() {
    store = *store::open_store("sqlite:ota.db", folder.path().string(), clock);
    auto settings = std::make_shared<model::Settings>();
    for (int i = 0; i < kDevices; ++i) {
      settings->whitelist.devices.push_back({name_of(i), "sim-a", "default", ""});
    }
    settings->thresholds.min_samples = 1;
    fleet = std::make_unique<fleet::Fleet>(*store, clock, strand, settings);
    REQUIRE(fleet->load());
    model::Release release;
    release.version = model::Version(2, 1, 5);
    release.hardware = {"sim-a"};
    release.sha256 = std::string(64, 'b');
    fleet->set_releases({release});
  }

  void enrol(const std::string& id) {
    REQUIRE(wait_for([&](fleet::Done done) {
      fleet->enrolled({id}, "serial", "key-" + id, clock.wall() + seconds(3600), std::move(done));
    }));
    REQUIRE(status(id, {model::Version(2, 1, 4), std::string(64, 'a')}));
  }

  // Of many threads, which Catch's assertions are not for: so it answers.
  Result<void> status(const std::string& id, const model::Image& image) {
    fleet::DeviceStatus status;
    status.hardware = "sim-a";
    status.running = image;
    status.confirmed = status.running;
    return wait_for([&](fleet::Done done) { fleet->report_status(id, status, std::move(done)); });
  }

  void sample(const std::string& id, std::uint64_t seq) {
    model::Sample sample;
    sample.seq = seq;
    sample.boot = {1, 1};
    sample.at = clock.wall();
    sample.value(model::Metric::kCpu) = 10;
    sample.value(model::Metric::kMem) = 20;
    fleet->ingest(id, {&sample, 1});
  }

  // What an agent does: fetches its commands and reports the whole way. True where it was updated.
  bool serve_device(const std::string& id) {
    std::promise<std::vector<fleet::Command>> promise;
    fleet->take_commands(id, [&](const Result<std::vector<fleet::Command>>& commands) {
      promise.set_value(commands ? *commands : std::vector<fleet::Command>{});
    });
    bool updated = false;
    for (const fleet::Command& command : promise.get_future().get()) {
      if (command.kind != fleet::Command::Kind::kUpdate) continue;
      std::uint64_t seq = 0;
      for (const auto state : {JobState::kDownloading, JobState::kInstalling, JobState::kBooting,
                               JobState::kSucceeded}) {
        if (state == JobState::kSucceeded &&
            !status(id, {command.release.version, command.release.sha256}))
          return false;
        model::JobReport report;
        report.seq = ++seq;
        report.state = state;
        updated = wait_for([&](fleet::Done done) {
                    fleet->report_job(id, command.job_id, report, std::move(done));
                  }).has_value() &&
                  state == JobState::kSucceeded;
      }
    }
    return updated;
  }
};

}  // namespace

TEST_CASE("a whole fleet is updated while screens look and the clock ticks", "[fleet][threads]") {
  Running it;
  for (int i = 0; i < kDevices; ++i)
    it.enrol(name_of(i));
  std::atomic<bool> stop{false};
  std::atomic<int> updated{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::uint64_t seq = 0;
      while (!stop) {
        ++seq;
        for (int i = t; i < kDevices; i += 3) {
          it.sample(name_of(i), seq);
          if (it.serve_device(name_of(i))) ++updated;
        }
      }
    });
  }
  threads.emplace_back([&] {
    std::uint64_t revision = 0;
    while (!stop) {
      it.fleet->tick();
      const auto snapshot = it.fleet->snapshot();
      // Publications never go back, and a row is whole.
      if (snapshot->revision < revision || snapshot->rows.empty()) std::abort();
      revision = snapshot->revision;
      it.fleet->detail(name_of(0));
      it.fleet->jobs("", 10);
      std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {
    while (!stop) {
      for (int i = 0; i < kDevices && !stop; ++i) {
        fleet::PushRequest request;
        request.devices = {name_of(i)};
        std::promise<void> answered;
        it.fleet->push(
            request, [&](const Result<std::vector<fleet::PushOutcome>>&) { answered.set_value(); });
        answered.get_future().get();
        if (!it.fleet->admit(name_of(i), "serial")) std::abort();
      }
    }
  });
  const bool all = test::wait_until([&] { return updated == kDevices; }, seconds(60));
  stop = true;
  for (std::thread& thread : threads)
    thread.join();
  CHECK(all);
  // Each exactly once: the gate skips who has it.
  int succeeded = 0;
  for (const auto& job : it.fleet->jobs("", 5000))
    succeeded += job.state == JobState::kSucceeded;
  CHECK(succeeded == kDevices);
}
