// What is drawn over a view: help, a question, and the steps of an update.
#include <algorithm>

#include "base/text.h"
#include "console/views/scene.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Step = UpdateFlow::Step;

// The two buttons; the one that Enter takes is in brackets and reversed, so that it shows without
// colour.
void draw_buttons(const Area& area, int y, std::string_view verb, bool on_verb) {
  const std::string cancel = on_verb ? "  Cancel  " : "[ Cancel ]";
  const std::string other =
      on_verb ? "[ " + std::string(verb) + " ]" : "  " + std::string(verb) + "  ";
  const int width = cells_of(cancel) + 4 + cells_of(other);
  const int x = std::max(0, (area.columns() - width) / 2);
  area.put(x, y, cancel, on_verb ? Style{} : reversed());
  area.put(x + cells_of(cancel) + 4, y, other, on_verb ? reversed(Ink::kBad) : Style{});
}

void draw_versions(const Area& inside, const UpdateFlow& flow) {
  std::string devices;
  for (const std::string& device : flow.devices())
    devices += (devices.empty() ? "" : " ") + device;
  inside.put(0, 0, "devices  ", {Ink::kDim});
  inside.put(9, 0, devices);
  inside.put(0, 2, "Which version?", bold());
  const int visible = inside.rows() - 5;
  const int first = first_shown(flow.release_index(), flow.releases().size(), visible);
  for (int i = 0; i < visible && first + i < static_cast<int>(flow.releases().size()); ++i) {
    const auto index = to_index(first + i);
    const model::Release& release = flow.releases()[index];
    std::string models;
    for (const std::string& model : release.hardware)
      models += (models.empty() ? "" : ",") + model;
    const bool selected = index == flow.release_index();
    if (selected) inside.set(0, 3 + i, U'▸', bold(Ink::kAccent));
    inside.put(2, 3 + i,
               pad(release.version.label(), 10) + pad(to_text(release.release_class), 12) +
                   pad(models, 12) + " " + format_bytes(release.length) + "  " + release.notes,
               selected ? bold() : Style{});
  }
  inside.put(0, inside.rows() - 1,
             flow.problem().empty() ? "Enter checks the gate; nothing is sent yet" : flow.problem(),
             flow.problem().empty() ? Style{Ink::kDim} : bold(Ink::kBad));
}

std::string reasons_of(const model::Decision& decision) {
  std::string text;
  for (const model::CheckOutcome& check : decision.checks) {
    if (check.result == model::CheckResult::kPass) continue;
    text += (text.empty() ? "" : "; ") + check.check + ": " + check.observed;
  }
  return text;
}

void draw_checks(const Area& area, const model::Decision& decision) {
  area.rule(0, "Checks of " + decision.device);
  // What blocks comes first: it must be in view, however small the screen.
  std::vector<const model::CheckOutcome*> checks;
  for (const model::CheckOutcome& check : decision.checks)
    checks.push_back(&check);
  std::stable_sort(checks.begin(), checks.end(), [](const auto* a, const auto* b) {
    return (a->result != model::CheckResult::kPass) > (b->result != model::CheckResult::kPass);
  });
  int y = 1;
  for (const model::CheckOutcome* check : checks) {
    if (y >= area.rows()) break;
    std::string word(to_text(check->result));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
    area.put(0, y, word, style_of(check->result), 10);
    area.put(11, y, check->check, {}, 13);
    area.put(25, y++,
             check->observed + (check->result == model::CheckResult::kPass
                                    ? ""
                                    : " (must be: " + check->required + ")"));
    if (check->result != model::CheckResult::kPass && !check->remedy.empty() && y < area.rows()) {
      area.put(25, y++, check->remedy, {Ink::kDim});
    }
  }
}

void draw_gate(const Area& inside, const UpdateFlow& flow) {
  const auto& outcomes = flow.outcomes();
  const int listed =
      std::clamp(static_cast<int>(outcomes.size()), 1, std::max(1, inside.rows() / 3));
  const int first = first_shown(flow.outcome_index(), outcomes.size(), listed);
  for (int i = 0; i < listed && first + i < static_cast<int>(outcomes.size()); ++i) {
    const auto index = to_index(first + i);
    const model::Decision& decision = outcomes[index].decision;
    if (index == flow.outcome_index()) inside.set(0, i, U'▸', bold(Ink::kAccent));
    inside.put(2, i, decision.device, {}, 14);
    const std::string headline =
        decision.answer == model::Answer::kAllow ? "ALLOWED: may start now" : decision.headline;
    const int x = inside.put(17, i, headline, style_of_answer(decision.answer));
    const std::string risk = decision.risk.empty() ? "" : "(Risk: " + decision.risk + ")";
    const int end = inside.put(x + 2, i, risk, style_of_answer(decision.answer));
    if (decision.answer != model::Answer::kAllow)
      inside.put(end + 2, i, reasons_of(decision), {Ink::kDim});
  }
  if (!outcomes.empty()) {
    draw_checks(inside.part(0, listed + 1, inside.columns(), inside.rows() - listed - 3),
                outcomes[flow.outcome_index()].decision);
  }
  const std::string keys = std::string("Enter go on  x leave out  r check again") +
                           (flow.may_override() ? "  o override..." : "") + "  Esc back";
  inside.put(0, inside.rows() - 1, flow.problem().empty() ? keys : flow.problem(),
             flow.problem().empty() ? Style{Ink::kDim} : bold(Ink::kBad));
}

