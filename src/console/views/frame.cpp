// The four rows that every view has, and the order in which a screen is drawn.
#include <algorithm>
#include <array>

#include "console/commands.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Phase = model::ServerStatus::Phase;

std::string_view phase_word(Phase phase) {
  constexpr std::array<std::string_view, 4> kWords{"STARTING", "UP", "DOWN", "DRAINING"};
  return kWords.at(static_cast<std::size_t>(phase));
}

std::string port_of(const std::string& listen) {
  const std::size_t colon = listen.rfind(':');
  return colon == std::string::npos ? std::string() : listen.substr(colon);
}

// 0: whole titles; 1: short ones; 2: numbers, and the short title of the present one.
constexpr std::size_t kTabForms = 3;

std::string tabs_text(const UiState& state, std::size_t form) {
  const View current = spec_of(state.view).tab.empty() ? state.before : state.view;
  std::string text = " OTA ";
  int number = 0;
  for (const ViewSpec& view : views()) {
    if (view.tab.empty()) continue;
    const bool here = view.id == current;
    std::string name = std::to_string(++number);
    if (here || form < 2) name += " " + std::string(form == 0 ? view.title : view.tab);
    text += here ? " [" + name + "]" : "  " + name + " ";
  }
  return text;
}

// Tabs at the left, server and clock at the right; the narrower the screen, the fewer words.
void draw_tabs(const Area& row, const Scene& scene) {
  const Model& model = scene.model;
  const std::string word(phase_word(model.server.phase));
  const std::string clock = time_of_day(model.now);
  const bool looks_only = scene.options.access == Access::kReadOnly;
  const std::string port = port_of(model.server.listen);
  const std::string before = looks_only ? "READ-ONLY  " : "";
  const std::array<std::string, 3> rights{before + "HTTPS " + port + " " + word + "  " + clock,
                                          before + port + " " + word + " " + clock,
                                          (looks_only ? "R/O " : "") + word + " " + clock};
  row.fill(0, U' ', {Ink::kTitle});
  for (std::size_t form = 0; form < kTabForms; ++form) {
    for (const std::string& right : rights) {
      const std::string left = tabs_text(scene.state, form);
      const bool last = form + 1 == kTabForms && &right == &rights.back();
      if (cells_of(left) + 1 + cells_of(right) + 1 > row.columns() && !last) continue;
      row.put(0, 0, left, bold(Ink::kTitle));
      const Style style = model.server.phase == Phase::kUp ? Style{Ink::kGood} : bold(Ink::kBad);
      if (cells_of(left) + cells_of(right) < row.columns())
        row.put_right(row.columns() - 1, 0, right, style);
      return;
    }
  }
}

// Keys of the view, whole items only; `?` is never dropped.
void draw_hints(const Area& row, const Scene& scene) {
  const UiState& state = scene.state;
  std::string fixed;
  if (state.question || (state.update && state.update->step() == UpdateFlow::Step::kConfirm)) {
    fixed = "Tab moves  Enter chooses (Cancel is preselected)  Esc back";
  } else if (state.update) {
    fixed = "Enter goes on  Esc back  j k select";
  } else if (state.columns) {
    fixed = "Space shows or hides  j k select  Esc closes";
  } else if (state.sign) {
    fixed = "Enter goes on  Esc back";
  } else if (state.help) {
    fixed = "type to search  Enter runs  Esc closes";
  } else if (state.prompt) {
    fixed = "Enter takes it  Esc leaves  Up recalls  Ctrl-U clears";
    if (state.prompt->kind == Prompt::Kind::kCommand) fixed += "  Tab completes";
  }
  if (!fixed.empty()) {
    row.put(1, 0, fixed, {Ink::kAccent});
    return;
  }
  const int room = row.columns() - 8;  // "  ? help"
  int x = 1;
  // What a server that is down, or an empty fleet, needs comes before all else.
  const auto put_first = [&](Action action, std::string_view words) {
    const std::string key = key_of(scene, action);
    if (key.empty()) return;
    x = row.put(x, 0, key, bold(Ink::kAccent));
    x = row.put(x + 1, 0, words) + 2;
  };
  const bool acts = scene.options.access == Access::kFull;
  if (server_down(scene.model) && acts) {
    put_first(Action::kRetry, "retry now");
    if (scene.model.server.port_failed) put_first(Action::kOtherPort, "other port...");
  } else if (fleet_empty(scene.model) && acts) {
    put_first(Action::kAcknowledge, "demonstration...");
  }
  for (const Binding* binding : bindings_of(state.view)) {
    if (binding->hint.empty() || binding->action == Action::kHelp) continue;
    if (binding->access == Access::kFull && !acts) continue;
    const std::vector<std::string> keys = state.keymap.keys_of(*binding, state.view);
    if (keys.empty()) continue;
    const std::string& key = keys.front();
    const int width = cells_of(key) + 1 + cells_of(binding->hint);
    if (x + width > room) break;
    x = row.put(x, 0, key, bold(Ink::kAccent));
    x = row.put(x + 1, 0, binding->hint) + 2;
  }
  const std::string help = key_of(scene, Action::kHelp);
  x = row.put(x, 0, help.empty() ? ":help" : help, bold(Ink::kAccent));
  row.put(x + 1, 0, "help");
}

