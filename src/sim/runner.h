// Plays one scenario: prints each step as it goes and a verdict at the end.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "sim/scenario.h"

namespace ota::sim {

enum class Keep { kNo, kYes };
enum class Trace { kNo, kYes };

struct RunOptions {
  std::filesystem::path programs;  // the folder of the real programs
  std::filesystem::path scratch = "/tmp";
  Keep keep = Keep::kNo;                 // leave the root for inspection
  Trace trace = Trace::kNo;              // print the events at the end
  std::uint64_t seed = 0;                // added to every device's seed
  std::filesystem::path installation{};  // whose thresholds drills use; empty: none
};

struct RunReport {
  bool passed = false;
  std::size_t steps = 0;  // that were done
  double took_s = 0;
  std::string failure;  // empty where it passed
  // The events without times, sorted, each once: the same seed gives the same trace.
  std::vector<std::string> trace;
  std::vector<std::string> notes{};  // what was seen in a drill
};

// Ends every program that it started, however it ends.
RunReport run_scenario(const Scenario& scenario, const RunOptions& options, const Clock& clock,
                       std::ostream& out);

Json report_json(const Scenario& scenario, const RunReport& report);

// A fresh folder with mode 0700.
Result<std::filesystem::path> make_scratch(const std::filesystem::path& below);

// "PASS name (12 steps, 4.1 s)".
std::string verdict_line(const Scenario& scenario, const RunReport& report);

// The trace of a list of events.
std::vector<std::string> trace_of(const std::vector<Json>& events);

}  // namespace ota::sim
