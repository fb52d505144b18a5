// What deciding costs over 10,000 devices: a dry run, a push, a tick with as many running jobs, the
// detail page; and how long a device that only polls waits beside each.
//
// The fleet, its gate and jobs, and SQLite; no network. Times are of the wall clock, so what else
// runs on the machine is in them; CPU stands beside the push.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "tests/bench/bench.h"
#include "tests/bench/large_fleet.h"

namespace ota::bench {
namespace {

constexpr std::size_t kDevices = 10'000;

double ms_since(SteadyClock::time_point start) {
  return seconds_since(start) * 1000;
}

model::Release release_of(const model::Version& version) {
  model::Release release;
  release.version = version;
  release.hardware = {"sim-a"};
  release.target = "firmware-" + version.text() + ".img";
  release.length = 1'000'000;
  release.sha256 = std::string(64, 'b');
  return release;
}

// Polls for one device without a job, over and over, until it ends; the longest answer is kept.
class Poller {
 public:
  Poller(fleet::Fleet& fleet, std::string device)
      : thread_([this, &fleet, device = std::move(device)] {
          while (!over_) {
            const auto start = SteadyClock::now();
            std::promise<void> answered;
            fleet.take_commands(device, [&](const auto&) { answered.set_value(); });
            answered.get_future().get();
            longest_ms_ = std::max(longest_ms_, ms_since(start));
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
          }
        }) {}
  double end() {
    over_ = true;
    thread_.join();
    return longest_ms_;
  }

 private:
  std::atomic<bool> over_{false};
  double longest_ms_ = 0;
  std::thread thread_;
};

// What a push took: its caller's call, the answer, and all commands handed out.
struct Push {
  double held_ms = 0;
  double answered_ms = 0;
  double handed_out_ms = 0;
  double longest_poll_ms = 0;
  double longest_task_ms = 0;  // of CPU, on the strand
  std::size_t allowed = 0;
};

class BrainFleet {
 public:
  explicit BrainFleet(const std::filesystem::path& root) : large_(root, kDevices + 1, 95) {
    fleet().set_releases({release_of(model::Version(2, 1, 5))});
    for (int i = 0; i < 8; ++i)
      large_.second();  // every device is stable
    large_.settle();
    for (std::size_t i = 0; i < kDevices; ++i)
      devices_.push_back(device_name(i));
  }
  fleet::Fleet& fleet() { return large_.fleet(); }
  const std::vector<std::string>& devices() const { return devices_; }

  Push dry_run() {
    Push out;
    Poller poller(fleet(), device_name(kDevices));
    large_.take_longest_task_ms();
    run_push(out, true);
    out.longest_task_ms = large_.take_longest_task_ms();
    out.longest_poll_ms = poller.end();
    return out;
  }

  // Devices fetch their commands as they are woken, on the thread that wakes them.
  Push push() {
    Push out;
    const auto start = SteadyClock::now();
    std::atomic<std::size_t> taken{0};
    std::promise<void> all;
    fleet().set_hooks({.wake_device =
                           [&](const std::string& device) {
                             fleet().take_commands(device, [&](const auto& commands) {
                               if (!commands || commands->empty()) return;
                               if (++taken == kDevices) all.set_value();
                             });
                           },
                       .cut_off_device = {},
                       .new_events = {}});
    Poller poller(fleet(), device_name(kDevices));
    large_.take_longest_task_ms();
    run_push(out, false);
    if (all.get_future().wait_for(std::chrono::seconds(120)) != std::future_status::ready) {
      throw std::runtime_error("not every device got its command");
    }
    out.handed_out_ms = ms_since(start);
    out.longest_task_ms = large_.take_longest_task_ms();
    out.longest_poll_ms = poller.end();
    large_.settle();
    fleet().set_hooks({});
    return out;
  }

  // All devices say that they download; microseconds for each.
  double report_all() {
    std::atomic<std::size_t> answered{0};
    std::promise<void> all;
    const auto jobs = fleet().jobs("", kDevices);
    const auto start = SteadyClock::now();
    for (const model::Job& job : jobs) {
      model::JobReport report;
      report.seq = 1;
      report.state = model::JobState::kDownloading;
      fleet().report_job(job.device, job.id, report, [&, count = jobs.size()](const auto& done) {
        if (!done) throw std::runtime_error(done.error().text());
        if (++answered == count) all.set_value();
      });
    }
    all.get_future().get();
    large_.settle();
    return ms_since(start) * 1000 / static_cast<double>(jobs.size());
  }