void draw_status(const Area& row, const Scene& scene) {
  const UiState& state = scene.state;
  if (state.prompt) {
    constexpr std::array<std::string_view, 5> kMarks{
        "/", ":", "write to: ", "port for this run: ", "stop all updates, because: "};
    const int x = row.put(1, 0,
                          std::string(kMarks.at(static_cast<std::size_t>(state.prompt->kind))) +
                              state.prompt->text + "_",
                          bold());
    if (state.prompt->kind == Prompt::Kind::kCommand) {
      row.put(x + 2, 0, command_preview(state.prompt->text), {Ink::kDim});
    } else if (state.prompt->kind == Prompt::Kind::kFilter && state.prompt->text.empty()) {
      row.put(x + 2, 0, spec_of(state.view).filter_words, {Ink::kDim});
    }
    return;
  }
  // A notice is of an earlier action: not an answer to what is asked now.
  if (!state.question && state.notice && scene.model.now - state.notice->at < seconds(10) &&
      scene.model.now >= state.notice->at) {
    row.put(1, 0, state.notice->text, bold(state.notice->ink));
    return;
  }
  const auto& events = scene.model.fleet->events;
  if (spec_of(state.view).standstill == ViewSpec::Standstill::kNo &&
      (state.frozen || !state.log.following)) {
    row.put(1, 0, "held still - f or End follows again", {Ink::kDim});
  } else if (events && !events->empty() && scene.model.fleet->last_event > 0) {
    const model::Event& event = *events->back();
    row.put(1, 0, time_of_day(event.at) + " " + event.message, {Ink::kDim});
  }
}

}  // namespace

Canvas draw_screen(const Model& model, const UiState& state, Size size,
                   const ViewOptions& options) {
  Canvas canvas(size, options.charset);
  const Area screen(canvas);
  const Scene scene{model, state, options};
  if (!has_room(size)) {
    draw_small(screen, scene);
    return canvas;
  }
  draw_tabs(screen.part(0, 0, size.columns, 1), scene);
  draw_context(screen.part(0, 1, size.columns, 1), scene);
  const Area body = screen.part(0, 2, size.columns, size.rows - 4);
  spec_of(state.view).draw(body, scene);
  if (state.help) draw_help(body, scene);
  if (state.columns) draw_columns(body, scene);
  if (state.update) draw_update_flow(body, scene);
  if (state.sign) draw_sign_flow(body, scene);
  if (state.question) draw_question(body, *state.question);
  draw_status(screen.part(0, size.rows - 2, size.columns, 1), scene);
  draw_hints(screen.part(0, size.rows - 1, size.columns, 1), scene);
  return canvas;
}

}  // namespace ota::console
