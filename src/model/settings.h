// The four configuration files as values. `config/` reads and checks them; the defaults here are
// the shipped ones. Durations are written as seconds in the files and may have decimals there.
// Every member has a line in config/README.md with its range; limits are checked by config/ and
// nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/data_budget.h"
#include "model/device.h"
#include "model/enum_text.h"
#include "model/maintenance.h"
#include "model/screen_settings.h"
#include "model/version.h"

namespace ota::model {

using std::chrono::milliseconds;
using std::chrono::seconds;

// config/thresholds.json
struct Thresholds {
  double cpu_threshold = 90;               // percent
  double mem_threshold = 90;               // percent
  double disk_threshold = 95;              // percent
  double temp_threshold = 80;              // degrees Celsius
  double hysteresis = 5;                   // points below the limit before a breach counts as over
  double watch_margin = 10;                // points below the limit from which a device is on watch
  milliseconds raise_after = seconds(5);   // a breach must last this long before it is critical
  milliseconds clear_after = seconds(10);  // and be over this long before it is stable again
  milliseconds stale_after = seconds(15);  // without an accepted sample for this long: unknown
  std::uint32_t min_samples =
      5;  // accepted samples of this boot before a verdict other than unknown
  double anomaly_score_threshold = 0.5;  // score from which the baseline models call it an anomaly
  milliseconds frozen_after = seconds(60);  // readings that stand still for so long are doubted
  milliseconds block_escalate_after =
      seconds(24 * 3600);  // a block older than this is an event of its own
  bool operator==(const Thresholds&) const = default;
};

// What the gate does with a DDI device that no agent sends telemetry for.
enum class DdiWithoutTelemetry : std::uint8_t { kBlock, kAllow };
inline constexpr EnumTable<DdiWithoutTelemetry, 2> kDdiWithoutTelemetryWords{
    {{DdiWithoutTelemetry::kBlock, "block"}, {DdiWithoutTelemetry::kAllow, "allow"}}};
OTA_ENUM_TEXT(DdiWithoutTelemetry, parse_ddi_without_telemetry, kDdiWithoutTelemetryWords)

// config/ota_settings.json
struct OtaSettings {
  std::optional<Version> target_version = Version(2, 1, 5);
  std::map<std::string, Version> model_overrides;  // hardware model -> version
  milliseconds watch_period = seconds(120);  // after a success, telemetry is watched this long
  std::uint32_t max_retries = 2;
  milliseconds sent_deadline = seconds(60);  // deadlines of a job's states
  milliseconds download_deadline = seconds(1800);
  milliseconds verify_deadline = seconds(120);
  milliseconds install_deadline = seconds(300);
  milliseconds boot_deadline = seconds(180);
  milliseconds confirm_deadline = seconds(180);
  milliseconds queued_deadline = seconds(600);
  DdiWithoutTelemetry ddi_without_telemetry = DdiWithoutTelemetry::kBlock;
  std::vector<MaintenanceWindow> maintenance_windows;  // none: updates at any time
  DataBudget data_budget;
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
  // A stranger's connection has shown neither a certificate that is admitted nor a good DDI token.
  std::uint32_t stranger_connections = 2000;    // of all addresses
  std::uint32_t connections_per_address = 256;  // strangers' of one address (IPv6: of its /64)
  std::uint32_t stranger_body_bytes = 16384;    // a body of theirs
  std::uint32_t body_memory_bytes = 64U << 20;  // of all bodies in work, operators' aside
  std::uint32_t header_bytes = 8192;
  std::uint32_t body_bytes = 262144;
  std::uint32_t import_bytes = 268435456;  // POST /v1/state/import alone
  milliseconds handshake_timeout = seconds(10);
  milliseconds header_timeout = seconds(10);
  milliseconds body_timeout = seconds(20);
  milliseconds idle_timeout = seconds(90);
  std::uint32_t requests_per_second_per_device = 50;
  std::uint32_t samples_per_request = 1000;
  std::uint32_t download_kib_per_second = 0;  // of all downloads together; 0: no limit
  std::uint32_t json_depth = 16;
  std::uint32_t enrol_attempts_per_minute = 20;  // wrong ones, per address
  // What a device may have written to the disk; strangers together ten times as much. 0: no limit.
  std::uint32_t device_events_per_hour = 200;
  std::uint32_t device_kib_per_hour = 1024;
  bool operator==(const ServerLimits&) const = default;
};

// A local agent that the console supervises; `dir` holds its config.json.
struct LocalAgent {
  std::string id;
  std::string dir;
  bool operator==(const LocalAgent&) const = default;
};

// The listener for devices that speak hawkBit's DDI; a part of config/console.json.
struct DdiSettings {
  bool on = false;  // where the file has "listen"
  std::string listen_address = "0.0.0.0";
  std::uint16_t port = 8444;
  std::string public_url;            // what links start with; empty: the Host that the device asked
  milliseconds poll = seconds(300);  // told to devices that have nothing to do
  milliseconds active_poll = seconds(15);     // and to those that have
  std::string version_attribute = "version";  // of configData
  // An update's deadlines here: clients poll in minutes and confirm after a restart.
  milliseconds offer_deadline = seconds(24LL * 3600);        // until the device takes it
  milliseconds work_deadline = seconds(3600);                // without a word while it installs
  milliseconds confirm_deadline = seconds(7LL * 24 * 3600);  // until it says that it came back
  std::uint32_t connections_per_device = 8;
  std::uint32_t downloads_per_device = 2;  // at a time; more wait their turn
  bool operator==(const DdiSettings&) const = default;
};

// config/console.json
// Whether a device that asks for an image of another model gets it. What it may install is decided
// by signatures either way; this is about who may read.
enum class ServeImages : std::uint8_t { kToAnyDevice, kByModel };
inline constexpr EnumTable<ServeImages, 2> kServeImagesWords{
    {{ServeImages::kToAnyDevice, "off"}, {ServeImages::kByModel, "on"}}};
OTA_ENUM_TEXT(ServeImages, parse_serve_images, kServeImagesWords)

struct ConsoleSettings {
  std::string listen_address = "0.0.0.0";
  std::uint16_t port = 8443;
  std::uint32_t threads = 1;
  std::vector<std::string> extra_names;  // further SANs of the server's certificate
  ServerLimits limits;
  std::vector<LocalAgent> agents;
  std::string store_url = "sqlite:state/ota.db";
  std::uint32_t history_samples = 900;  // readings kept in memory for each device's graphs
  milliseconds minutes_kept = seconds(30LL * 24 * 3600);  // one-minute summaries in the store
  milliseconds events_kept = seconds(400LL * 24 * 3600);  // events in the store, and at most:
  std::uint32_t most_events = 10'000'000;
  milliseconds jobs_kept = seconds(400LL * 24 * 3600);  // ended updates in the store, and at most:
  std::uint32_t most_jobs = 100'000;
  milliseconds certificate_lifetime = seconds(90LL * 24 * 3600);  // of a device's certificate
  ServeImages serve_images = ServeImages::kToAnyDevice;
  ScreenSettings screen;
  DdiSettings ddi;
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
