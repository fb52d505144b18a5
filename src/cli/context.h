// What a command is given to work with; everything that a test replaces is in here.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/output.h"

namespace ota::cli {

struct Context {
  const Arguments& arguments;
  Output& out;
  Api& api;
  const Clock& clock;
  std::filesystem::path root;
  std::istream& in;
  // The question to a person: true for a yes. Where there is nobody to ask (standard input is no
  // terminal) scripts are taken at their word: true.
  std::function<bool(const std::string& question)> confirm;
  // True once the user wants an endless command (watch, logs --follow) to end.
  std::function<bool()> interrupted;
  // Waits for at most so long, less where the user interrupts.
  std::function<void(milliseconds)> wait;
};

}  // namespace ota::cli
