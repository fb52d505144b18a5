#include "console/row_order.h"

#include <algorithm>
#include <utility>

namespace ota::console {
namespace {

using fleet::DeviceRow;

// Highest first; without a reading last.
std::uint64_t rank_of_reading(const DeviceRow& row, model::Metric metric) {
  constexpr std::int64_t kMiddle = std::int64_t{1} << 40;
  constexpr std::int64_t kNone = -10'000;
  const auto& value = row.values.at(static_cast<std::size_t>(metric));
  const std::int64_t tenths = value ? static_cast<std::int64_t>(*value * 10) : kNone;
  return static_cast<std::uint64_t>(kMiddle - tenths);
}

}  // namespace

std::uint64_t RowOrder::rank_of(const DeviceRow& row) {
  switch (sort_) {
    case SortColumn::kState:
      return static_cast<std::uint64_t>(row.state);
    case SortColumn::kDevice:
      return 0;
    case SortColumn::kModel:
      return texts_.of(row.hardware());
    case SortColumn::kGroup:
      return texts_.of(row.group());
    case SortColumn::kVersion:
      return versions_.of(row.facts().confirmed ? row.facts().confirmed->version
                                                : model::Version());
    case SortColumn::kRisk:
      return static_cast<std::uint64_t>(1000 - row.risk);
    case SortColumn::kCpu:
      return rank_of_reading(row, model::Metric::kCpu);
    case SortColumn::kMem:
      return rank_of_reading(row, model::Metric::kMem);
    case SortColumn::kDisk:
      return rank_of_reading(row, model::Metric::kDisk);
    case SortColumn::kTemp:
      return rank_of_reading(row, model::Metric::kTemp);
    case SortColumn::kSeen:
      return static_cast<std::uint64_t>(row.last_seen.time_since_epoch().count());
  }
  return 0;
}

void RowOrder::take(const DeviceRow& row, std::size_t index) {
  Entry& entry = entries_[index];
  const bool shown = wanted_.matches(row, now_);
  std::uint64_t rank = shown ? rank_of(row) : 0;
  // Ids stay in their order in both directions.
  if (reverse_) rank = ~rank;
  if ((shown || entry.shown) && (shown != entry.shown || rank != entry.rank)) {
    is_moved_[index] = true;
    moved_.push_back(static_cast<std::uint32_t>(index));
  }
  entry = {&row, rank, shown};
}

bool RowOrder::same_shape(const fleet::Snapshot& fleet) const {
  if (!fleet_ || fleet_->rows.size() != fleet.rows.size()) return false;
  for (std::size_t i = 0; i < fleet.rows.size(); ++i) {
    if (fleet_->rows[i]->size() != fleet.rows[i]->size()) return false;
  }
  return true;
}

void RowOrder::start_anew(const fleet::Snapshot& fleet, const UiState& state) {
  filter_ = state.filter;
  sort_ = state.sort;
  reverse_ = state.reverse;
  auto wanted = fleet::DeviceFilter::parse(filter_);
  wanted_ = wanted ? std::move(*wanted) : fleet::DeviceFilter();
  looked_ = now_;
  texts_ = {};
  versions_ = {};
  std::size_t count = 0;
  for (const auto& chunk : fleet.rows)
    count += chunk->size();
  entries_.assign(count, {});
  order_.clear();
  fleet_.reset();
}

void RowOrder::take_changes(const fleet::Snapshot& fleet, Look look) {
  moved_.clear();
  is_moved_.assign(entries_.size(), false);
  std::size_t index = 0;
  for (std::size_t i = 0; i < fleet.rows.size(); ++i) {
    const auto& chunk = fleet.rows[i];
    if (look == Look::kChanged && fleet_ && fleet_->rows[i] == chunk) {
      index += chunk->size();
      continue;
    }
    for (const auto& row : *chunk) {
      if (look == Look::kAll || entries_[index].row != row.get()) take(*row, index);
      ++index;
    }
  }
}

void RowOrder::sort_all() {
  order_.clear();
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].shown) order_.push_back({entries_[i].rank, static_cast<std::uint32_t>(i)});
  }
  std::sort(order_.begin(), order_.end());
}

// The places of the others are in order already: the moved ones are sorted and merged in.
void RowOrder::sort_moved() {
  if (moved_.empty()) return;
  if (moved_.size() > entries_.size() / 4) return sort_all();
  std::erase_if(order_, [this](const Place& place) { return is_moved_[place.entry]; });
  const auto kept = static_cast<std::ptrdiff_t>(order_.size());
  for (const std::uint32_t index : moved_) {
    if (entries_[index].shown) order_.push_back({entries_[index].rank, index});
  }
  std::sort(order_.begin() + kept, order_.end());
  std::inplace_merge(order_.begin(), order_.begin() + kept, order_.end());
}

void RowOrder::arrange(const std::shared_ptr<const fleet::Snapshot>& fleet, const UiState& state,
                       WallTime now, std::vector<const DeviceRow*>& rows) {
  constexpr seconds kLookAgain{1};
  const bool same_wish =
      filter_ == state.filter && sort_ == state.sort && reverse_ == state.reverse;
  now_ = now;
  const bool late =
      same_wish && wanted_.reads_clock() && (now < looked_ || now - looked_ >= kLookAgain);
  if (same_wish && fleet_ == fleet && !late) return;
  if (!same_wish || !same_shape(*fleet)) start_anew(*fleet, state);
  if (late) looked_ = now;
  take_changes(*fleet, late ? Look::kAll : Look::kChanged);
  if (texts_.renumber() || versions_.renumber()) {
    for (Entry& entry : entries_) {
      if (entry.shown) entry.rank = reverse_ ? ~rank_of(*entry.row) : rank_of(*entry.row);
    }
    sort_all();
  } else {
    sort_moved();
  }
  fleet_ = fleet;
  rows.clear();
  for (const Place& place : order_)
    rows.push_back(entries_[place.entry].row);
}

}  // namespace ota::console
