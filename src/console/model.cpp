#include "console/model.h"

#include <algorithm>
#include <array>
#include <compare>

#include "base/text.h"

namespace ota::console {
namespace {

using fleet::DeviceRow;

std::strong_ordering compare_values(const DeviceRow& a, const DeviceRow& b, model::Metric metric) {
  const auto i = static_cast<std::size_t>(metric);
  // Highest first; without a reading last.
  const auto rank = [i](const DeviceRow& row) {
    return row.values.at(i) ? static_cast<long>(*row.values.at(i) * 10) : -10000L;
  };
  return rank(b) <=> rank(a);
}

std::strong_ordering compare(const DeviceRow& a, const DeviceRow& b, SortColumn column) {
  switch (column) {
    case SortColumn::kState:
      return a.state <=> b.state;
    case SortColumn::kDevice:
      return a.id <=> b.id;
    case SortColumn::kModel:
      return a.hardware <=> b.hardware;
    case SortColumn::kGroup:
      return a.group <=> b.group;
    case SortColumn::kVersion: {
      const model::Version none;
      const auto& left = a.facts.confirmed;
      const auto& right = b.facts.confirmed;
      return (left ? left->version : none) <=> (right ? right->version : none);
    }
    case SortColumn::kRisk:
      return b.risk <=> a.risk;
    case SortColumn::kCpu:
      return compare_values(a, b, model::Metric::kCpu);
    case SortColumn::kMem:
      return compare_values(a, b, model::Metric::kMem);
    case SortColumn::kDisk:
      return compare_values(a, b, model::Metric::kDisk);
    case SortColumn::kTemp:
      return compare_values(a, b, model::Metric::kTemp);
    case SortColumn::kSeen:
      return a.last_seen <=> b.last_seen;
  }
  return std::strong_ordering::equal;
}

std::string searched_text(const DeviceRow& row) {
  return row.id + " " + row.hardware + " " + row.group + " " + std::string(to_text(row.state)) +
         " " + row.label + " " + row.gate;
}

void arrange_rows(Model& model, const UiState& state) {
  model.rows.clear();
  for (const auto& chunk : model.fleet->rows) {
    for (const auto& row : *chunk) {
      if (state.filter.empty() || passes(state.filter, searched_text(*row))) {
        model.rows.push_back(row.get());
      }
    }
  }
  std::sort(model.rows.begin(), model.rows.end(), [&](const DeviceRow* a, const DeviceRow* b) {
    const auto order = compare(*a, *b, state.sort);
    if (order != 0) return state.reverse ? order > 0 : order < 0;
    return a->id < b->id;
  });
}

bool shown(const model::Event& event, const LogState& log) {
  if (event.severity < log.at_least) return false;
  if (!log.source.empty() && event.source != log.source) return false;
  return log.filter.empty() || passes(log.filter, event.source + " " + event.kind + " " +
                                                      event.message + " " + event.actor);
}

void arrange_events(Model& model, const LogState& log) {
  model.events.clear();
  model.new_events = 0;
  std::uint64_t last = 0;
  const auto take = [&](const Events& events) {
    for (const auto& event : events) {
      if (event->seq <= last || !shown(*event, log)) continue;
      last = event->seq;
      if (!log.following && event->seq > log.paused_at) {
        ++model.new_events;
      } else {
        model.events.push_back(event.get());
      }
    }
  };
  take(model.older);
  if (model.fleet->events) take(*model.fleet->events);
}

}  // namespace

std::string_view name_of(SortColumn column) {
  constexpr std::array<std::string_view, kSortColumns> kNames{
      "state", "device", "model", "group", "version", "risk", "cpu", "mem", "disk", "temp", "seen"};
  return kNames.at(static_cast<std::size_t>(column));
}

bool passes(std::string_view filter, std::string_view text) {
  for (const std::string& word : split(filter, ' ')) {
    if (word.empty() || word == "!") continue;
    const bool wanted = word.front() != '!';
    if (contains_folded(text, wanted ? std::string_view(word) : std::string_view(word).substr(1)) !=
        wanted) {
      return false;
    }
  }
  return true;
}

void arrange(Model& model, const UiState& state) {
  arrange_rows(model, state);
  arrange_events(model, state.log);
  model.jobs.clear();
  for (const auto& job : model.fleet->jobs) {
    const std::string text = job->id + " " + job->device + " " + job->release.version.label() +
                             " " + std::string(to_text(job->state));
    if (passes(state.job_filter, text)) model.jobs.push_back(job.get());
  }
}

std::optional<std::size_t> index_of(const std::vector<const DeviceRow*>& rows,
                                    const std::string& id) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i]->id == id) return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> index_of(const std::vector<const model::Event*>& events,
                                    std::uint64_t seq) {
  const auto found = std::lower_bound(
      events.begin(), events.end(), seq,
      [](const model::Event* event, std::uint64_t value) { return event->seq < value; });
  if (found == events.end() || (*found)->seq != seq) return std::nullopt;
  return static_cast<std::size_t>(found - events.begin());
}

std::optional<std::size_t> index_of(const std::vector<const model::Job*>& jobs,
                                    const std::string& id) {
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    if (jobs[i]->id == id) return i;
  }
  return std::nullopt;
}

bool is_live(const Model& model, const DeviceRow& row) {
  return row.online && model.server.phase != fleet::ServerStatus::Phase::kDown &&
         model.now - row.last_seen <= model.fleet->thresholds.stale_after;
}

}  // namespace ota::console
