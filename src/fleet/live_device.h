// What is known of one device while the server runs, and the rules that turn its samples into it:
// order within a boot, plausible times, minutes for the store.
//
// No locks here: the device table's stripe lock is held by whoever has a LiveDevice.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "anomaly/detector.h"
#include "base/clock.h"
#include "base/copy_on_write.h"
#include "fleet/history_ring.h"
#include "fleet/identity_watch.h"
#include "fleet/minutes.h"
#include "fleet/snapshot.h"
#include "gate/reason.h"
#include "model/device.h"
#include "model/job.h"
#include "model/settings.h"
#include "model/telemetry.h"

namespace ota::fleet {

// A sample's time may be ahead of the server's by a clock's drift, and behind by what an agent
// buffers while its link is down.
inline constexpr seconds kMaxFuture{60};
inline constexpr std::chrono::minutes kMaxAge{10};

// Finds repeated and late samples: the newest sequence number of the present boot, a window of
// those before it, and the boots before this one.
class SequenceGuard {
 public:
  // None where the sample is the next of its boot (gaps are fine) or the first of a new one.
  std::optional<model::SampleFault> check(const model::Sample& sample);
  // Not above the newest of its boot by number, and later by time: one device alone sends no such
  // sample.
  bool contradicts(const model::Sample& sample) const {
    return any_ && sample.boot == boot_ && sample.seq <= newest_ && sample.at > newest_at_;
  }

 private:
  bool any_ = false;
  model::BootId boot_;
  std::uint64_t newest_ = 0;
  WallTime newest_at_{};
  std::uint64_t seen_ = 0;  // bit n: newest_ - n was accepted
  std::array<model::BootId, 4> earlier_boots_{};
  std::size_t next_earlier_ = 0;
};

// Lowest, mean and highest of a minute; stored when the next one begins (minutes.h).
class MinuteSummary {
 public:
  void add(const model::Sample& sample, model::Level level, double score, WallTime now);
  void add_refused(WallTime now);
  bool over(WallTime now) const;
  WallTime end() const { return minute_ + std::chrono::minutes(1); }
  bool empty() const { return samples_ == 0 && refused_ == 0; }
  // What is to be stored of it; it is empty then.
  FinishedMinute finish(const std::string& device);

 private:
  void begin(WallTime now);
  std::string document() const;
  struct Range {
    std::uint32_t count = 0;
    double sum = 0;
    double low = 0;
    double high = 0;
    void add(double value);
    MinuteRange summary() const { return {low, sum / count, high}; }
  };
  WallTime minute_{};
  std::uint32_t samples_ = 0;
  std::uint32_t refused_ = 0;
  model::Level worst_ = model::Level::kUnknown;
  float score_ = 0;
  std::array<Range, model::kMetricCount> ranges_{};
  std::vector<std::pair<std::string, Range>> extra_;  // of the device's own naming, bounded by them
};

// Readings that came and could not be used, since the last that could: their device is connected,
// and what hinders it is another thing than silence.
struct UnusableReadings {
  WallTime since{};  // the server's time of the first request without a usable one; epoch: none
  WallTime last{};
  model::SampleFault fault = model::SampleFault::kMalformed;
  milliseconds ahead{0};  // the newest one's time before the server's; negative: behind
  bool told = false;

  bool clock_off() const {
    return fault == model::SampleFault::kFuture || fault == model::SampleFault::kStale;
  }
  void note(model::SampleFault why, milliseconds ahead_by, WallTime now);
  // They have been coming for long enough to be more than what a link held back.
  bool keep_coming(WallTime now, milliseconds stale_after) const;
};

// Who takes updates on a device: who asks for them now. kBoth: two update clients at once, so that
// nobody knows which of them would install what. Telemetry alone decides nothing.
enum class Reach : std::uint8_t { kAgent, kDdi, kBoth };

struct LiveDevice {
  LiveDevice(std::string name, std::shared_ptr<const model::Thresholds> thresholds,
             std::size_t history_samples)
      : id(std::move(name)), detector(std::move(thresholds)), history(history_samples) {}

  std::string id;
  std::shared_ptr<const model::DeviceSpec> spec;  // null: not (or no longer) in the whitelist
  CopyOnWrite<model::DeviceRecord> record;        // none: never enrolled
  bool local = false;

