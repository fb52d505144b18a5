// The four configuration files as values. `config/` reads and checks them; the defaults here are
// the shipped ones. Every member has a line in config/README.md with its range; limits are checked
// there and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/device.h"
#include "model/version.h"

namespace ota::model {

using std::chrono::milliseconds;
using std::chrono::seconds;

// config/thresholds.json
struct Thresholds {
  double cpu_threshold = 90;   // percent
  double mem_threshold = 90;   // percent
  double disk_threshold = 95;  // percent
  double temp_threshold = 80;  // degrees Celsius
  double hysteresis = 5;       // points below the limit before a breach counts as over
  double watch_margin = 10;    // points below the limit from which a device is on watch
  seconds raise_after{5};      // a breach must last this long before it is critical
  seconds clear_after{10};     // and be over this long before it is stable again
  seconds stale_after{15};     // without an accepted sample for this long: unknown
  std::uint32_t min_samples =
      5;  // accepted samples of this boot before a verdict other than unknown
  double anomaly_score_threshold = 0.5;  // score from which the baseline models call it an anomaly
  seconds refractory{60};                // one incident is one alarm
  seconds block_escalate_after{24 * 3600};  // a block older than this is an event of its own
  bool operator==(const Thresholds&) const = default;
};

// config/ota_settings.json
struct OtaSettings {
  std::optional<Version> target_version = Version(2, 1, 5);
  std::map<std::string, Version> model_overrides;  // hardware model -> version
  seconds watch_period{120};  // after a success, telemetry is watched this long
  std::uint32_t max_retries = 2;
  seconds sent_deadline{60};  // deadlines of a job's states
  seconds download_deadline{1800};
  seconds verify_deadline{120};
  seconds install_deadline{300};
  seconds boot_deadline{180};
  seconds confirm_deadline{180};
  seconds queued_deadline{600};
  bool operator==(const OtaSettings&) const = default;

  // What a device of this hardware model shall run; none where nothing is set.
  std::optional<Version> target_for(const std::string& hardware) const {
    const auto found = model_overrides.find(hardware);
    if (found != model_overrides.end()) return found->second;
    return target_version;
  }
};

// config/devices.json
struct Whitelist {
  std::vector<DeviceSpec> devices;
  const DeviceSpec* find(const std::string& id) const {
    for (const DeviceSpec& spec : devices) {
      if (spec.id == id) return &spec;
    }
    return nullptr;
  }
  bool operator==(const Whitelist&) const = default;
};

struct ServerLimits {
  std::uint32_t connections = 12000;
  std::uint32_t connections_per_address = 12000;
  std::uint32_t header_bytes = 8192;
  std::uint32_t body_bytes = 262144;
  std::uint32_t import_bytes = 268435456;  // POST /v1/state/import alone
  seconds handshake_timeout{10};
  seconds header_timeout{10};
  seconds body_timeout{20};
  seconds idle_timeout{90};
  std::uint32_t requests_per_second_per_device = 50;
  std::uint32_t samples_per_request = 1000;
  std::uint32_t json_depth = 16;
  std::uint32_t enrol_attempts_per_minute = 20;  // per address
  bool operator==(const ServerLimits&) const = default;
};

// A local agent that the console supervises; `dir` holds its config.json.
struct LocalAgent {
  std::string id;
  std::string dir;
  bool operator==(const LocalAgent&) const = default;
};

// config/console.json
struct ConsoleSettings {
  std::string listen_address = "0.0.0.0";
  std::uint16_t port = 8443;
  std::uint32_t threads = 1;
  std::vector<std::string> extra_names;  // further SANs of the server's certificate
  ServerLimits limits;
  std::vector<LocalAgent> agents;
  std::string store_url = "sqlite:state/ota.db";
  std::uint32_t history_samples = 900;  // readings kept in memory for each device's graphs
  seconds certificate_lifetime{90LL * 24 * 3600};  // of a device's certificate
  bool operator==(const ConsoleSettings&) const = default;
};

struct Settings {
  ConsoleSettings console;
  Thresholds thresholds;
  OtaSettings ota;
  Whitelist whitelist;
  bool operator==(const Settings&) const = default;
};

}  // namespace ota::model
