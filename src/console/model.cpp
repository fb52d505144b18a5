#include "console/model.h"

#include <algorithm>
#include <array>

#include "base/fold.h"
#include "base/text.h"

namespace ota::console {
namespace {

bool shown(const model::Event& event, const LogFilter& log) {
  if (event.severity < log.at_least) return false;
  if (!log.source.empty() && event.source != log.source) return false;
  return log.filter.empty() || passes(log.filter, event.source + " " + event.kind + " " +
                                                      event.message + " " + event.actor);
}

void count_new(NewEvents& counted, const LogState& log, const Events& events) {
  if (counted.since != log.paused_at || counted.filter != log) {
    counted = {log.paused_at, log, log.paused_at, 0};
  }
  for (const auto& event : events) {
    if (event->seq <= counted.counted_to) continue;
    counted.counted_to = event->seq;
    if (shown(*event, log)) ++counted.count;
  }
}

void arrange_events(Model& model, const LogState& log) {
  const bool paused = !log.following;
  model.newest = paused && log.held ? log.held : model.fleet->events;
  model.events.clear();
  std::uint64_t last = 0;
  const auto take = [&](const Events& events) {
    for (const auto& event : events) {
      if (event->seq <= last || !shown(*event, log)) continue;
      if (paused && event->seq > log.paused_at) continue;
      last = event->seq;
      model.events.push_back(event.get());
    }
  };
  take(model.older);
  if (model.newest) take(*model.newest);
  if (!paused) model.new_events = {};
  if (paused && model.fleet->events) count_new(model.new_events, log, *model.fleet->events);
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
  model.order.arrange(model.fleet, state, model.now, model.rows);
  arrange_events(model, state.log);
  model.jobs.clear();
  for (const auto& job : model.fleet->jobs) {
    const std::string text = job->id + " " + job->device + " " + job->release.version.label() +
                             " " + std::string(to_text(job->state));
    if (passes(state.job_filter, text)) model.jobs.push_back(job.get());
  }
}

// By the row's address: 100,000 ids are not compared for each frame.
std::optional<std::size_t> index_of_device(const Model& model, const std::string& id) {
  const auto found = std::find(model.rows.begin(), model.rows.end(), model.fleet->find(id));
  if (found == model.rows.end()) return std::nullopt;
  return static_cast<std::size_t>(found - model.rows.begin());
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

std::size_t pending_index(const Model& model, const UiState& state) {
  const auto& pending = model.trust->pending;
  for (std::size_t i = 0; i < pending.size(); ++i) {
    if (pending[i].role == state.pending) return i;
  }
  return 0;
}

std::uint64_t oldest_loaded(const Model& model) {
  if (!model.older.empty()) return model.older.front()->seq;
  return model.newest && !model.newest->empty() ? model.newest->front()->seq : 0;
}

bool block_is_old(const Model& model, model::Level level, WallTime since) {
  return level == model::Level::kCritical &&
         model.now - since >= model.fleet->thresholds.block_escalate_after;
}

bool is_live(const Model& model, const fleet::DeviceRow& row) {
  return row.online && !server_down(model) &&
         model.now - row.last_seen <= model.fleet->thresholds.stale_after;
}

bool server_down(const Model& model) {
  return model.server.phase == model::ServerStatus::Phase::kDown;
}

bool fleet_empty(const Model& model) {
  return model.fleet->counts.devices == 0 && model.server.phase == model::ServerStatus::Phase::kUp;
}

fleet::DeviceState shown_state(const Model& model, const fleet::DeviceRow& row) {
  return server_down(model) ? fleet::DeviceState::kUnknown : row.state;
}

}  // namespace ota::console
