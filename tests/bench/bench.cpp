// `make bench`: every row, side by side with its peers, as a table on the screen and in
// build/bench/report.md; `make bench B=ROW` runs one.
//
// Figures, never assertions: the exit code is 0 where the rows ran, whatever they found.
#include "tests/bench/bench.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "base/allocator.h"
#include "base/file.h"
#include "tests/bench/peers.h"
#include "tests/support/temp_folder.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

struct Row {
  const char* name;
  const char* help;
  Lines (*run)(Bench&);
};

constexpr Row kRows[] = {
    {"ingest", "telemetry through the whole program, beside nginx and FastAPI", &ingest_row},
    {"handshake", "full and resumed mutual handshakes, beside nginx", &handshake_row},
    {"memory", "idle mutual-TLS connections, beside nginx and raw OpenSSL", &memory_row},
    {"fan-out", "one answer to all who wait, beside raw OpenSSL", &fan_out_row},
    {"download", "64 MiB to one and to 16 clients, beside nginx", &download_row},
    {"fairness", "telemetry beside 16 downloads", &fairness_row},
    {"store", "group commit, beside SQLite alone", &store_row},
    {"events", "a store with 1,000,000 events", &events_row},
    {"size", "CPU for a sample from 100 to 100,000 devices", &size_row},
    {"devices", "memory of 100,000 devices", &devices_row},
    {"console", "the console over 100,000 devices", &console_row},
    {"delta", "patches between images, beside bsdiff, zstd and xdelta3", &delta_row},
    {"brain", "dry run, push, tick and detail over 10,000 devices", &brain_row},
    {"fleet", "10,000 virtual devices: telemetry, long polls, a reconnect storm, a push",
     &fleet_row},
    {"agent", "one agent", &agent_row},
    {"rollout", "rollouts over simulated fleets, beside hawkBit's rule and a fixed count",
     &rollout_row},
};

std::string machine() {
  utsname system{};
  ::uname(&system);
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown processor";
  while (std::getline(file, line)) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  return std::to_string(std::thread::hardware_concurrency()) + " cores of " + model + ", " +
         system.sysname + " " + system.release;
}

std::string load_average() {
  std::ifstream file("/proc/loadavg");
  std::string one;
  file >> one;
  return one;
}

const char* word_of(Met met) {
  return met == Met::kYes ? "yes" : met == Met::kNo ? "NO" : "";
}

void print(const Line& line) {
  std::cout << "  " << line.what << '\n' << "      " << line.ours << '\n';
  if (!line.peer.empty()) std::cout << "      " << line.peer << '\n';
  if (!line.ratio.empty() || !line.aim.empty()) {
    std::cout << "      ";
    if (!line.ratio.empty()) std::cout << line.ratio;
    if (!line.aim.empty()) std::cout << (line.ratio.empty() ? "" : "; ") << "aim: " << line.aim;
    if (line.met != Met::kNoAim) std::cout << (line.met == Met::kYes ? ": met" : ": MISSED");
    std::cout << '\n';
  }
  std::cout << std::flush;
}

std::string report_of(const std::vector<Line>& lines, const std::string& when, double took) {
  std::ostringstream out;
  out << "# Benchmark\n\n"
      << when.substr(0, 10) << ", " << machine() << "; load average " << load_average()
      << " at the end; " << fixed(took / 60, 1) << " minutes.\n"
      << "Medians (lowest to highest); ratios are medians of the ratios of alternating runs.\n\n"
      << "| row | ours | beside | ratio | aim | met |\n| --- | --- | --- | --- | --- | --- |\n";
  for (const Line& line : lines) {
    out << "| " << line.what << " | " << line.ours << " | " << line.peer << " | " << line.ratio
        << " | " << line.aim << " | " << word_of(line.met) << " |\n";
  }
  return out.str();
}

std::uint64_t raise_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

int run_rows(const std::vector<std::string>& wanted) {
  const test::TempFolder temporary;
  const SystemClock clock;
  const std::string when = format_rfc3339(clock.wall());
  Bench bench{temporary.path(), fs::read_symlink("/proc/self/exe").parent_path(),
              raise_descriptors(), clock};
  if (bench.descriptors < 11'000) {
    std::cout
        << "note: at most " << bench.descriptors
        << " open files in one process (ulimit -Hn); rows with 5,000 connections hold fewer\n";
  }
  std::cout << machine() << "; load average " << load_average() << '\n';
  const auto start = SteadyClock::now();
  std::vector<Line> all;
  int failures = 0;
  for (const Row& row : kRows) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), row.name) == wanted.end()) {
      continue;
    }
    const auto began = SteadyClock::now();
    std::cout << row.name << ": " << row.help << std::endl;
    pin_self(kClientCore);
    try {
      for (const Line& line : row.run(bench)) {
        print(line);
        all.push_back(line);
      }
    } catch (const std::exception& error) {
      ++failures;
      std::cout << "  did not run: " << error.what() << std::endl;
      all.push_back({row.name, std::string("did not run: ") + error.what(), "", "", "", Met::kNo});
    }
    std::cout << "      " << fixed(seconds_since(began), 0) << " s" << std::endl;
  }
  if (wanted.empty()) {
    const fs::path report = bench.programs.parent_path() / "bench" / "report.md";
    fs::create_directories(report.parent_path());
    std::ofstream(report) << report_of(all, when, seconds_since(start));
    std::cout << "report: " << report.string() << '\n';
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ota::bench

int main(int argc, char** argv) {
  ota::merge_freed_memory_early();  // as the console does
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "serve")
    return ota::bench::serve({words.begin() + 1, words.end()});
  for (const std::string& word : words) {
    const auto named = [&](const auto& row) { return word == row.name; };
    if (std::none_of(std::begin(ota::bench::kRows), std::end(ota::bench::kRows), named)) {
      std::cerr << "bench: no such row: " << word << "; rows are";
      for (const auto& row : ota::bench::kRows)
        std::cerr << ' ' << row.name;
      std::cerr << '\n';
      return 2;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  return ota::bench::run_rows(words);
}
