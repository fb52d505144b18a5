// The console as one call. A main does: block_signals(); start the server's thread with a
// FleetBackend; run().
#pragma once

#include <filesystem>

#include "base/clock.h"
#include "console/backend.h"
#include "console/canvas.h"
#include "console/terminal_guard.h"
#include "console/views/scene.h"

namespace ota::console {

struct Options {
  std::filesystem::path log_file;  // takes standard output and error while the screen is up
  enum class Signs : std::uint8_t { kAuto, kAscii } signs = Signs::kAuto;
  enum class Synchronized : std::uint8_t { kAuto, kOff } synchronized = Synchronized::kAuto;
  Access access = Access::kFull;
  std::filesystem::path script;  // no terminal then; see script.h
  Size script_size{80, 24};
};

// Runs until the operator quits, SIGTERM, SIGINT or the end of the terminal. Paints before it asks
// anything of the backend but its snapshots. Returns the exit code: 0 quit or SIGTERM, 2 no usable
// terminal (said on standard error), 1 a script that failed, 128 + the signal's number for others.
// Thread: the main one, with block_signals() called before any other was started.
int run(const Options& options, Backend& backend, const Clock& clock);

}  // namespace ota::console
