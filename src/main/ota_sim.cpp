// ota-sim: plays scenarios against the real programs, which it looks for next to itself.
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "base/standard_streams.h"
#include "sim/program.h"

int main(int argc, char** argv) {
  ota::open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const ota::SystemClock clock;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const int code =
      ota::sim::run(words, {.out = std::cout,
                            .err = std::cerr,
                            .clock = clock,
                            .programs = failed ? std::filesystem::path(".") : self.parent_path()});
  return ota::end_standard_output("ota-sim", code);
}
