// ota-agent's command line. Pure.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::agent {

struct Options {
  enum class Command : std::uint8_t { kJoin, kRun, kStatus, kVersion, kHelp };
  Command command = Command::kHelp;
  std::filesystem::path config;  // DIR/config.json where --dir was given
  std::filesystem::path dir;
  std::string server;
  std::string code;
  std::string device = "device";
  std::string hardware;
  std::string profile = "host";
  bool json = false;
};

// `words` without the program's name. kInvalid with a sentence for the user.
Result<Options> parse_options(std::span<const std::string_view> words);

extern const char* const kHelp;

}  // namespace ota::agent
