// kill -9 in every state of an update, over and over, and what must hold after each.
//
// One device is updated to a new release in each round, over a slow wire and with a health check that
// takes its time, so that each state lasts. A round picks a state of the victim (server or agent) in
// which few kills fell yet, waits for it, kills, and starts the victim again; where the update was
// faster than that, the kill falls in a later state and counts there. Where an agent's state of a
// patch is picked, the release has one from what the device runs. After each round: nothing that
// was acknowledged is lost (releases, jobs, events, enrolment), the chain of events is intact, the
// device boots from exactly one whole slot, the job ends, and it counts as succeeded exactly where
// the device confirmed; an agent that was killed in a state of a patch went on by the patch.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "sim/runner.h"

namespace ota::sim {

enum class Victim { kServer, kAgent };

struct StormOptions {
  Victim victim = Victim::kServer;
  std::uint32_t rounds = 50;
  std::uint32_t each = 0;           // fails where fewer kills than that fell in a state
  std::vector<std::string> states;  // to kill in; none: all of the victim's
  RunOptions run;
};

struct StormReport {
  std::uint32_t rounds = 0;                    // that held
  std::uint32_t succeeded = 0;                 // jobs that ended so
  std::uint32_t otherwise = 0;                 // jobs that failed or expired, rightly
  std::uint32_t resumed = 0;                   // patches that an agent went on with
  std::map<std::string, std::uint32_t> kills;  // by the state in which the victim died
  double took_s = 0;
  std::string failure;  // empty: all held
};

StormReport run_storm(const StormOptions& options, const Clock& clock, std::ostream& out);
std::string storm_line(const StormReport& report);

}  // namespace ota::sim
