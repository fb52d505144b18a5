// The log's keys: moving holds it still, following goes on; older events come from the store.
#include <algorithm>

#include "console/ui.h"

namespace ota::console {

bool Ui::act_on_log(Action action) {
  LogState& log = state_.log;
  switch (action) {
    case Action::kPauseLog:
      if (log.following && !state_.frozen) return move_in_log(0), true;
      return follow_log(), true;
    case Action::kFollow:
      follow_log();
      log.full_record = false;
      return true;
    case Action::kSeverity:
      log.at_least = static_cast<model::Severity>((static_cast<unsigned>(log.at_least) + 1) % 4);
      return true;
    case Action::kNextError:
      return find_event(model::Severity::kError, 1), true;
    case Action::kPreviousError:
      return find_event(model::Severity::kError, -1), true;
    case Action::kNextWarning:
      return find_event(model::Severity::kWarning, 1), true;
    case Action::kPreviousWarning:
      return find_event(model::Severity::kWarning, -1), true;
    default:
      return false;
  }
}

// Nothing can be followed in a picture that stands: it goes on too.
void Ui::follow_log() {
  state_.log.following = true;
  state_.log.held.reset();
  state_.frozen = false;
}

void Ui::move_in_log(long lines) {
  LogState& log = state_.log;
  if (log.full_record) {
    log.scroll = static_cast<int>(std::clamp<long>(log.scroll + lines, 0, 200));
    return;
  }
  if (log.following) {
    log.following = false;
    log.paused_at = model_.fleet->last_event;
    log.held = model_.fleet->events;
  }
  const auto& events = model_.events;
  if (events.empty()) return;
  const auto last = static_cast<long>(events.size()) - 1;
  const auto index = index_of(events, log.selected);
  const long from = index ? static_cast<long>(*index) : last;
  const long to = std::clamp(from + lines, 0L, last);
  log.selected = events[static_cast<std::size_t>(to)]->seq;
  if (to == 0 && lines < 0) load_older();
}

void Ui::find_event(model::Severity at_least, long step) {
  move_in_log(0);
  const auto& events = model_.events;
  const auto index = index_of(events, state_.log.selected);
  if (!index) return;
  for (long i = static_cast<long>(*index) + step; i >= 0 && i < static_cast<long>(events.size());
       i += step) {
    const model::Event& event = *events[static_cast<std::size_t>(i)];
    if (event.severity < at_least) continue;
    state_.log.selected = event.seq;
    return;
  }
  say(step > 0 ? "none after this one" : "none before this one");
}

// While the log is followed, memory moves on from what was read from the store: with events missing
// between the two, older ones are read anew when somebody scrolls there.
void Ui::drop_older_behind_gap() {
  const auto& newest = model_.fleet->events;
  if (!state_.log.following || model_.older.empty() || !newest || newest->empty()) return;
  if (model_.older.back()->seq + 1 < newest->front()->seq) model_.older.clear();
}

void Ui::load_older() {
  const auto& loaded = model_.older;
  const auto& newest = model_.newest;
  std::uint64_t first = 0;
  if (!loaded.empty()) {
    first = loaded.front()->seq;
  } else if (newest && !newest->empty()) {
    first = newest->front()->seq;
  }
  // 20,000 events are about 10 MB; who needs more exports them.
  if (loading_older_ || first <= 1 || loaded.size() >= 20000) return;
  loading_older_ = true;
  const std::weak_ptr<int> alive = alive_;
  backend_.older_events(first, 1000,
                        Inbox::bring<Events>(inbox_, [this, alive](Result<Events> events) {
                          if (alive.expired()) return;
                          loading_older_ = false;
                          if (!events) return say(events.error().text(), Ink::kBad);
                          model_.older.insert(model_.older.begin(), events->begin(), events->end());
                        }));
}

}  // namespace ota::console
