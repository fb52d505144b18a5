// ota-delta without its main(): option parsing and the commands make, apply, show.
#pragma once

#include <iosfwd>
#include <span>
#include <string>

namespace ota::delta {

// The exit code: 0 done, 1 not done (a sentence on `err` says why), 2 usage. Blocks.
int run(std::span<const std::string> words, std::ostream& out, std::ostream& err);

}  // namespace ota::delta
