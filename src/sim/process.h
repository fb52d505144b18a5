// A child program of a scenario: started, watched and killed by its own id.
//
// Standard output and error go to a log file, so that nothing of a child is lost and no thread has
// to read it. A child dies with ota-sim (death signal). Thread: one.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::sim {

struct ProcessSpec {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::filesystem::path log;
  std::filesystem::path folder;            // working directory; empty: as ota-sim
  std::vector<std::string> environment{};  // "NAME=value", over ota-sim's own
};

class Process {
 public:
  static Result<Process> start(const ProcessSpec& spec);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();  // SIGKILL, and waits

  pid_t pid() const { return pid_; }
  // False once it has ended; its status is then kept.
  bool running();
  void signal(int number);
  // The exit status (128 + signal where one ended it); none where it still runs after `patience`.
  std::optional<int> wait(milliseconds patience);

 private:
  explicit Process(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
  std::optional<int> status_;
};

struct Finished {
  int status = 0;
  std::string output;  // both streams
};
// Runs a program to its end; kTimeout (and it is killed) after `patience`.
Result<Finished> run_to_end(const ProcessSpec& spec, milliseconds patience);

}  // namespace ota::sim
