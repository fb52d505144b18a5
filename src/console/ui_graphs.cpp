// The graphs: how much time they show and where it ends, and the readings that they need for it.
#include <algorithm>
#include <array>

#include "console/ui.h"

namespace ota::console {
namespace {

constexpr milliseconds kFurthestBack = std::chrono::hours(366 * 24);
constexpr std::array<int, 11> kSpans{60,   120,  300,   600,   900,   1800,
                                     3600, 7200, 21600, 86400, 604800};  // seconds

}  // namespace

bool Ui::act_on_graphs(Action action) {
  switch (action) {
    case Action::kNextDevice:
      return step_device(1), true;
    case Action::kPreviousDevice:
      return step_device(-1), true;
    case Action::kZoomIn:
      return zoom(-1), true;
    case Action::kZoomOut:
      return zoom(1), true;
    case Action::kPanBack:
      return pan(1), true;
    case Action::kPanForward:
      return pan(-1), true;
    case Action::kLive:
      state_.pan = milliseconds(0);
      state_.frozen = false;
      return true;
    default:
      return false;
  }
}

// A server that has just started has a minute of readings, not five: until the operator zooms, the
// graphs show what there is.
void Ui::fit_span() {
  if (state_.span_chosen || !model_.detail) return;
  const auto& history = model_.detail->history;
  const milliseconds known = history.empty() ? milliseconds(0) : model_.now - history.front().at;
  state_.span = known < seconds(60)    ? seconds(60)
                : known < seconds(120) ? seconds(120)
                                       : seconds(300);
}

// Once a second, and only the devices that may be in view: a reading takes 40 bytes.
void Ui::refresh_histories() {
  if (state_.view != View::kGraphs || size_.columns < kWideColumns) {
    model_.histories.clear();
    return;
  }
  if (state_.frozen && !model_.histories.empty()) return;
  if (!model_.histories.empty() && model_.now - histories_at_ < seconds(1)) return;
  histories_at_ = model_.now;
  model_.histories.clear();
  const auto rows = static_cast<std::size_t>(size_.rows);
  const std::size_t selected = index_of_device(model_, state_.device).value_or(0);
  const std::size_t first = selected < rows ? 0 : selected - rows;
  for (std::size_t i = first; i < std::min(model_.rows.size(), first + 2 * rows); ++i)
    model_.histories[model_.rows[i]->id] = backend_.history(model_.rows[i]->id);
}

void Ui::zoom(int step) {
  const auto found = std::find(kSpans.begin(), kSpans.end(), static_cast<int>(state_.span.count()));
  const long index = found == kSpans.end() ? 2 : found - kSpans.begin();
  const long next = std::clamp(index + step, 0L, static_cast<long>(kSpans.size()) - 1);
  state_.span = seconds(kSpans.at(static_cast<std::size_t>(next)));
  state_.span_chosen = true;
}

void Ui::pan(int step) {
  state_.pan += step * milliseconds(state_.span) / 4;
  state_.pan = std::clamp<milliseconds>(state_.pan, milliseconds(0), kFurthestBack);
}

// Asks the store for what the graphs show and memory does not hold, with a screenful on both sides,
// so that the next steps find it there.
void Ui::load_stored() {
  if (state_.view != View::kGraphs || !model_.detail || loading_stored_) return;
  const auto& live = model_.detail->history;
  const WallTime end = model_.now - state_.pan;
  const WallTime begin = end - state_.span;
  const WallTime in_memory = live.empty() ? end : live.front().at;
  if (begin >= in_memory) return;
  const WallTime needed_to = std::min(end, in_memory);
  const auto& held = model_.stored;
  // The newest minutes are written with a delay of one: to ask for them at each frame is no use.
  constexpr milliseconds kFresh = std::chrono::minutes(1);
  if (held && held->device == state_.device && held->from <= begin &&
      held->to + kFresh >= needed_to) {
    return;
  }
  loading_stored_ = true;
  const auto wanted = std::make_shared<StoredHistory>();
  wanted->device = state_.device;
  wanted->from = begin - state_.span;
  wanted->to = std::min(model_.now, end + state_.span);
  const std::weak_ptr<int> alive = alive_;
  using Points = std::vector<fleet::HistoryPoint>;
  backend_.stored_history(
      wanted->device, wanted->from, wanted->to,
      Inbox::bring<Points>(inbox_, [this, alive, wanted](Result<Points> points) {
        if (alive.expired()) return;
        loading_stored_ = false;
        if (points) wanted->points = std::move(*points);
        if (!points) say(points.error().text(), Ink::kBad);
        model_.stored = wanted;
      }));
}

}  // namespace ota::console
