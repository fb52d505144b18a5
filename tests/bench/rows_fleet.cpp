// What size costs: CPU for each sample, memory for each device, the console's answer to a key.
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <stdexcept>

#include "tests/bench/bench.h"
#include "tests/bench/bench_faults.h"
#include "tests/bench/large_fleet.h"
#include "tests/support/pty.h"

namespace ota::bench {
namespace {

constexpr std::size_t kMany = 100'000;

// What a sample costs a fleet of some size, everything of this process counted: decode, admission,
// detector, history, verdict, ticks, snapshots and the store's writer.
class SampleCost {
 public:
  SampleCost(const std::filesystem::path& root, std::size_t devices)
      : devices_(devices), fleet_(root, devices, 900) {
    for (int i = 0; i < 8; ++i)
      fleet_.second();  // every device has a verdict, and its event is stored
    flush();
  }
  // A turn of at least `seconds` of the fleet's clock, and of 50,000 samples.
  void measure(std::size_t seconds) {
    seconds = std::max(seconds, 50'000 / devices_);
    const double before = cpu_of(::getpid());
    for (std::size_t i = 0; i < seconds; ++i)
      fleet_.second();
    flush();
    const double cpu = cpu_of(::getpid()) - before;
    turns_.add(cpu / static_cast<double>(seconds * devices_) * 1e6);
    cpu_ += cpu;
    samples_ += static_cast<double>(seconds * devices_);
  }
  // Microseconds for each, over all turns: a median would leave the end of the minute out.
  double mean() const { return cpu_ / samples_ * 1e6; }
  std::string text() const { return fixed(mean(), 2) + " at " + std::to_string(devices_); }
  std::string spread() const { return fixed(turns_.low(), 2) + " to " + fixed(turns_.high(), 2); }

 private:
  void flush() {
    if (!fleet_.store().flush()) throw std::runtime_error("flush");
  }

  std::size_t devices_;
  LargeFleet fleet_;
  Series turns_;
  double cpu_ = 0;
  double samples_ = 0;
};

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

// What `verdicts cost` and, where tools/bench-before built it, `verdicts-before cost` say, in
// turns.
struct DetectorCosts {
  Series us;
  Series kib;
  Series us_before;
  Series kib_before;
};

void run_cost(const std::filesystem::path& program, Series& us, Series& kib) {
  std::FILE* const pipe = ::popen(("'" + program.string() + "' cost").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("verdicts does not start");
  double reading_ns = 0;
  double bytes = 0;
  const int got = std::fscanf(pipe, "%lf %lf", &reading_ns, &bytes);
  if (::pclose(pipe) != 0 || got != 2) throw std::runtime_error("verdicts says nothing");
  us.add(reading_ns / 1000);
  kib.add(bytes / 1024);
}

DetectorCosts detector_costs(const Bench& bench) {
  constexpr int kTurns = 3;
  DetectorCosts costs;
  const auto before = bench.programs / "verdicts-before";
  for (int turn = 0; turn < kTurns; ++turn) {
    run_cost(bench.programs / "verdicts", costs.us, costs.kib);
    if (std::filesystem::exists(before)) run_cost(before, costs.us_before, costs.kib_before);
  }
  return costs;
}

Line detector_line(const std::string& what, const std::string& unit, const Series& now,
                   const Series& before, double aim) {
  const bool beside = !before.empty();
  return {what,
          now.text(2) + unit,
          beside ? "the engine before: " + before.text(2) + unit : "",
          beside ? fixed(now.ratio_to(before), 2) : "",
          "at most " + fixed(aim, 0) + unit,
          met_if(now.median() <= aim)};
}

}  // namespace

Lines size_row(Bench& bench) {
  pin_self(kAnyCore);
  constexpr int kTurns = 5;
  constexpr std::size_t kSeconds = 12;  // with all turns a minute, whose end is stored
  std::vector<std::unique_ptr<SampleCost>> fleets;
  for (const std::size_t devices :
       {std::size_t{100}, std::size_t{1000}, std::size_t{10'000}, kMany}) {
    fleets.push_back(
        std::make_unique<SampleCost>(bench.folder / ("size-" + std::to_string(devices)), devices));
  }
  for (int turn = 0; turn < kTurns; ++turn) {
    for (const auto& fleet : fleets)
      fleet->measure(kSeconds);
  }
  std::string told;
  for (const auto& fleet : fleets)
    told += (told.empty() ? "" : ", ") + fleet->text();
  const SampleCost& small = *fleets.front();
  const SampleCost& large = *fleets.back();
  const double ratio = large.mean() / small.mean();
  const DetectorCosts costs = detector_costs(bench);
  return {
      detector_line("CPU for the verdict on a reading of a metric, a month of four learnt", " us",
                    costs.us, costs.us_before, 2),
      {"CPU for a sample, us, without TLS", told + " (turns at the last " + large.spread() + ")",
       "itself at 100 devices (turns " + small.spread() + ")", fixed(ratio, 2), "at most 1.30",
       met_if(ratio <= 1.3)}};
}

Lines devices_row(Bench& bench) {
  pin_self(kAnyCore);
  const DetectorCosts costs = detector_costs(bench);
  Lines lines{detector_line("memory of a device's detector, a month of four metrics learnt", " KiB",
                            costs.kib, costs.kib_before, 10)};
  ::malloc_trim(0);
  const double before = rss_kib(::getpid());
  LargeFleet fleet(bench.folder / "devices", kMany, 900);
  const double known = rss_kib(::getpid());
  constexpr int kSamples = 32;
  for (int i = 0; i < kSamples; ++i)
    fleet.second();
  // Half a minute in two seconds leaves the store's writer behind as no real minute does.
  if (!fleet.store().flush()) throw std::runtime_error("flush");
  ::malloc_trim(0);
  const double seen = rss_kib(::getpid());
  const double each = (seen - before) / static_cast<double>(kMany);
  lines.push_back({"memory of a device, 100,000 known",
                   fixed((known - before) / static_cast<double>(kMany), 2) + " KiB known, " +
                       fixed(each, 2) + " KiB after 32 samples of each",
                   "", "", "at most 8 KiB", met_if(each <= 8)});
  const LearntFleet held = hold_learnt_devices(kMany);
  const double learnt = held.mib * 1024 / static_cast<double>(kMany);
  lines.push_back({"detectors of 100,000 devices in one process, a month of each learnt",
                   fixed(held.mib, 0) + " MiB, " + fixed(learnt, 2) + " KiB each", "", "",
                   "at most 10 KiB", met_if(learnt <= 10)});
  return lines;
}

Lines console_row(Bench& bench) {
  pin_self(kAnyCore);
  const std::filesystem::path root = bench.folder / "large";
  write_large_root(root, kMany, bench.clock);
  const auto start = SteadyClock::now();
  test::Pty pty({{(bench.programs / "ota-console").string(), "--root", root.string()},
                 {{"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}, {"OTA_ROOT", ""}},
                 120,
                 40});
  if (!pty.until_shown("[1 Summary]")) throw std::runtime_error("the console shows nothing");
  const double painted = seconds_since(start) * 1000;
  if (!pty.until_shown("Fleet 100000", test::milliseconds(30'000))) {
    throw std::runtime_error("the console does not load its devices");
  }
  const double loaded = seconds_since(start);
  if (!pty.until_shown("UP", test::milliseconds(60'000))) {
    throw std::runtime_error("the console does not come up");
  }
  const double serving = seconds_since(start);
  pty.read_for(test::milliseconds(1500));
  std::vector<double> times;
  std::string last = pty.screen();
  const std::size_t frames_before = count_of(pty.received(), "\033[?2026h");
  const std::size_t bytes_before = pty.received().size();
  const char* const keys[] = {"j", "\033[6~", "k", "\033[5~"};  // each shows another picture
  for (int i = 0; i < 60; ++i) {
    const auto pressed = SteadyClock::now();
    pty.send(keys[i % 4]);
    pty.until([&] { return pty.screen() != last; }, test::milliseconds(2000));
    times.push_back(seconds_since(pressed) * 1000);
    last = pty.screen();
    pty.read_for(test::milliseconds(130));
    last = pty.screen();
  }
  const double frames =
      static_cast<double>(count_of(pty.received(), "\033[?2026h") - frames_before);
  const double bytes = static_cast<double>(pty.received().size() - bytes_before) / frames;
  std::sort(times.begin(), times.end());
  const double p95 = times[times.size() * 95 / 100];
  const double rss = rss_kib(pty.pid()) / 1024;
  pty.send("q");
  Lines lines;
  lines.push_back({"console over 100,000 devices: first picture; state shown; serving",
                   fixed(painted, 0) + " ms; " + fixed(loaded, 2) + " s; " + fixed(serving, 2) +
                       " s (" + fixed(rss, 0) + " MiB)",
                   "", "", "50 ms; 2 s", met_if(painted <= 50 && loaded <= 2)});
  lines.push_back({"console over 100,000 devices: key to picture",
                   "median " + fixed(times[times.size() / 2], 1) + " ms, p95 " + fixed(p95, 1) +
                       " ms, " + fixed(bytes, 0) + " bytes a frame",
                   "", "", "p95 at most 20 ms", met_if(p95 <= 20)});
  return lines;
}

}  // namespace ota::bench
