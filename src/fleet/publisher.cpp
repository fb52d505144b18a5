#include "fleet/publisher.h"

#include <algorithm>
#include <utility>

#include "base/prefetch.h"
#include "fleet/gate_question.h"

namespace ota::fleet {
namespace {

// Empty where the device has confirmed none.
std::string counted_version(const DeviceRow& row) {
  const auto& confirmed = row.facts().confirmed;
  return confirmed ? confirmed->version.text() : std::string();
}

model::EndTold end_told(const DeviceRow& row) {
  return row.record ? row.record->end_told : model::EndTold::kNothing;
}

}  // namespace

const DeviceRow* Snapshot::find(const std::string& id) const {
  const auto chunk = std::partition_point(rows.begin(), rows.end(), [&](const auto& candidate) {
    return !candidate->empty() && candidate->back()->id < id;
  });
  if (chunk == rows.end()) return nullptr;
  const auto row = std::partition_point((*chunk)->begin(), (*chunk)->end(),
                                        [&](const auto& candidate) { return candidate->id < id; });
  return row != (*chunk)->end() && (*row)->id == id ? row->get() : nullptr;
}

void Publisher::order_anew() {
  const std::lock_guard lock(build_);
  order_anew_ = true;
}

std::shared_ptr<const Snapshot> Publisher::latest() const {
  const std::lock_guard lock(latest_);
  return snapshot_;
}

void Publisher::count(const DeviceRow& row, std::ptrdiff_t step) {
  const auto add = [step](std::size_t& counter) { counter += static_cast<std::size_t>(step); };
  add(counts_.devices);
  if (row.online) add(counts_.online);
  switch (row.level) {
    case model::Level::kStable:
      add(counts_.stable);
      break;
    case model::Level::kWatch:
      add(counts_.watch);
      break;
    case model::Level::kCritical:
      add(counts_.critical);
      break;
    case model::Level::kUnknown:
      add(counts_.unknown);
      break;
  }
  if (row.state == DeviceState::kUpdating) add(counts_.updating);
  if (row.state == DeviceState::kFailed) add(counts_.failed);
  if (row.state == DeviceState::kRollback) add(counts_.rolled_back);
  if (end_told(row) == model::EndTold::kNears) add(counts_.certificates_ending);
  if (end_told(row) == model::EndTold::kEnded) add(counts_.certificates_ended);
  const std::string confirmed = counted_version(row);
  if (confirmed.empty()) return;
  const auto version = versions_.try_emplace(confirmed, 0).first;
  add(version->second);
  if (version->second == 0) versions_.erase(version);
}

namespace {

// The device's row, with the gate's answer found anew where that is due. Stripe lock held.
std::shared_ptr<const DeviceRow> row_of(DeviceTable::Stripe& stripe, LiveDevice& device,
                                        const Publisher::Rest& rest) {
  const GateSide side{*rest.settings,     *rest.catalogue, rest.store_writable,
                      rest.store_problem, rest.now,        rest.stop.get()};
  follow_gate(device, side);
  stripe.timers.due_by(device, device.gate_good_until);
  device.dirty = false;
  return std::make_shared<const DeviceRow>(
      make_row(device, *rest.settings, rest.now, device.gate_reason));
}

}  // namespace

// Whether both add the same to the counts, as nearly all rows and those that replace them do.
bool Publisher::count_alike(const DeviceRow& a, const DeviceRow& b) {
  return a.online == b.online && a.level == b.level && a.state == b.state &&
         (a.record == b.record ||
          (counted_version(a) == counted_version(b) && end_told(a) == end_told(b)));
}

void Publisher::rebuild(DeviceTable& table, const Rest& rest) {
  order_anew_ = false;
  struct Placed {
    std::shared_ptr<const DeviceRow> row;
    LiveDevice* device;
  };
  std::vector<Placed> rows;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      rows.push_back({row_of(stripe, *device, rest), device.get()});
    }
    stripe.dirty.clear();
  }
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.row->id < b.row->id; });
  counts_ = {};
  versions_.clear();
  chunks_.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i % kRowsPerChunk == 0) chunks_.push_back(std::make_shared<RowChunk>());
    chunks_.back()->push_back(rows[i].row);
    count(*rows[i].row, 1);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::lock_guard lock(table.stripe_of(rows[i].row->id).mutex);
    rows[i].device->row = i;
  }
}

bool Publisher::update(DeviceTable& table, const Rest& rest) {
  std::vector<std::pair<std::size_t, std::shared_ptr<const DeviceRow>>> changed;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (std::size_t i = 0; i < stripe.dirty.size(); ++i) {
      constexpr std::size_t kAhead = 3;  // rows take about as long as memory to come
      if (i + kAhead < stripe.dirty.size()) prefetch(stripe.dirty[i + kAhead], sizeof(LiveDevice));
      LiveDevice* const device = stripe.dirty[i];
      if (device->row == LiveDevice::kNoRow) continue;  // placed by the rebuild that is due
      changed.emplace_back(device->row, row_of(stripe, *device, rest));
    }
    stripe.dirty.clear();
  }
  std::sort(changed.begin(), changed.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i < changed.size(); ++i) {
    auto& [index, row] = changed[i];
    const std::size_t at = index / kRowsPerChunk;
    const bool first = i == 0 || changed[i - 1].first / kRowsPerChunk != at;
    if (first) chunks_[at] = std::make_shared<RowChunk>(*chunks_[at]);
    std::shared_ptr<const DeviceRow>& place = (*chunks_[at])[index % kRowsPerChunk];
    if (!count_alike(*place, *row)) {
      count(*place, -1);
      count(*row, 1);
    }
    place = std::move(row);
  }
  return !changed.empty();
}

void Publisher::publish(DeviceTable& table, Rest rest, RestChanged rest_changed) {
  const std::lock_guard building(build_);
  bool changed = rest_changed == RestChanged::kYes;
  if (order_anew_) {
    rebuild(table, rest);
    changed = true;
  } else {
    changed = update(table, rest) || changed;
  }
  if (!changed) return;

  auto next = std::make_shared<Snapshot>();
  next->revision = ++revision_;
  next->at = rest.now;
  next->rows.assign(chunks_.begin(), chunks_.end());
  counts_.versions.assign(versions_.begin(), versions_.end());
  std::stable_sort(counts_.versions.begin(), counts_.versions.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  next->counts = counts_;
  next->jobs = std::move(rest.jobs);
  next->job_counts = std::move(rest.job_counts);
  next->running_jobs = rest.running_jobs;
  next->releases = rest.catalogue->releases();
  next->events = std::move(rest.events);
  next->last_event = next->events && !next->events->empty() ? next->events->back()->seq : 0;
  next->thresholds = rest.settings->thresholds;
  next->config_problems = std::move(rest.config_problems);
  next->store_writable = rest.store_writable;
  next->store_problem = std::move(rest.store_problem);
  next->stop = std::move(rest.stop);
  next->store_problem_since = rest.store_problem_since;
  next->ddi_waiting = std::move(rest.ddi_waiting);
  const std::lock_guard lock(latest_);
  snapshot_ = std::move(next);
}

}  // namespace ota::fleet