void draw_reason(const Area& inside, const UpdateFlow& flow) {
  inside.put(0, 0,
             "A " + std::string(to_text(flow.release().release_class)) +
                 " release may go to an anomalous device.");
  inside.put(0, 1, "Your reason is kept in the audit log.");
  inside.put(0, 3, "Reason: " + flow.reason() + "_", bold());
  inside.put(0, inside.rows() - 1,
             flow.problem().empty() ? "Enter checks again with it  Esc back" : flow.problem(),
             flow.problem().empty() ? Style{Ink::kDim} : bold(Ink::kBad));
}

void draw_confirm(const Area& inside, const UpdateFlow& flow) {
  const std::vector<std::string> send = flow.to_send();
  std::string devices;
  for (const std::string& device : send)
    devices += (devices.empty() ? "" : " ") + device;
  const model::Release& release = flow.release();
  int y = 0;
  const auto field = [&](std::string_view name, std::string_view value, Style style = {}) {
    inside.put(0, y, name, {Ink::kDim});
    inside.put(10, y++, value, style);
  };
  field("image", release.version.label() + "  " + release.target + "  sha256 " +
                     release.sha256.substr(0, 12));
  field("devices", devices);
  const std::size_t left_out = flow.outcomes().size() - send.size();
  if (left_out > 0) field("left out", std::to_string(left_out) + " that the gate refuses");
  if (const std::string fetch = describe(fleet::fetch_sum(flow.outcomes())); !fetch.empty()) {
    inside.put(0, y, "fetches", {Ink::kDim});
    y = put_wrapped(inside, 10, y, fetch);
  }
  if (!flow.reason().empty()) field("override", flow.reason(), bold(Ink::kWarn));
  if (flow.any_allowed()) {
    field("effect", "each device reboots once into its other slot");
    constexpr int kBelow = 4;  // what is typed, and the buttons
    if (y + kBelow < inside.rows()) field("undo", "falls back by itself if the health check fails");
  } else {
    field("effect", "none: the gate refuses it, and that is recorded", bold(Ink::kBad));
  }
  if (flow.needs_typing())
    inside.put(0, ++y, "Type the version to confirm: " + flow.typed() + "_", bold());
  inside.put(0, inside.rows() - 3, flow.problem(), bold(Ink::kBad));
  draw_buttons(inside, inside.rows() - 1, flow.any_allowed() ? "Start" : "Ask anyway",
               flow.on_start());
}

std::string flow_title(const UpdateFlow& flow) {
  const std::size_t count = flow.devices().size();
  const std::string who = count == 1 ? flow.devices().front() : std::to_string(count) + " devices";
  switch (flow.step()) {
    case Step::kVersion:
      return "Update of " + who + ": 1 version";
    case Step::kChecking:
    case Step::kGate:
      return "Update of " + who + " to " + flow.release().version.label() + ": 2 gate";
    case Step::kReason:
      return "Override for " + who;
    default:
      return "Update of " + who + " to " + flow.release().version.label() + ": 3 confirm";
  }
}

// What the list of versions or the gate's answer takes; both keep a few rows while it is asked.
int rows_of(const UpdateFlow& flow) {
  if (flow.step() == Step::kVersion) return static_cast<int>(flow.releases().size()) + 5;
  int rows = 0;
  for (const fleet::PushOutcome& outcome : flow.outcomes()) {
    int own = 1;
    for (const model::CheckOutcome& check : outcome.decision.checks) {
      const bool passes = check.result == model::CheckResult::kPass;
      own += !passes && !check.remedy.empty() ? 2 : 1;
    }
    rows = std::max(rows, own);
  }
  return std::max(12, rows + static_cast<int>(flow.outcomes().size()) + 3);
}

}  // namespace

