// otactl as an operator types it, over an operator's link: the whole program but for its TLS.
//
// Blocks the fiber that calls. Thread: the world's.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "world/link.h"
#include "world/timeline.h"

namespace ota::world {

struct Typed {
  std::vector<std::string> words;
  int exit = 0;  // cli::ExitCode
  std::string out;
  std::string err;
};

Typed type_otactl(Timeline& timeline, Link& desk, const Clock& clock,
                  std::vector<std::string> words);

}  // namespace ota::world
