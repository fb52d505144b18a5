// The files as they are shipped: two simulated devices (a healthy one and a stressed one) and this
// host. The repository's config/ holds the same bytes; a test compares them.
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "config/config.h"

namespace ota::config {
namespace {

constexpr std::string_view kConsole = R"({
  "listen": {"address": "0.0.0.0", "port": 8443},
  "server": {"threads": 1, "names": []},
  "store": {"url": "sqlite:state/ota.db"},
  "agents": [
    {"id": "iot-001", "dir": "agents/iot-001"},
    {"id": "iot-002", "dir": "agents/iot-002"},
    {"id": "host-local", "dir": "agents/host-local"}
  ]
}
)";

constexpr std::string_view kThresholds = R"({
  "cpu_threshold": 90,
  "mem_threshold": 90,
  "disk_threshold": 95,
  "temp_threshold": 80,
  "hysteresis": 5,
  "watch_margin": 10,
  "raise_after_s": 5,
  "clear_after_s": 10,
  "stale_after_s": 15,
  "anomaly_score_threshold": 0.5
}
)";

constexpr std::string_view kDevices = R"({
  "devices": [
    {"id": "iot-001", "hardware": "sim-a", "group": "lab", "notes": "simulated, stable"},
    {"id": "iot-002", "hardware": "sim-a", "group": "lab", "notes": "simulated, under high load"},
    {"id": "host-local", "hardware": "sim-a", "group": "hosts", "notes": "this machine, real metrics"}
  ]
}
)";

constexpr std::string_view kOtaSettings = R"({
  "target_version": "2.1.5",
  "model_overrides": {},
  "watch_period_s": 120,
  "max_retries": 2
}
)";

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kFiles{
    {{"console.json", kConsole},
     {"thresholds.json", kThresholds},
     {"devices.json", kDevices},
     {"ota_settings.json", kOtaSettings}}};

}  // namespace

std::optional<std::string_view> default_file(std::string_view name) {
  for (const auto& [known, content] : kFiles) {
    if (known == name) return content;
  }
  return std::nullopt;
}

}  // namespace ota::config