void draw_help(const Area& area, const Scene& scene) {
  const HelpState& help = *scene.state.help;
  const auto found = scene.state.keymap.help_for(scene.state.view, help.search);
  const int columns = std::min(area.columns(), 78);
  const Area inside = draw_box(
      area, columns, std::min(area.rows(), static_cast<int>(found.size()) + 7),
      "Keys on " + std::string(spec_of(scene.state.view).title) + "  (type to search, Enter runs)");
  inside.put(0, 0, "search: " + help.search + "_", bold());
  const bool tall = inside.rows() >= static_cast<int>(found.size()) + 4;
  const int visible = inside.rows() - (tall ? 4 : 2);
  const int first = first_shown(help.selected, found.size(), visible);
  for (int i = 0; i < visible && first + i < static_cast<int>(found.size()); ++i) {
    const auto index = to_index(first + i);
    const Binding& binding = *found[index];
    if (index == help.selected) inside.set(0, i + 2, U'▸', bold(Ink::kAccent));
    std::string keys;
    for (const std::string& key : scene.state.keymap.keys_of(binding, scene.state.view))
      keys += (keys.empty() ? "" : " ") + key;
    inside.put(2, i + 2, keys.empty() ? "-" : keys, {Ink::kAccent}, 11);
    inside.put(14, i + 2, binding.name, index == help.selected ? bold() : Style{}, 17);
    inside.put(32, i + 2, binding.help);
  }
  if (found.empty()) inside.put(2, 2, "no key matches", {Ink::kDim});
  if (tall) {
    inside.put(0, inside.rows() - 1, "Other keys for an action: \"screen\" in config/console.json",
               {Ink::kDim});
  }
}

void draw_columns(const Area& area, const Scene& scene) {
  constexpr auto kCount = static_cast<int>(model::kColumnNames.size());
  const Area inside = draw_box(area, 48, std::min(area.rows(), kCount + 5), "Columns");
  const std::size_t selected = scene.state.columns->selected;
  const int visible = std::min(kCount, inside.rows());
  const int first = first_shown(selected, kCount, visible);
  for (int i = 0; i < visible; ++i) {
    const auto index = to_index(first + i);
    const std::string name(model::kColumnNames.at(index));
    const bool hidden = scene.state.hidden_columns.contains(name);
    if (index == selected) inside.set(0, i, U'▸', bold(Ink::kAccent));
    inside.put(2, i, (hidden ? "[ ] " : "[x] ") + name, index == selected ? bold() : Style{});
  }
  const Area notes = inside.part(16, 0, inside.columns() - 16, inside.rows());
  notes.put(0, 0, "DEVICE and STATE stay.", {Ink::kDim});
  notes.put(0, 1, "What does not fit is left", {Ink::kDim});
  notes.put(0, 2, "out, whatever is chosen.", {Ink::kDim});
  notes.put(0, 4, "For good: \"screen\" in", {Ink::kDim});
  notes.put(0, 5, "config/console.json", {Ink::kDim});
}

void draw_question(const Area& area, const Question& question) {
  int width = cells_of(question.title) + 8;
  for (const std::string& line : question.lines)
    width = std::max(width, cells_of(line) + 4);
  const Area inside = draw_box(area, std::max(width, 40),
                               static_cast<int>(question.lines.size()) + 5, question.title);
  for (std::size_t i = 0; i < question.lines.size(); ++i) {
    inside.put(0, static_cast<int>(i) + 1, question.lines[i]);
  }
  draw_buttons(inside, inside.rows() - 1, question.verb, question.on_verb);
}

void draw_update_flow(const Area& area, const Scene& scene) {
  const UpdateFlow& flow = *scene.state.update;
  const bool list =
      flow.step() == Step::kVersion || flow.step() == Step::kGate || flow.step() == Step::kChecking;
  constexpr int kConfirmRows = 13;
  // What is fetched may take two rows.
  const bool fetches = !list && fleet::fetch_sum(flow.outcomes()).devices() > 0;
  const int rows =
      list ? std::min(area.rows() - 1, rows_of(flow) + 4) : kConfirmRows + (fetches ? 1 : 0);
  const Area inside =
      draw_box(area, std::min(area.columns(), list ? 100 : 66), rows, flow_title(flow));
  if (inside.empty()) return;
  switch (flow.step()) {
    case Step::kVersion:
      return draw_versions(inside, flow);
    case Step::kChecking:
      inside.put(0, 0, "Asking the gate...");
      return;
    case Step::kGate:
      return draw_gate(inside, flow);
    case Step::kReason:
      return draw_reason(inside, flow);
    case Step::kConfirm:
      return draw_confirm(inside, flow);
    case Step::kSending:
      inside.put(0, 0, "Sending...");
      return;
    case Step::kClosed:
      return;
  }
}

}  // namespace ota::console
