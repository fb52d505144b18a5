// Many virtual devices over real mutual TLS in one process, against a console of their own: what
// does this host carry?
//
// The devices are provisioned before the console starts (certificates by its authority, records in
// its store; all with one key), since enrolment is not what is measured. Each holds two
// connections: one for telemetry, downloads and reports, one parked in the command poll; or one for
// all of it. After the steady time nineteen in twenty lose their connections at once and come back;
// then one push to all.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "sim/runner.h"

namespace ota::sim {

struct FleetOptions {
  std::uint32_t devices = 1000;
  double rate = 1;              // samples a second of each device
  seconds duration{20};         // of steady telemetry before the push
  std::string profile = "mix";  // or one of sim::Profile; mix: one in twenty is stressed
  std::uint32_t server_threads = 1;
  std::uint32_t connections = 0;  // of each device: 1 or 2; 0: two where open files allow it
  RunOptions run;
};

struct FleetReport {
  std::uint32_t devices = 0;
  std::uint32_t connected = 0;  // devices with both connections open
  double connect_s = 0;         // until all were
  double samples_per_s = 0;     // answered in the steady time
  double wanted_per_s = 0;
  double p50_ms = 0;  // of a telemetry request, sent to answered
  double p99_ms = 0;
  std::uint64_t refused = 0;        // answers other than 2xx
  std::uint64_t reconnects = 0;     // connections lost in the steady time
  std::uint32_t connections = 2;    // of each device
  std::uint32_t storm_cut = 0;      // devices whose connections were cut at once
  std::uint32_t storm_back = 0;     // devices connected after it, the others included
  double storm_s = 0;               // until all were
  double storm_p99_ms = 0;          // of telemetry meanwhile
  std::uint64_t storm_resumed = 0;  // handshakes that went on with a session
  std::uint64_t storm_retries = 0;  // connections that had to try again
  std::uint32_t pushed = 0;         // devices that the gate allowed
  std::uint32_t commanded = 0;      // and that got the command
  double fan_out_first_ms = 0;      // from the push until the first had it
  double fan_out_last_ms = 0;
  std::uint32_t updated = 0;  // jobs that succeeded by the server's word
  double update_s = 0;        // until the last of them
  double server_rss_mib = 0;
  double server_cpu_percent = 0;  // of one core, in the steady time
  double own_cpu_percent = 0;
  std::string limit;    // what held it back, in words
  std::string failure;  // empty: it ran
};

FleetReport run_fleet(const FleetOptions& options, const Clock& clock, std::ostream& out);
std::string fleet_text(const FleetReport& report);
Json fleet_json(const FleetReport& report);

}  // namespace ota::sim
