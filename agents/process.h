// Runs a program to its end: no shell, a process group of its own, a deadline, the last lines of
// its output.
//
// Blocks. Thread: any.
#pragma once

#include <atomic>
#include <string>

#include "agents/config.h"

namespace ota::agent {

struct ProgramEnd {
  int status = 0;      // its exit status; 128 + n where signal n ended it
  std::string output;  // the last 2 KiB of both streams, made printable
};

// kTimeout where it did not end in time, kUnavailable where `interrupted` became true: then it and
// its children are killed. kNotFound where it cannot be started.
Result<ProgramEnd> run_program(const CommandLine& command, milliseconds timeout,
                               const std::atomic<bool>& interrupted);

// The command with "{image}" and "{version}" replaced, also within words.
CommandLine fill_in(const CommandLine& command, const std::string& image,
                    const std::string& version);

}  // namespace ota::agent