  double tick_ms() {
    large_.advance(std::chrono::milliseconds(250));
    const auto start = SteadyClock::now();
    large_.tick();
    return ms_since(start);
  }
  double detail_us(std::size_t device) {
    const auto start = SteadyClock::now();
    if (fleet().detail(device_name(device)) == nullptr) throw std::runtime_error("no such device");
    return ms_since(start) * 1000;
  }
  void settle() { large_.settle(); }

 private:
  void run_push(Push& out, bool dry) {
    fleet::PushRequest request;
    request.devices = devices_;
    request.dry_run = dry;
    request.actor = "bench";
    std::promise<std::vector<fleet::PushOutcome>> answered;
    const auto start = SteadyClock::now();
    // Taken off the strand, as the API takes them: to free 10,000 decisions is not its work.
    fleet().push(request, [&](Result<std::vector<fleet::PushOutcome>> outcomes) {
      answered.set_value(std::move(*outcomes));
    });
    out.held_ms = ms_since(start);
    const auto outcomes = answered.get_future().get();
    out.answered_ms = ms_since(start);
    out.allowed = static_cast<std::size_t>(std::count_if(
        outcomes.begin(), outcomes.end(),
        [](const auto& outcome) { return outcome.decision.answer == model::Answer::kAllow; }));
    if (out.allowed != kDevices) throw std::runtime_error("not every device was allowed");
  }

  LargeFleet large_;
  std::vector<std::string> devices_;
};

std::string ms(double value) {
  return fixed(value, value < 10 ? 2 : 0) + " ms";
}

}  // namespace

Lines brain_row(Bench& bench) {
  pin_self(kAnyCore);
  BrainFleet it(bench.folder / "brain");
  Series dry_held;
  Series dry_answered;
  double dry_poll = 0;
  double dry_task = 0;
  for (int i = 0; i < 5; ++i) {
    const Push dry = it.dry_run();
    dry_held.add(dry.held_ms);
    dry_answered.add(dry.answered_ms);
    dry_poll = std::max(dry_poll, dry.longest_poll_ms);
    dry_task = std::max(dry_task, dry.longest_task_ms);
  }
  const double cpu_before = cpu_of(::getpid());
  const Push push = it.push();
  const double cpu = cpu_of(::getpid()) - cpu_before;
  const double report_us = it.report_all();
  Series ticks;
  for (int i = 0; i < 24; ++i)
    ticks.add(it.tick_ms());
  Series details;
  for (std::size_t i = 0; i < kDevices; i += 37)
    details.add(it.detail_us(i));
  return {
      {"dry run over 10,000: caller held; answered; longest poll beside it; longest slice (CPU)",
       ms(dry_held.median()) + "; " + dry_answered.text(0) + " ms; " + ms(dry_poll) + "; " +
           ms(dry_task),
       "", "", "answered in 300 ms; slices of at most 5 ms",
       met_if(dry_answered.median() <= 300 && dry_task <= 5)},
      {"push to 10,000: caller held; answered; all handed out; longest poll; longest slice",
       ms(push.held_ms) + "; " + ms(push.answered_ms) + "; " + ms(push.handed_out_ms) + "; " +
           ms(push.longest_poll_ms) + "; " + ms(push.longest_task_ms) + " (" + fixed(cpu, 2) +
           " s CPU)",
       "", "", "handed out in 2,000 ms; slices of at most 5 ms",
       met_if(push.handed_out_ms <= 2000 && push.longest_task_ms <= 5)},
      {"a report of a job, 10,000 at once", fixed(report_us, 0) + " us each", "", "", "",
       Met::kNoAim},
      {"tick with 10,000 running jobs", ticks.text(2) + " ms", "", "", "under 2 ms",
       met_if(ticks.median() < 2)},
      {"detail of a device, 10,000 running jobs", details.text(0) + " us", "", "", "", Met::kNoAim},
  };
}

}  // namespace ota::bench
