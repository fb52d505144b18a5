#include "fleet/live_device.h"

#include <algorithm>

#include "base/clock_jump.h"
#include "base/json.h"

namespace ota::fleet {
namespace {

constexpr std::uint64_t kWindow = 64;
const std::string kNoText;

DeviceState state_of(const LiveDevice& device) {
  if (device.job_running) return DeviceState::kUpdating;
  const bool enrolled = device.spec && device.record && device.record->enrolled;
  const auto attention = device.record ? device.record->attention : model::Attention::kNone;
  if (attention == model::Attention::kFailed) return DeviceState::kFailed;
  if (attention == model::Attention::kRolledBack) return DeviceState::kRollback;
  if (!enrolled) return DeviceState::kUnknown;
  if (!device.online) return device.unusable.told ? DeviceState::kUnknown : DeviceState::kOffline;
  if (device.level == model::Level::kCritical) return DeviceState::kBlocked;
  if (device.level == model::Level::kUnknown) return DeviceState::kUnknown;
  return DeviceState::kOnline;
}

// An anomaly is named by the metrics that it shows in.
std::string gate_word(const LiveDevice& device, gate::Reason reason) {
  if (reason != gate::Reason::kAnomaly) return std::string(gate::info_of(reason).column);
  return device.offending.empty() ? device.label : device.offending;
}

}  // namespace

std::string_view label_of(const UnusableReadings& readings) {
  return readings.clock_off() ? "Clock Off" : "Readings Refused";
}

std::optional<model::SampleFault> SequenceGuard::check(const model::Sample& sample) {
  if (any_ && sample.boot == boot_) {
    if (sample.seq > newest_) {
      const std::uint64_t step = sample.seq - newest_;
      seen_ = step >= kWindow ? 0 : seen_ << step;
      seen_ |= 1;
      newest_ = sample.seq;
      newest_at_ = sample.at;
      return std::nullopt;
    }
    const std::uint64_t back = newest_ - sample.seq;
    const bool known = back < kWindow && ((seen_ >> back) & 1) != 0;
    return known ? model::SampleFault::kRepeated : model::SampleFault::kOutOfOrder;
  }
  if (any_) {
    if (std::find(earlier_boots_.begin(), earlier_boots_.end(), sample.boot) !=
        earlier_boots_.end()) {
      return model::SampleFault::kOutOfOrder;
    }
    earlier_boots_[next_earlier_] = boot_;
    next_earlier_ = (next_earlier_ + 1) % earlier_boots_.size();
  }
  any_ = true;
  boot_ = sample.boot;
  newest_ = sample.seq;
  newest_at_ = sample.at;
  seen_ = 1;
  return std::nullopt;
}

void MinuteSummary::begin(WallTime now) {
  if (!empty()) return;
  minute_ = std::chrono::floor<std::chrono::minutes>(now);
}

void MinuteSummary::Range::add(double value) {
  low = count == 0 ? value : std::min(low, value);
  high = count == 0 ? value : std::max(high, value);
  sum += value;
  ++count;
}

void MinuteSummary::add(const model::Sample& sample, model::Level level, double score,
                        WallTime now) {
  begin(now);
  ++samples_;
  worst_ = std::max(worst_, level);
  score_ = std::max(score_, static_cast<float>(score));
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (sample.values[i]) ranges_[i].add(*sample.values[i]);
  }
  for (const model::ExtraMetric& metric : sample.extra) {
    auto found = std::find_if(extra_.begin(), extra_.end(),
                              [&](const auto& known) { return known.first == metric.name; });
    if (found == extra_.end()) {
      if (extra_.size() >= model::kMaxExtraMetrics) continue;
      found = extra_.emplace(extra_.end(), metric.name, Range{});
    }
    found->second.add(metric.value);
  }
}

void MinuteSummary::add_refused(WallTime now) {
  begin(now);
  ++refused_;
}

bool MinuteSummary::over(WallTime now) const {
  return !empty() && std::chrono::floor<std::chrono::minutes>(now) != minute_;
}

FinishedMinute MinuteSummary::finish(const std::string& device) {
  FinishedMinute finished{device, minute_, document()};
  *this = {};
  return finished;
}

std::string MinuteSummary::document() const {
  Minute minute;
  minute.samples = samples_;
  minute.refused = refused_;
  minute.level = worst_;
  minute.score = static_cast<double>(score_);
  for (std::size_t i = 0; i < ranges_.size(); ++i) {
    if (ranges_[i].count > 0) minute.values[i] = ranges_[i].summary();
  }
  for (const auto& [name, range] : extra_)
    minute.extra.emplace_back(name, range.summary());
  return dump_json(minute_document(minute));
}

void UnusableReadings::note(model::SampleFault why, milliseconds ahead_by, WallTime now) {
  if (since == WallTime{}) since = now;
  last = now;
  fault = why;
  ahead = ahead_by;
}

