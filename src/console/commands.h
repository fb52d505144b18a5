// The words of the `:` line: one table, from which help, completion and the preview are made. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "console/actions.h"

namespace ota::console {

enum class CommandId : unsigned char {
  kPush,
  kDevice,
  kView,
  kFilter,
  kSort,
  kLog,
  kCancel,
  kAccept,
  kRollback,
  kAcknowledge,
  kRevoke,
  kStop,
  kResume,
  kAgent,
  kExport,
  kRetry,
  kPort,
  kDemonstration,
  kHelp,
  kQuit,
};

struct Command {
  CommandId id;
  std::string_view name;
  std::string_view arguments;  // "DEVICE[,DEVICE] [VERSION]"
  std::string_view help;
  Access access = Access::kReadOnly;  // kFull: --read-only refuses it
};
std::span<const Command> commands();

// The command that a line begins with; null where there is none. An unambiguous beginning of a name
// is enough.
const Command* find_command(std::string_view line);
// The words of a line after its first.
std::vector<std::string> arguments_of(std::string_view line);

// What the line would do, in one phrase.
std::string command_preview(std::string_view line);

// The line with its last word completed: a command's name, else the longest common beginning of
// `words`.
std::string complete(std::string_view line, std::span<const std::string> words);

}  // namespace ota::console
