// The log's keys: moving holds it still, following goes on; older events come from the store.
#include <algorithm>

#include "console/ui.h"

namespace ota::console {
namespace {

constexpr std::size_t kStep = 1000;
// About 10 MB; who needs more asks otactl.
constexpr std::size_t kMostLoaded = 20000;

}  // namespace

bool Ui::act_on_log(Action action) {
  LogState& log = state_.log;
  switch (action) {
    case Action::kPauseLog:
      if (log.following && !state_.frozen) return move_in_log(model_, state_, 0), true;
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
  state_.log.search.reset();
  state_.frozen = false;
}

void Ui::find_event(model::Severity at_least, long step) {
  move_in_log(model_, state_, 0);
  const auto& events = model_.events;
  const auto index = index_of(events, state_.log.selected);
  if (!index) {
    if (step < 0) search_older(at_least, oldest_loaded(model_));
    return;
  }
  for (long i = static_cast<long>(*index) + step; i >= 0 && i < static_cast<long>(events.size());
       i += step) {
    const model::Event& event = *events[static_cast<std::size_t>(i)];
    if (event.severity < at_least) continue;
    state_.log.selected = event.seq;
    return;
  }
  if (step > 0) return say("none after this one");
  search_older(at_least, oldest_loaded(model_));
}

// The newest event before that one which passes the filter: in memory, else in the store.
void Ui::search_older(model::Severity at_least, std::uint64_t before) {
  state_.log.search = LogSearch{state_.log, at_least, before};
  go_on_searching();
}

// After each answer of the store, which loads a bounded piece: keys are heard between.
void Ui::go_on_searching() {
  LogState& log = state_.log;
  if (!log.search || log.search->stage != LogSearch::Stage::kReading) return;
  LogSearch& search = *log.search;
  if (search.filter != log || state_.view != View::kLog) return log.search.reset();
  for (auto event = model_.events.rbegin(); event != model_.events.rend(); ++event) {
    if ((*event)->seq >= search.before || (*event)->severity < search.at_least) continue;
    log.selected = (*event)->seq;
    return log.search.reset();
  }
  search.read_to = oldest_loaded(model_);
  if (loading_older_) return;
  if (search.read_to <= 1 || nothing_older_) return end_search(LogSearch::Stage::kNone);
  if (model_.older.size() >= kMostLoaded) return end_search(LogSearch::Stage::kLimit);
  say("searching older events, now before #" + std::to_string(search.read_to));
  load_older();
}

void Ui::end_search(LogSearch::Stage stage) {
  state_.log.search->stage = stage;
  if (stage == LogSearch::Stage::kNone) {
    say("none before this one, back to the first event");
  } else {
    say("none in the events loaded, back to #" + std::to_string(oldest_loaded(model_)) +
            "; otactl logs --kind, --source look at all",
        Ink::kWarn);
  }
}

// While the log is followed, memory moves on from what was read from the store: with events missing
// between the two, older ones are read anew when somebody scrolls there.
void Ui::drop_older_behind_gap() {
  const auto& newest = model_.fleet->events;
  if (!state_.log.following || model_.older.empty() || !newest || newest->empty()) return;
  if (model_.older.back()->seq + 1 < newest->front()->seq) {
    model_.older.clear();
    nothing_older_ = false;
  }
}

void Ui::load_older() {
  loading_older_ = true;
  const std::weak_ptr<int> alive = alive_;
  backend_.older_events(oldest_loaded(model_), kStep,
                        Inbox::bring<Events>(inbox_, [this, alive](Result<Events> events) {
                          if (alive.expired()) return;
                          loading_older_ = false;
                          if (!events) {
                            state_.log.search.reset();
                            return say(events.error().text(), Ink::kBad);
                          }
                          nothing_older_ = events->empty();
                          model_.older.insert(model_.older.begin(), events->begin(), events->end());
                        }));
}

}  // namespace ota::console
