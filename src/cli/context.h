// What a command is given to work with; everything that a test replaces is in here.
#pragma once

#include <filesystem>
#include <functional>
#include <iosfwd>
#include <string>

#include "base/clock.h"
#include "cli/api.h"
#include "cli/arguments.h"
#include "cli/ask.h"
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
  // Only for unless_confirmed() of ask.h.
  Ask ask;
  // True once an endless command (watch, logs --follow) shall end: the user wants it, or nobody
  // reads what it writes.
  std::function<bool()> interrupted;
  // Waits for at most so long, less where the user interrupts.
  std::function<void(milliseconds)> wait;
};

}  // namespace ota::cli
