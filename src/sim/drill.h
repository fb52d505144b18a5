// All drills of a folder, one after the other, and the report that a security officer reads.
//
// Each is a scenario (config/scenarios/attacks/) in a sandbox of its own, with the thresholds of an
// installation, which is only read. Thread: one; blocks for a few seconds each.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "sim/runner.h"

namespace ota::sim {

struct DrillResult {
  std::string name;
  std::string description;  // what the attacker does
  RunReport run;
};

struct DrillReport {
  WallTime at;
  std::filesystem::path installation;
  std::vector<std::string> signing;  // who must sign what here
  std::vector<std::string>
      findings;  // what a drill cannot show: keys on the server, one signer, ...
  std::vector<DrillResult> drills;
  std::size_t repelled() const;
};

// kNotFound where the folder holds none; kInvalid names a bad file. `progress` gets a line for
// each.
Result<DrillReport> run_drills(const std::filesystem::path& folder, const RunOptions& options,
                               const Clock& clock, std::ostream& progress);

std::string drill_text(const DrillReport& report);
Json drill_json(const DrillReport& report);

}  // namespace ota::sim
