// ota-sim without its main(): option parsing and the commands run, check, list, storm.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <span>
#include <string>

#include "base/clock.h"

namespace ota::sim {

struct Surroundings {
  std::ostream& out;
  std::ostream& err;
  const Clock& clock;
  std::filesystem::path programs;  // the folder of this program
};

// The exit code: 0 all held, 1 something did not, 2 usage.
int run(std::span<const std::string> words, const Surroundings& surroundings);

}  // namespace ota::sim
