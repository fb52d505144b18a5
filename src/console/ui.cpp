#include "console/ui.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/export.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

constexpr milliseconds kFurthestBack = std::chrono::hours(366 * 24);
constexpr std::array<int, 11> kSpans{60,   120,  300,   600,   900,   1800,
                                     3600, 7200, 21600, 86400, 604800};  // seconds

}  // namespace

Ui::Ui(Backend& backend, std::shared_ptr<Inbox> inbox, const Clock& clock, ViewOptions options)
    : backend_(backend), inbox_(std::move(inbox)), clock_(clock), options_(options) {
  refresh();
}

void Ui::refresh() {
  model_.now = clock_.wall();
  model_.server = backend_.server();
  if (!state_.frozen || !model_.fleet) {
    model_.fleet = backend_.snapshot();
    model_.trust = backend_.trust();
    model_.agents = backend_.agents();
  } else {
    model_.now = state_.frozen_at;
  }
  drop_older_behind_gap();
  arrange(model_, state_);
  go_on_searching();
  if (state_.device.empty() && !model_.rows.empty()) state_.device = model_.rows.front()->id;
  if (!state_.frozen || !model_.detail || model_.detail->row.id != state_.device) {
    model_.detail = state_.device.empty() ? nullptr : backend_.detail(state_.device);
  }
  take_settings();
  fit_span();
  refresh_histories();
  load_stored();
  if (state_.agent.empty() && !model_.agents->empty()) state_.agent = model_.agents->front().id;
  if (state_.log.following && !model_.events.empty())
    state_.log.selected = model_.events.back()->seq;
  // A notice speaks of the present, also over a picture that is held still.
  if (state_.frozen && state_.notice)
    state_.notice->at = std::max(state_.notice->at, state_.frozen_at);
}

Canvas Ui::draw(Size size) {
  size_ = size;
  return draw_screen(model_, state_, size, options_);
}

std::vector<Effect> Ui::take_effects() {
  return std::exchange(effects_, {});
}

void Ui::say(std::string_view text, Ink ink) {
  state_.notice = Notice{printable(text, 400), ink, model_.now};
}

int Ui::page() const {
  return std::max(1, size_.rows - 8);
}

void Ui::handle(const Key& key) {
  if (key.kind == Kind::kCtrl && key.point == U'c') return ask_to_quit();
  if (key.kind == Kind::kCtrl && (key.point == U'l' || key.point == U'z')) {
    return act(key.point == U'l' ? Action::kRedraw : Action::kSuspend);
  }
  if (state_.question) return handle_question(key);
  // A dialog that is not drawn takes no key but the way back: nobody confirms what nobody sees.
  if (state_.has_dialog() && !has_room(size_) && key.kind != Kind::kEscape) return;
  if (state_.prompt) return handle_prompt(key);
  if (state_.help) return handle_help(key);
  if (state_.columns) return handle_columns(key);
  if (state_.update) return handle_update(key);
  if (state_.sign) return handle_sign(key);
  const Binding* binding = state_.keymap.find(state_.view, key);
  if (binding != nullptr) {
    act(binding->action);
  } else if (key.kind == Kind::kPaste) {
    say("pasted text is not taken as keys", Ink::kWarn);
  }
}

void Ui::handle_question(const Key& key) {
  switch (key.kind) {
    case Kind::kTab:
    case Kind::kBackTab:
    case Kind::kLeft:
    case Kind::kRight:
      state_.question->on_verb = !state_.question->on_verb;
      return;
    case Kind::kEscape:
      state_.question.reset();
      return;
    case Kind::kEnter: {
      const Question question = *std::exchange(state_.question, std::nullopt);
      if (question.on_verb) question.accept();
      return;
    }
    default:
      return;
  }
}

void Ui::handle_help(const Key& key) {
  HelpState& help = *state_.help;
  const auto found = state_.keymap.help_for(state_.view, help.search);
  if (key.kind == Kind::kEscape || key.kind == Kind::kF1) {
    state_.help.reset();
  } else if (key.kind == Kind::kUp) {
    help.selected = help.selected == 0 ? 0 : help.selected - 1;
  } else if (key.kind == Kind::kDown) {
    help.selected = std::min(help.selected + 1, found.empty() ? 0 : found.size() - 1);
  } else if (key.kind == Kind::kEnter) {
    state_.help.reset();
    if (!found.empty()) act(found[std::min(help.selected, found.size() - 1)]->action);
  } else if (edit_line(help.search, key, 40)) {
    help.selected = 0;
  }
}

