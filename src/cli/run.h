// otactl without its main(): the whole program over given streams.
#pragma once

#include <iosfwd>
#include <memory>
#include <span>
#include <string>

#include "cli/context.h"
#include "cli/parser.h"

namespace ota::cli {

// The outside world; tests bring their own.
struct World {
  std::ostream& out;
  std::ostream& err;
  std::istream& in;
  Colour colour = Colour::kPlain;
  const Clock& clock;
  Environment environment;
  Ask ask;
  std::function<bool()> interrupted;
  std::function<void(milliseconds)> wait;
  std::function<std::unique_ptr<Api>(const std::string& root, const std::string& server)> open_api;
};

// The exit code. Never throws.
int run(std::span<const std::string> words, const World& world);

// What to do about an error, in one sentence; empty where its text says it all.
std::string hint_for(const Error& error, const Globals& globals);

}  // namespace ota::cli
