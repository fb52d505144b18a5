#include "console/commands.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace ota::console {
namespace {

constexpr auto kChanges = Access::kFull;

constexpr std::array<Command, 20> kCommands{{
    {CommandId::kPush, "push", "DEVICE[,DEVICE] [VERSION]", "check the gate, then ask to update",
     kChanges},
    {CommandId::kDevice, "device", "DEVICE", "open a device's page"},
    {CommandId::kView, "view", "summary|graphs|log|updates|agents|keys", "change the view"},
    {CommandId::kFilter, "filter", "[TEXT]", "filter this view; nothing: all"},
    {CommandId::kSort, "sort", "COLUMN", "sort the devices"},
    {CommandId::kLog, "log", "[DEVICE]", "events, of one device or of all"},
    {CommandId::kCancel, "cancel", "JOB", "cancel a running job...", kChanges},
    {CommandId::kAccept, "accept", "DEVICE", "let a DDI device in that waits", kChanges},
    {CommandId::kRollback, "rollback", "DEVICE", "back to the other slot...", kChanges},
    {CommandId::kAcknowledge, "ack", "DEVICE", "acknowledge FAILED or ROLLBACK", kChanges},
    {CommandId::kRevoke, "revoke", "DEVICE", "revoke a device's certificate...", kChanges},
    {CommandId::kStop, "stop", "REASON", "stop all updates at once", kChanges},
    {CommandId::kResume, "resume", "", "let updates start again...", kChanges},
    {CommandId::kAgent, "agent", "start|stop|restart AGENT", "order a local agent", kChanges},
    {CommandId::kExport, "export", "FILE", "write what is shown to a file"},
    {CommandId::kRetry, "retry", "", "try to listen again now", kChanges},
    {CommandId::kPort, "port", "PORT", "listen on another port, where the server is down",
     kChanges},
    {CommandId::kDemonstration, "demo", "", "start the demonstration, in an empty fleet...",
     kChanges},
    {CommandId::kHelp, "help", "", "keys of this view"},
    {CommandId::kQuit, "quit", "", "stop the server and quit...", kChanges},
}};

std::string common_beginning(const std::vector<std::string>& words) {
  std::string common = words.front();
  for (const std::string& word : words) {
    const auto end = std::mismatch(common.begin(), common.end(), word.begin(), word.end()).first;
    common.erase(end, common.end());
  }
  return common;
}

}  // namespace

std::span<const Command> commands() {
  return kCommands;
}

const Command* find_command(std::string_view line) {
  const std::string_view word = line.substr(0, line.find(' '));
  if (word.empty()) return nullptr;
  const Command* found = nullptr;
  for (const Command& command : kCommands) {
    if (command.name == word) return &command;
    if (!command.name.starts_with(word)) continue;
    if (found != nullptr) return nullptr;  // ambiguous
    found = &command;
  }
  return found;
}

std::vector<std::string> arguments_of(std::string_view line) {
  std::vector<std::string> words = split(line, ' ');
  std::erase(words, std::string());
  if (!words.empty()) words.erase(words.begin());
  return words;
}

std::string command_preview(std::string_view line) {
  const Command* command = find_command(line);
  if (command != nullptr) {
    return std::string(command->name) + " " + std::string(command->arguments) + ": " +
           std::string(command->help);
  }
  std::string names;
  const std::string_view word = line.substr(0, line.find(' '));
  for (const Command& candidate : kCommands) {
    if (candidate.name.starts_with(word))
      names += (names.empty() ? "" : " ") + std::string(candidate.name);
  }
  return names.empty() ? "no such command" : names;
}

std::string complete(std::string_view line, std::span<const std::string> words) {
  const std::size_t blank = line.rfind(' ');
  const std::string_view begun = blank == std::string_view::npos ? line : line.substr(blank + 1);
  const std::size_t comma = begun.rfind(',');
  const std::string_view last = comma == std::string_view::npos ? begun : begun.substr(comma + 1);
  std::vector<std::string> fitting;
  if (blank == std::string_view::npos) {
    for (const Command& command : kCommands) {
      if (command.name.starts_with(last)) fitting.emplace_back(command.name);
    }
  } else {
    for (const std::string& word : words) {
      if (word.starts_with(last)) fitting.push_back(word);
    }
  }
  if (fitting.empty()) return std::string(line);
  std::string out(line.substr(0, line.size() - last.size()));
  out += common_beginning(fitting);
  if (fitting.size() == 1) out += ' ';
  return out;
}

}  // namespace ota::console