void Ui::handle_columns(const Key& key) {
  constexpr std::size_t kCount = model::kColumnNames.size();
  std::size_t& selected = state_.columns->selected;
  const bool text = key.kind == Kind::kText;
  if (key.kind == Kind::kEscape || key.kind == Kind::kEnter || (text && key.point == U'c')) {
    state_.columns.reset();
  } else if (key.kind == Kind::kUp || (text && key.point == U'k')) {
    selected = selected == 0 ? 0 : selected - 1;
  } else if (key.kind == Kind::kDown || (text && key.point == U'j')) {
    selected = std::min(selected + 1, kCount - 1);
  } else if (text && key.point == U' ') {
    const std::string name(model::kColumnNames.at(selected));
    if (state_.hidden_columns.erase(name) == 0) state_.hidden_columns.insert(name);
  }
}

// Edits of console.json take effect at once; what `c` chose stays until then.
void Ui::take_settings() {
  auto settings = backend_.settings();
  if (!settings || settings == settings_) return;
  const model::ScreenSettings& screen = settings->console.screen;
  if (!settings_ || settings_->console.screen != screen) {
    state_.keymap = Keymap(screen);
    state_.hidden_columns = screen.hidden_columns;
  }
  settings_ = std::move(settings);
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

// --read-only: says so, and true, where the thing would change the fleet.
bool Ui::refuse_changes(bool changes) {
  if (!changes || options_.access == Access::kFull) return false;
  say("read-only: this console was started with --read-only", Ink::kWarn);
  return true;
}

void Ui::act(Action action) {
  if (refuse_changes(changes_fleet(action))) return;
  const bool done = act_everywhere(action) || act_on_graphs(action) || act_on_log(action) ||
                    act_on_device(action) || act_on_agents(action) || act_on_trust(action);
  if (!done) say("nothing to do here");
}

bool Ui::act_everywhere(Action action) {
  switch (action) {
    case Action::kShowSummary:
      return show(View::kSummary), true;
    case Action::kShowGraphs:
      return show(View::kGraphs), true;
    case Action::kShowLog:
      return show(View::kLog), true;
    case Action::kShowUpdates:
      return show(View::kUpdates), true;
    case Action::kShowAgents:
      return show(View::kAgents), true;
    case Action::kUp:
      return move(-1), true;
    case Action::kDown:
      return move(1), true;
    case Action::kPageUp:
      return move(-page()), true;
    case Action::kPageDown:
      return move(page()), true;
    case Action::kFirst:
      return move(-1000000), true;
    case Action::kLast:
      return move(1000000), true;
    case Action::kOpen:
      return act_open(), true;
    case Action::kBack:
      return act_back(), true;
    case Action::kCopy:
      return copy(), true;
    case Action::kExport:
      return open_prompt(Prompt::Kind::kExport, export_name(state_, model_.now)), true;
    case Action::kCommand:
      return open_prompt(Prompt::Kind::kCommand, ""), true;
    case Action::kFilter:
      return open_prompt(Prompt::Kind::kFilter, ""), true;
    case Action::kRetry:
      backend_.retry_server();
      return say("trying to listen again"), true;
    case Action::kHelp:
      state_.help = HelpState{};
      return true;
    case Action::kRedraw:
      effects_.push_back({Effect::Kind::kRedraw, {}});
      return true;
    case Action::kSuspend:
      effects_.push_back({Effect::Kind::kSuspend, {}});
      return true;
    case Action::kQuit:
      return ask_to_quit(), true;
    case Action::kFreeze:
      state_.frozen = !state_.frozen;
      state_.frozen_at = model_.now;
      return true;
    default:
      return false;
  }
}

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

bool Ui::act_on_device(Action action) {
  switch (action) {
    case Action::kUpdate:
      return update_chosen(), true;
    case Action::kMark:
      return mark(), true;
    case Action::kMarkAll:
      return mark_all(), true;
    case Action::kSort:
      state_.sort =
          static_cast<SortColumn>((static_cast<std::size_t>(state_.sort) + 1) % kSortColumns);
      return true;
    case Action::kColumns:
      state_.columns = ColumnChooser{};
      return true;
    case Action::kReverseSort:
      state_.reverse = !state_.reverse;
      return true;
    case Action::kNextMatch:
      return move(1), true;
    case Action::kPreviousMatch:
      return move(-1), true;
    case Action::kGraphsOfDevice:
      return show(View::kGraphs), true;
    case Action::kLogOfDevice:
      state_.log = LogState{};
      state_.log.source = state_.device;
      return show(View::kLog), true;
    case Action::kRollback:
      return roll_back(state_.device), true;
    case Action::kRevoke:
      return revoke(state_.device), true;
    case Action::kAcknowledge:
      return acknowledge(state_.device), true;
    case Action::kCancelJob:
      return cancel_job(state_.job.empty() && !model_.jobs.empty() ? model_.jobs.front()->id
                                                                   : state_.job),
             true;
    default:
      return false;
  }
}

bool Ui::act_on_trust(Action action) {
  switch (action) {
    case Action::kShowTrust:
      return show(View::kTrust), true;
    case Action::kSign: {
      const auto& pending = model_.trust->pending;
      if (pending.empty()) return say("nothing waits for signatures"), true;
      state_.sign.emplace(pending[std::min(state_.trust_row, pending.size() - 1)]);
      return true;
    }
    default:
      return false;
  }
}

bool Ui::act_on_agents(Action action) {
  const std::string agent = state_.agent;
  switch (action) {
    case Action::kRestartAgent:
      confirm("Restart agent " + agent + "?", {"Its device is silent for a moment."}, "Restart",
              [this, agent] { order_agent(agent, Backend::AgentOrder::kRestart); });
      return true;
    case Action::kStopAgent:
      confirm("Stop agent " + agent + "?", {"Its device goes offline until it is started again."},
              "Stop", [this, agent] { order_agent(agent, Backend::AgentOrder::kStop); });
      return true;
    case Action::kStartAgent:
      return order_agent(agent, Backend::AgentOrder::kStart), true;
    default:
      return false;
  }
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

void Ui::zoom(int step) {
  const auto found = std::find(kSpans.begin(), kSpans.end(), static_cast<int>(state_.span.count()));
  const long index = found == kSpans.end() ? 2 : found - kSpans.begin();
  const long next = std::clamp(index + step, 0L, static_cast<long>(kSpans.size()) - 1);
  state_.span = seconds(kSpans.at(static_cast<std::size_t>(next)));
  state_.span_chosen = true;
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

void Ui::pan(int step) {
  state_.pan += step * milliseconds(state_.span) / 4;
  state_.pan = std::clamp<milliseconds>(state_.pan, milliseconds(0), kFurthestBack);
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

void Ui::ask_to_quit() {
  const WallTime now = clock_.wall();
  if (quit_asked_ && now - *quit_asked_ <= seconds(2) && now >= *quit_asked_ && state_.question) {
    effects_.push_back({Effect::Kind::kQuit, {}});
    return;
  }
  quit_asked_ = now;
  const auto& jobs = model_.fleet->jobs;
  const auto running = std::count_if(jobs.begin(), jobs.end(),
                                     [](const auto& job) { return !is_final(job->state); });
  const std::size_t agents = model_.agents->size();
  std::vector<std::string> lines;
  if (running > 0) {
    lines.push_back(std::to_string(running) + (running == 1 ? " update is" : " updates are") +
                    " running; devices go on by themselves.");
  }
  lines.emplace_back("Remote devices keep their image and reconnect later.");
  const std::string title =
      "Stop the server" +
      (agents > 0 ? " and " + std::to_string(agents) + (agents == 1 ? " agent" : " agents") : "") +
      "?";
  state_.question = Question{title, lines, "Stop",
                             [this] {
                               effects_.push_back({Effect::Kind::kQuit, {}});
                             },
                             false};
}

}  // namespace ota::console
