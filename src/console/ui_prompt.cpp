// The line at the bottom: filters, commands and file names, with recall and completion.
#include <algorithm>

#include "base/fold.h"
#include "base/text.h"
#include "console/commands.h"
#include "console/ui.h"
#include "fleet/device_filter.h"

namespace ota::console {
namespace {

using Kind = Key::Kind;

constexpr std::size_t kHistory = 50;

void remember(std::vector<std::string>& history, const std::string& line) {
  if (line.empty()) return;
  std::erase(history, line);
  history.push_back(line);
  if (history.size() > kHistory) history.erase(history.begin());
}

}  // namespace

void Ui::open_prompt(Prompt::Kind kind, std::string text) {
  state_.prompt = Prompt{kind, std::move(text), 0};
}

void Ui::handle_prompt(const Key& key) {
  Prompt& prompt = *state_.prompt;
  switch (key.kind) {
    case Kind::kEscape:
      state_.prompt.reset();
      return;
    case Kind::kEnter:
      return take_prompt();
    case Kind::kUp:
      return recall(1);
    case Kind::kDown:
      return recall(-1);
    case Kind::kTab:
      if (prompt.kind == Prompt::Kind::kCommand) prompt.text = complete(prompt.text, known_words());
      return;
    default:
      edit_line(prompt.text, key);
  }
}

void Ui::recall(int step) {
  Prompt& prompt = *state_.prompt;
  const std::vector<std::string>& history =
      prompt.kind == Prompt::Kind::kCommand ? state_.commands : state_.filters;
  const bool recalls =
      prompt.kind == Prompt::Kind::kCommand || prompt.kind == Prompt::Kind::kFilter;
  if (!recalls || history.empty()) return;
  const long place = std::clamp<long>(static_cast<long>(prompt.recalled) + step, 0,
                                      static_cast<long>(history.size()));
  prompt.recalled = static_cast<std::size_t>(place);
  prompt.text = place == 0 ? std::string() : history[history.size() - prompt.recalled];
}

void Ui::take_prompt() {
  const Prompt prompt = *std::exchange(state_.prompt, std::nullopt);
  switch (prompt.kind) {
    case Prompt::Kind::kFilter:
      remember(state_.filters, prompt.text);
      return set_filter(prompt.text);
    case Prompt::Kind::kCommand:
      remember(state_.commands, prompt.text);
      return run_command(prompt.text);
    case Prompt::Kind::kExport:
      return export_to(prompt.text);
    case Prompt::Kind::kPort:
      return listen_on(prompt.text);
    case Prompt::Kind::kStop:
      return stop_updates(prompt.text);
  }
}

void Ui::set_filter(const std::string& text) {
  const auto filter = spec_of(state_.view).filter;
  std::string& kept = filter != nullptr ? filter(state_) : state_.filter;
  if (&kept == &state_.filter) {
    if (const auto good = fleet::DeviceFilter::parse(text); !good) {
      return say("filter: " + good.error().context, Ink::kBad);
    }
  }
  kept = text;
}

std::vector<std::string> Ui::known_words() const {
  std::vector<std::string> words{"start", "stop", "restart"};
  for (const ViewSpec& view : views())
    words.emplace_back(view.word);
  for (std::size_t i = 0; i < kSortColumns; ++i)
    words.emplace_back(name_of(static_cast<SortColumn>(i)));
  for (const auto& chunk : model_.fleet->rows) {
    for (const auto& row : *chunk)
      words.push_back(row->id);
  }
  if (model_.fleet->releases) {
    for (const model::Release& release : *model_.fleet->releases)
      words.push_back(release.version.text());
  }
  for (const auto& job : model_.fleet->jobs) {
    if (!is_final(job->state)) words.push_back(job->id);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

void Ui::run_command(const std::string& line) {
  const Command* command = find_command(line);
  const std::vector<std::string> arguments = arguments_of(line);
  if (command == nullptr) {
    if (!line.empty()) say("no such command: " + line + "  (:help, Tab completes)", Ink::kBad);
    return;
  }
  const std::string first = arguments.empty() ? std::string() : arguments.front();
  const std::size_t blank = line.find(' ');
  const std::string rest = blank == std::string::npos ? std::string() : line.substr(blank + 1);
  const bool needs = !command->arguments.empty() && command->arguments.front() != '[';
  if (needs && first.empty()) return say(command_preview(line), Ink::kWarn);
  if (refuse(command->access)) return;
  switch (command->id) {
    case CommandId::kPush: {
      std::optional<model::Version> version;
      if (arguments.size() > 1) {
        const auto parsed = model::Version::parse(arguments[1]);
        if (!parsed) return say(parsed.error().text(), Ink::kBad);
        version = *parsed;
      }
      return start_update(split(first, ','), version);
    }
    case CommandId::kDevice:
      if (model_.fleet->find(first) == nullptr) return say("no device " + first, Ink::kBad);
      state_.device = first;
      return show(state_, View::kDevice);
    case CommandId::kView:
      for (const ViewSpec& view : views()) {
        if (!view.word.empty() && contains_folded(view.title, first)) return show(state_, view.id);
      }
      return say("no view " + first, Ink::kBad);
    case CommandId::kFilter:
      return set_filter(rest);
    case CommandId::kSort:
      for (std::size_t i = 0; i < kSortColumns; ++i) {
        if (name_of(static_cast<SortColumn>(i)) != first) continue;
        state_.sort = static_cast<SortColumn>(i);
        return;
      }
      return say("no column " + first, Ink::kBad);
    case CommandId::kLog:
      state_.log = LogState{};
      state_.log.source = first;
      return show(state_, View::kLog);
    case CommandId::kCancel:
      return cancel_job(first);
    case CommandId::kAccept:
      return backend_.accept(first, report(first + " accepted"));
    case CommandId::kRollback:
      return roll_back({first});
    case CommandId::kAcknowledge:
      return acknowledge({first});
    case CommandId::kRevoke:
      return revoke(first);
    case CommandId::kStop:
      return stop_updates(rest);
    case CommandId::kResume:
      return resume_updates();
    case CommandId::kAgent:
      if (arguments.size() == 2) {
        state_.agent = arguments[1];
        if (first == "start") return static_cast<void>(act_on_agents(Action::kStartAgent));
        if (first == "stop") return static_cast<void>(act_on_agents(Action::kStopAgent));
        if (first == "restart") return static_cast<void>(act_on_agents(Action::kRestartAgent));
      }
      return say(command_preview(line), Ink::kWarn);
    case CommandId::kExport:
      return export_to(rest);
    case CommandId::kRetry:
      return act(Action::kRetry);
    case CommandId::kPort:
      return listen_on(first);
    case CommandId::kDemonstration:
      return start_demonstration();
    case CommandId::kHelp:
      state_.help = HelpState{};
      return;
    case CommandId::kQuit:
      return ask_to_quit();
  }
}

}  // namespace ota::console
