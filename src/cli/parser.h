// Turns a command line into a command and its arguments, or into the text that answers it (help,
// version, a usage error). The only place that knows CLI11.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/command.h"

namespace ota::cli {

// Options that every command takes.
struct Globals {
  std::string root = ".";
  std::string server;  // empty: from ROOT/config/console.json
  bool json = false;
};

struct Invocation {
  const Command* command = nullptr;  // null: nothing to run, `text` is the answer
  Arguments arguments;
  Globals globals;
  std::string text;
  ExitCode code = ExitCode::kDone;  // of `text`: kUsage goes to standard error
};

struct Environment {
  std::optional<std::string> root;    // OTA_ROOT
  std::optional<std::string> server;  // OTA_SERVER
};

// `words` without the program's name. Never throws; a wrong line is an answer with kUsage.
Invocation parse(std::span<const std::string> words, const Environment& environment,
                 std::span<const Command> table);

}  // namespace ota::cli
