// What the fleet shows to the screen and to the admin API: immutable values, published a few times
// a second.
//
// A snapshot shares its unchanged parts with the one before it: only rows that changed are built
// anew, so neither size nor rate of the fleet is paid per frame. Thread: any, const only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "gate/reason.h"
#include "model/decision.h"
#include "model/device.h"
#include "model/enum_text.h"
#include "model/event.h"
#include "model/job.h"
#include "model/release.h"
#include "model/settings.h"
#include "model/stop.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::fleet {

// The one word for a device, worst first: the order is the default sort order.
enum class DeviceState : std::uint8_t {
  kFailed,    // last job failed and needs hands, until acknowledged or a later success
  kRollback,  // fell back to its old slot: safe
  kBlocked,   // verdict critical: the gate would refuse
  kUpdating,
  kOffline,  // enrolled, but silent
  kUnknown,  // no verdict yet, or never enrolled
  kOnline,
};
inline constexpr model::EnumTable<DeviceState, 7> kDeviceStateWords{
    {{DeviceState::kFailed, "FAILED"},
     {DeviceState::kRollback, "ROLLBACK"},
     {DeviceState::kBlocked, "BLOCKED"},
     {DeviceState::kUpdating, "UPDATING"},
     {DeviceState::kOffline, "OFFLINE"},
     {DeviceState::kUnknown, "UNKNOWN"},
     {DeviceState::kOnline, "ONLINE"}}};
constexpr std::string_view to_text(DeviceState state) {
  return model::enum_text(kDeviceStateWords, state);
}

// One line of the summary. What seldom changes is shared with the fleet and with the rows before.
struct DeviceRow {
  std::string id;
  std::shared_ptr<const model::DeviceSpec> spec;      // null: not in the whitelist
  std::shared_ptr<const model::DeviceRecord> record;  // null: never enrolled
  bool online = false;       // an accepted sample within thresholds.stale_after
  bool local = false;        // a supervised agent of this host
  bool over_ddi = false;     // a DDI client takes its updates
  bool two_clients = false;  // and an agent asks for them too
  DeviceState state = DeviceState::kUnknown;
  model::Level level = model::Level::kUnknown;
  int risk = 0;
  std::string label;  // the verdict's label: "High Load"
  WallTime level_since;
  std::optional<model::Version> target;                          // what ota_settings wants for it
  std::array<std::optional<float>, model::kMetricCount> values;  // last accepted sample
  WallTime last_seen;                // server's time of the last word of it; epoch: never
  bool readings_unusable = false;    // it is connected, and sends what cannot be used
  std::optional<seconds> clock_off;  // how far its clock is ahead of this server's, where it is off
  std::string job;                   // running job's id, or the last one's
  model::JobState job_state = model::JobState::kQueued;
  int job_percent = 0;
  // The gate's answer for `target`: the reason that heads it, and its word for a column ("pass",
  // "cpu, mem", "offline", "up to date").
  gate::Reason gate_reason = gate::Reason::kNotListed;
  std::string gate;
  std::uint64_t refused_samples = 0;

  bool listed() const { return spec != nullptr; }
  bool enrolled() const { return record && record->enrolled; }
  bool revoked() const { return record && record->revoked; }
  bool second_key_seen() const { return record && record->second_key_seen; }
  bool in_two_places() const { return record && record->in_two_places; }
  // Empty where it is not listed.
  const std::string& hardware() const;
  const std::string& group() const;
  const model::Facts& facts() const;  // all empty where there is no record
  // "SWUpdate": what updates it; empty where that is ota-agent.
  std::string ddi_client() const;
};

inline constexpr std::size_t kRowsPerChunk = 256;
using RowChunk = std::vector<std::shared_ptr<const DeviceRow>>;

struct Counts {
  std::size_t devices = 0;
  std::size_t online = 0;
  std::size_t stable = 0;
  std::size_t watch = 0;
  std::size_t critical = 0;
  std::size_t unknown = 0;
  std::size_t updating = 0;
  std::size_t failed = 0;
  std::size_t rolled_back = 0;
  std::size_t certificates_ending = 0;  // within 14 days
  std::size_t certificates_ended = 0;
  std::vector<std::pair<std::string, std::size_t>>
      versions;  // confirmed version -> devices, most first
};

// How the updates of this fleet ended, all of them: also those that are listed nowhere any more.
struct JobCounts {
  std::map<model::JobState, std::uint64_t> ended;
  std::uint64_t sent_bytes = 0;  // of images, patches and packed images, to all devices
  std::uint64_t saved_bytes =
      0;  // that successes by a patch or packed did not take of their images
  std::uint64_t of(model::JobState state) const {
    const auto found = ended.find(state);
    return found == ended.end() ? 0 : found->second;
  }
  bool operator==(const JobCounts&) const = default;
};

// A configuration file whose last edit was refused; the last good one is in force.
struct ConfigProblem {
  std::string file;
  std::string message;
  WallTime since;
};

struct Snapshot {
  std::uint64_t revision = 0;  // grows with each publication
  WallTime at;
  Counts counts;
  std::vector<std::shared_ptr<const RowChunk>> rows;  // in id order, chunk after chunk
  std::vector<std::shared_ptr<const model::Job>>
      jobs;  // running ones first, then the newest; at most 200
  JobCounts job_counts;
  std::size_t running_jobs = 0;
  std::shared_ptr<const std::vector<model::Release>> releases;  // newest version first
  // The newest events, oldest first; at most 2,000 (older ones come from the store).
  std::shared_ptr<const std::vector<std::shared_ptr<const model::Event>>> events;
  std::uint64_t last_event = 0;
  model::Thresholds thresholds;
  std::vector<ConfigProblem> config_problems;
  bool store_writable = true;
  std::string store_problem;
  WallTime store_problem_since;
  std::shared_ptr<const model::Stop> stop;     // null: updates are not stopped
  std::vector<model::DdiWaiting> ddi_waiting;  // ids that wait for an operator's word, oldest first

  // The row of a device, none where it is not known. O(log n).
  const DeviceRow* find(const std::string& id) const;
};

// One point of a graph; values are empty where the device did not send them.
struct HistoryPoint {
  WallTime at;
  std::array<std::optional<float>, model::kMetricCount> values;
  float score = 0;
  model::Level level = model::Level::kUnknown;
};

// All about one device, built when asked for.
struct DeviceDetail {
  DeviceRow row;
  std::optional<model::DeviceSpec> spec;
  std::optional<model::DeviceRecord> record;
  model::Verdict verdict;
  std::optional<model::Decision> gate;  // against the target version, where one is set
  std::vector<HistoryPoint> history;    // oldest first
  std::vector<model::Job> jobs;         // newest first, at most 20
};

}  // namespace ota::fleet
