// ota-sim: plays scenarios against the real programs, which it looks for next to itself, and lives
// through simulated worlds.
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <span>

#include "base/standard_streams.h"
#include "sim/program.h"
#include "world/explorer.h"

int main(int argc, char** argv) {
  ota::open_standard_streams();
  std::signal(SIGPIPE, SIG_IGN);
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  const ota::SystemClock clock;
  const std::vector<std::string> words(argv + 1, argv + argc);
  // Simulated worlds start no program, and so know of none.
  if (!words.empty() && words.front() == "explore") {
    const std::span<const std::string> rest(words.begin() + 1, words.end());
    return ota::end_standard_output("ota-sim", ota::world::explore(rest, std::cout, std::cerr));
  }
  const int code =
      ota::sim::run(words, {.out = std::cout,
                            .err = std::cerr,
                            .clock = clock,
                            .programs = failed ? std::filesystem::path(".") : self.parent_path()});
  return ota::end_standard_output("ota-sim", code);
}
