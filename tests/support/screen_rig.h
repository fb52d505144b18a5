// The real console with two agents of its own, in a temporary root, on a free port.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/pty.h"
#include "tests/support/temp_folder.h"

namespace ota::test {

std::filesystem::path console_program();

// A root with agents cam-1 and cam-2 (both stable), listening on 127.0.0.1 port 0.
void write_console_root(const std::filesystem::path& root);

struct ConsoleRig {
  struct Options {
    std::vector<std::string> arguments{};
    std::map<std::string, std::string> environment{};
    int columns = 80;
    int rows = 24;
    void (*write_root)(const std::filesystem::path&) = write_console_root;
  };
  ConsoleRig() : ConsoleRig(Options{}) {}
  explicit ConsoleRig(const Options& options);

  TempFolder root;
  Pty pty;
};

// From the gate's page of an update that is allowed: goes on, moves from Cancel to Start, and waits
// for the answer. What did not come, and the screen without it; empty: all did.
std::string confirm_update(Pty& pty, const std::string& version);

// The processes whose command line names this folder: agents that must not outlive their console.
std::vector<int> processes_of(const std::filesystem::path& root);

}  // namespace ota::test
