// kill -9 at random moments of updates, over and over, and what must hold after each.
//
// One device is updated to a new release in each round; the victim (server or agent) is killed at a
// random moment of it and started again. After each round: nothing that was acknowledged is lost
// (releases, jobs, events, enrolment), the chain of events is intact, the device boots from exactly
// one whole slot, the job ends, and it counts as succeeded exactly where the device confirmed.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "sim/runner.h"

namespace ota::sim {

enum class Victim { kServer, kAgent };

struct StormOptions {
  Victim victim = Victim::kServer;
  std::uint32_t rounds = 50;
  RunOptions run;
};

struct StormReport {
  std::uint32_t rounds = 0;     // that held
  std::uint32_t succeeded = 0;  // jobs that ended so
  std::uint32_t otherwise = 0;  // jobs that failed or expired, rightly
  std::uint32_t mid_job = 0;    // kills that hit a running job
  double took_s = 0;
  std::string failure;  // empty: all held
};

StormReport run_storm(const StormOptions& options, const Clock& clock, std::ostream& out);
std::string storm_line(const StormReport& report);

}  // namespace ota::sim