bool UnusableReadings::keep_coming(WallTime now, milliseconds stale_after) const {
  // A link that comes back brings old readings first, and the new ones within the same second.
  constexpr milliseconds kLongEnough{3000};
  return since != WallTime{} && now - last <= stale_after &&
         now - since >= std::min(kLongEnough, stale_after);
}

void LiveDevice::move_stamps(milliseconds jump, WallTime now) {
  for (WallTime* stamp : {&last_received, &last_heard, &unusable.since, &unusable.last, &ddi_polled,
                          &commands_polled, &level_since, &explained_at, &ended_call_told})
    *stamp = after_jump(*stamp, jump, now);
  detector.clock_jumped(jump, now);
  if (!record || record->fetched.empty()) return;
  std::vector<model::Fetched>& list = record.edit().fetched;
  for (model::Fetched& fetched : list)
    fetched.at = after_jump(fetched.at, jump, now);
  model::leave_none_ahead(list, now);
}

bool LiveDevice::agent_asks(WallTime now) const {
  constexpr seconds kLongPoll{90};
  return commands_polled != WallTime{} && now < commands_polled + kLongPoll;
}

Reach LiveDevice::reach(const model::DdiSettings& settings, WallTime now) const {
  if (!record || !record->ddi) return Reach::kAgent;
  const model::DdiClient& client = *record->ddi;
  if (client.updates_by == model::UpdatesBy::kAgent) return Reach::kAgent;
  if (client.updates_by == model::UpdatesBy::kDdi) return Reach::kDdi;
  const bool over_ddi = ddi_polls(settings, now);
  const bool by_agent = agent_asks(now);
  if (over_ddi && by_agent) return Reach::kBoth;
  if (over_ddi != by_agent) return over_ddi ? Reach::kDdi : Reach::kAgent;
  return client.asked_last ? Reach::kDdi : Reach::kAgent;
}

bool LiveDevice::ddi_alone() const {
  return record && record->ddi && record->agent.empty() && last_received == WallTime{};
}

milliseconds LiveDevice::ddi_silent_for(WallTime now) const {
  if (ddi_polled == WallTime{}) return milliseconds(-1);
  return std::max(now - ddi_polled, milliseconds::zero());
}

bool LiveDevice::ddi_polls(const model::DdiSettings& settings, WallTime now) const {
  return ddi_polled != WallTime{} && now < ddi_polls_until(settings);
}

WallTime LiveDevice::ddi_polls_until(const model::DdiSettings& settings) const {
  return ddi_polled + 2 * settings.poll + std::chrono::minutes(1);
}

bool LiveDevice::telemetry_is_fresh(milliseconds stale_after, WallTime now) const {
  return last_received != WallTime{} && silent_for(now) <= stale_after;
}

bool LiveDevice::heard(const model::Settings& settings, WallTime now) const {
  return ddi_alone() ? ddi_polls(settings.console.ddi, now)
                     : telemetry_is_fresh(settings.thresholds.stale_after, now);
}

milliseconds LiveDevice::silent_for(WallTime now) const {
  if (last_received == WallTime{}) return milliseconds(-1);
  return std::max(now - last_received, milliseconds::zero());
}

const std::string& DeviceRow::hardware() const {
  return spec ? spec->hardware : kNoText;
}

const std::string& DeviceRow::group() const {
  return spec ? spec->group : kNoText;
}

const model::Facts& DeviceRow::facts() const {
  static const model::Facts kNone;
  return record ? record->facts : kNone;
}

std::string DeviceRow::ddi_client() const {
  if (!over_ddi) return {};
  return record->ddi->name.empty() ? "DDI" : record->ddi->name;
}

DeviceRow make_row(const LiveDevice& device, const model::Settings& settings, WallTime now,
                   gate::Reason gate_reason) {
  DeviceRow row;
  row.id = device.id;
  row.spec = device.spec;
  row.record = device.record.share();
  if (row.spec) row.target = settings.ota.target_for(row.spec->hardware);
  if (row.record) row.last_seen = row.record->last_seen;
  row.online = device.online;
  row.local = device.local;
  row.state = state_of(device);
  row.level = device.level;
  row.risk = device.detector.risk(now);
  row.label = device.unusable.told ? std::string(label_of(device.unusable)) : device.label;
  row.readings_unusable = device.unusable.told;
  row.clock_off = device.unusable.told && device.unusable.clock_off()
                      ? std::chrono::duration_cast<seconds>(device.unusable.ahead)
                      : device.clock_off;
  row.level_since = device.level_since;
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    if (device.last_values[i]) row.values[i] = static_cast<float>(*device.last_values[i]);
  }
  row.last_seen = std::max(row.last_seen, device.seen_at());
  row.job = device.job;
  row.job_state = device.job_state;
  row.job_percent = device.job_percent;
  const Reach reach = device.reach(settings.console.ddi, now);
  row.over_ddi = reach != Reach::kAgent;
  row.two_clients = reach == Reach::kBoth;
  row.gate_reason = gate_reason;
  row.gate = gate_word(device, gate_reason);
  row.refused_samples = device.refused;
  return row;
}

}  // namespace ota::fleet
