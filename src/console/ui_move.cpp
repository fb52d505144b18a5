// Moving: from view to view, from line to line, from device to device; and the marks on the way.
#include <algorithm>

#include "console/ui.h"

namespace ota::console {

int Ui::page() const {
  return std::max(1, size_.rows - 8);
}

void Ui::show(View view) {
  if (view == View::kDevice && state_.view != View::kDevice) state_.before = state_.view;
  state_.view = view;
  state_.scroll = 0;
  state_.log.full_record = false;
}

void Ui::act_open() {
  switch (state_.view) {
    case View::kSummary:
      if (!model_.rows.empty()) show(View::kDevice);
      return;
    case View::kUpdates: {
      const auto index = index_of(model_.jobs, state_.job);
      if (model_.jobs.empty()) return;
      state_.device = model_.jobs[index.value_or(0)]->device;
      return show(View::kDevice);
    }
    case View::kLog:
      if (model_.events.empty()) return;
      if (state_.log.following) move_in_log(0);
      state_.log.full_record = true;
      state_.log.scroll = 0;
      return;
    default:
      return;
  }
}

// Esc: the innermost thing first; on a top view with nothing open it does nothing.
void Ui::act_back() {
  if (state_.view == View::kLog && state_.log.full_record) {
    state_.log.full_record = false;
  } else if (state_.view == View::kDevice) {
    show(state_.before);
  } else if (state_.view == View::kTrust) {
    show(View::kUpdates);
  } else if (state_.view == View::kLog) {
    state_.log = LogState{};
  } else if (state_.view == View::kUpdates) {
    state_.job_filter.clear();
  } else if (state_.view == View::kSummary && !state_.filter.empty()) {
    state_.filter.clear();
  } else if (state_.view == View::kSummary) {
    state_.marked.clear();
  } else if (state_.view == View::kGraphs) {
    state_.pan = milliseconds(0);
  }
}

void Ui::step_device(long step) {
  if (model_.rows.empty()) return;
  const auto count = static_cast<long>(model_.rows.size());
  const auto index = index_of_device(model_, state_.device);
  const long next = index ? (static_cast<long>(*index) + step % count + count) % count : 0;
  state_.device = model_.rows[static_cast<std::size_t>(next)]->id;
}

void Ui::move(long lines) {
  const auto moved = [&](std::optional<std::size_t> index, std::size_t count) {
    return static_cast<std::size_t>(
        std::clamp(static_cast<long>(index.value_or(0)) + lines, 0L, static_cast<long>(count) - 1));
  };
  switch (state_.view) {
    case View::kSummary:
      if (!model_.rows.empty()) {
        state_.device =
            model_.rows[moved(index_of_device(model_, state_.device), model_.rows.size())]->id;
      }
      return;
    case View::kUpdates:
      if (!model_.jobs.empty()) {
        state_.job = model_.jobs[moved(index_of(model_.jobs, state_.job), model_.jobs.size())]->id;
      }
      return;
    case View::kAgents: {
      const Agents& agents = *model_.agents;
      const auto found =
          std::find_if(agents.begin(), agents.end(),
                       [&](const fleet::AgentStatus& agent) { return agent.id == state_.agent; });
      if (agents.empty()) return;
      const auto index =
          static_cast<std::size_t>(found == agents.end() ? 0 : found - agents.begin());
      state_.agent = agents[moved(index, agents.size())].id;
      return;
    }
    case View::kDevice: {
      const int hidden =
          device_page_rows(Scene{model_, state_, options_}, size_.columns) - (size_.rows - 5);
      state_.scroll =
          static_cast<int>(std::clamp<long>(state_.scroll + lines, 0, std::max(0, hidden)));
      return;
    }
    case View::kTrust:
      if (!model_.trust->pending.empty())
        state_.trust_row = moved(state_.trust_row, model_.trust->pending.size());
      return;
    case View::kLog:
      return move_in_log(lines);
    case View::kGraphs:
      return;
  }
}

void Ui::mark() {
  if (state_.device.empty()) return;
  if (state_.marked.erase(state_.device) == 0) state_.marked.insert(state_.device);
  move(1);
}

void Ui::mark_all() {
  const bool any = !state_.marked.empty();
  state_.marked.clear();
  for (const fleet::DeviceRow* row : model_.rows) {
    if (!any) state_.marked.insert(row->id);
  }
}

}  // namespace ota::console