  anomaly::DeviceDetector detector;
  SequenceGuard order;
  HistoryRing history;
  MinuteSummary minute;
  std::array<std::optional<double>, model::kMetricCount> last_values{};
  model::BootId boot{};      // the start that its last status told; zeros: none since our start
  WallTime last_received{};  // server's time of the last accepted sample; epoch: never
  WallTime last_heard{};     // and of its last request of any kind
  UnusableReadings unusable;
  std::optional<seconds> clock_off;  // ahead of the server's, as its agent says; which cures it
  IdentityWatch identity;
  // When it was heard of last, by a word of its agent or a poll over DDI, since the start; epoch:
  // never.
  WallTime seen_at() const { return std::max(last_heard, ddi_polled); }
  std::uint64_t refused = 0;
  bool online = false;
  // As it was counted among its group (Impl::count_groups): what to take off for its own peers.
  std::shared_ptr<const model::DeviceSpec> counted_in;  // null: not counted, for it was not online
  anomaly::Risen counted_risen = 0;
  bool regrouped = false;      // to be counted anew
  WallTime ddi_polled{};       // epoch: not since the server started
  WallTime commands_polled{};  // the agent asked for commands; the same
  bool two_clients_told = false;

  model::Level level = model::Level::kUnknown;  // as last told by an event
  std::string label = "No telemetry";
  std::string offending;  // metrics behind a verdict that is not stable: "cpu, mem"
  WallTime level_since{};
  MonoTime level_began{};   // the same by the clock that does not jump
  bool escalated = false;   // this critical verdict was told to have lasted too long
  WallTime explained_at{};  // when label and offending were taken from the detector
  bool renewed_serial_used = false;
  WallTime ended_call_told{};     // that it called with a certificate that has ended
  std::uint32_t revocations = 0;  // since the server started: an enrolment under way is void then

  // Of the running job, or of the last one.
  std::string job;
  model::JobState job_state = model::JobState::kQueued;
  int job_percent = 0;
  bool job_running = false;
  bool watching = false;  // a success of the last minutes is under watch

  // Bytes of images that it was sent and that its record does not count yet, and when that was last
  // written.
  std::uint64_t sent_bytes = 0;
  MonoTime sent_saved{};

  // The gate's answer for the wanted version (gate_question.h).
  gate::Reason gate_reason = gate::Reason::kNotListed;
  WallTime gate_good_until = WallTime::max();
  bool gate_due = true;

  static constexpr std::size_t kNoRow = SIZE_MAX;
  std::size_t row = kNoRow;           // its place in the snapshot
  bool dirty = true;                  // its row has to be built anew
  WallTime due_at = WallTime::max();  // device_table.h, DeviceTimers

  // The wall clock jumped, which was noticed at `now`: the spans since these times are what they
  // were.
  void move_stamps(milliseconds jump, WallTime now);
  // Silence since the last accepted sample; negative: none since the server started.
  milliseconds silent_for(WallTime now) const;
  // An accepted sample within the stale time.
  bool telemetry_is_fresh(milliseconds stale_after, WallTime now) const;
  // Fresh telemetry, or polls where it is updated over DDI and nothing on it sends any.
  bool heard(const model::Settings& settings, WallTime now) const;
  // Updated over DDI, and nothing on it sends telemetry.
  bool ddi_alone() const;
  Reach reach(const model::DdiSettings& settings, WallTime now) const;
  // Its agent asked for commands within the last long poll and a bit.
  bool agent_asks(WallTime now) const;
  // Since the last poll over DDI; negative: none.
  milliseconds ddi_silent_for(WallTime now) const;
  // Polled within the last two intervals and a minute; until when it counts as that.
  bool ddi_polls(const model::DdiSettings& settings, WallTime now) const;
  WallTime ddi_polls_until(const model::DdiSettings& settings) const;
};

// "Clock Off", "Readings Refused".
std::string_view label_of(const UnusableReadings& readings);

// The row of the summary as of `now`; `gate_reason` heads the gate's answer then.
DeviceRow make_row(const LiveDevice& device, const model::Settings& settings, WallTime now,
                   gate::Reason gate_reason);

}  // namespace ota::fleet
