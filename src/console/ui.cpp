#include "console/ui.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/export.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

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
  keep_selections();
  if (!state_.frozen || !model_.detail || model_.detail->row.id != state_.device) {
    model_.detail = state_.device.empty() ? nullptr : backend_.detail(state_.device);
  }
  take_settings();
  fit_span();
  refresh_histories();
  load_stored();
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

// What is drawn as selected is what a key acts on. A selection stays by its name; one that has left
// the list, or was never made, is the line that is drawn as selected from now on, so that it does
// not go over to another line when the list changes.
void Ui::keep_selections() {
  const auto& rows = model_.rows;
  const bool hidden = state_.view == View::kSummary && !index_of_device(model_, state_.device);
  if (!rows.empty() && (state_.device.empty() || hidden)) state_.device = rows.front()->id;
  const auto& jobs = model_.jobs;
  if (!jobs.empty() && !index_of(jobs, state_.job)) state_.job = jobs.front()->id;
  const Agents& agents = *model_.agents;
  const bool known = std::any_of(agents.begin(), agents.end(),
                                 [&](const auto& agent) { return agent.id == state_.agent; });
  if (!agents.empty() && !known) state_.agent = agents.front().id;
  const auto& pending = model_.trust->pending;
  if (!pending.empty()) state_.pending = pending[pending_index(model_, state_)].role;
  const auto& events = model_.events;
  const bool searching = state_.log.search.has_value();
  if (!events.empty() && !searching &&
      (state_.log.following || !index_of(events, state_.log.selected))) {
    state_.log.selected = events.back()->seq;
  }
}

void Ui::say(std::string_view text, Ink ink) {
  ++notices_;
  state_.notice = Notice{printable(text, 400), ink, model_.now};
}

// A question or a dialog that opens takes the notice of an earlier action away: it would read as an
// answer.
void Ui::handle(const Key& key) {
  const auto asks = [this] { return state_.question || state_.has_dialog(); };
  const bool asked = asks();
  const unsigned said = notices_;
  dispatch(key);
  if (!asked && asks() && notices_ == said) state_.notice.reset();
}

void Ui::dispatch(const Key& key) {
  if (key.kind == Kind::kCtrl && key.point == U'c') return act(Action::kQuit);
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

// --read-only: says so, and true, where the thing needs more.
bool Ui::refuse(Access needed) {
  if (needed == Access::kReadOnly || options_.access == Access::kFull) return false;
  say("read-only: this console was started with --read-only; SIGTERM ends it", Ink::kWarn);
  return true;
}

void Ui::act(Action action) {
  if (refuse(access_for(action))) return;
  const bool done = act_everywhere(action) || act_on_graphs(action) || act_on_log(action) ||
                    act_on_device(action) || act_on_agents(action) || act_on_trust(action);
  if (!done) say("nothing to do here");
}

bool Ui::act_everywhere(Action action) {
  for (const ViewSpec& view : views()) {
    if (view.show == action) return show(state_, view.id), true;
  }
  const ViewSpec& here = spec_of(state_.view);
  switch (action) {
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
      if (here.open != nullptr) here.open(stage());
      return true;
    case Action::kBack:
      here.back != nullptr ? here.back(state_) : show(state_, state_.before);
      return true;
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
    case Action::kOtherPort:
      return ask_for_port(), true;
    case Action::kHelp:
      state_.help = HelpState{};
      return true;
    case Action::kRedraw:
      effects_.push_back({Effect::Kind::kRedraw, {}});
      return true;
    case Action::kSuspend:
      return ask_to_suspend(), true;
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

bool Ui::act_on_device(Action action) {
  switch (action) {
    case Action::kUpdate:
      return start_update(chosen_devices(), std::nullopt), true;
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
      return show(state_, View::kGraphs), true;
    case Action::kLogOfDevice:
      state_.log = LogState{};
      state_.log.source = state_.device;
      return show(state_, View::kLog), true;
    case Action::kRollback:
      return roll_back(chosen_devices()), true;
    case Action::kRevoke:
      return revoke(state_.device), true;
    case Action::kAcknowledge:
      if (fleet_empty(model_)) return start_demonstration(), true;
      return acknowledge(chosen_devices()), true;
    case Action::kStop:
      if (model_.fleet->stop != nullptr) return resume_updates(), true;
      return open_prompt(Prompt::Kind::kStop, ""), true;
    case Action::kCancelJob:
      if (model_.jobs.empty()) return say("no job is selected", Ink::kWarn), true;
      return cancel_job(state_.job), true;
    default:
      return false;
  }
}

bool Ui::act_on_trust(Action action) {
  switch (action) {
    case Action::kSign: {
      const auto& pending = model_.trust->pending;
      if (pending.empty()) return say("nothing waits for signatures"), true;
      state_.sign.emplace(pending[pending_index(model_, state_)]);
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

// The whole process stops, and with it the server: devices would get no answer.
void Ui::ask_to_suspend() {
  confirm("Suspend the console?",
          {"The server stops with it: devices get no answer,",
           "and local agents are not watched, until `fg`."},
          "Suspend", [this] {
            effects_.push_back({Effect::Kind::kSuspend, {}});
          });
}

void Ui::ask_to_quit() {
  if (refuse(access_for(Action::kQuit))) return;
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
