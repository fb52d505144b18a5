// The agent's config.json as values. README.md of this folder has a line for every key.
//
// An error names the file, the key, what was found and what is accepted; all of a file is right, or
// none is taken.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/version.h"

namespace ota::agent {

// A program with its arguments, run without a shell. Empty: none.
using CommandLine = std::vector<std::string>;

struct HealthCheck {
  CommandLine command;
  seconds timeout{60};
};

struct Installer {
  // Empty: the slot alone (the built-in installer). "{image}" and "{version}" in it are replaced.
  CommandLine command;
  seconds timeout{300};
  // Makes the device boot an image again that `command` replaced. Empty beside a command: the boot
  // loader alone can, and no rollback is taken from the operator.
  CommandLine rollback;
  CommandLine restart;  // empty: the agent starts itself anew

  bool can_go_back() const { return command.empty() || !rollback.empty(); }
};

struct Limits {
  std::uint64_t image_bytes = std::uint64_t{1} << 30;
  seconds download{1800};
  std::uint64_t min_bytes_per_second = 64;
  std::uint32_t buffered_samples = 600;  // kept while the server is away
  std::uint32_t restarts_per_hour = 12;  // that the server may cause
};

struct Config {
  std::string device_id;
  std::string server;  // "https://HOST:PORT"
  std::string hardware;
  std::uint16_t status_port = 0;  // 0: no status page
  std::string profile = "host";   // or one of sim::Profile
  std::uint64_t seed = 1;
  milliseconds interval{1000};
  bool takes_updates = true;  // false: another program does, and the agent only reports
  std::filesystem::path dir;  // absolute: a relative one is below the file's folder
  model::Version factory_version;
  HealthCheck health_check;
  Installer installer;
  Limits limits;
};

// `file` is named in errors, and relative paths are below its folder. kInvalid lists every problem,
// a line each.
Result<Config> parse_config(std::string_view text, const std::filesystem::path& file);
Result<Config> load_config(const std::filesystem::path& file);

// "https://HOST:PORT" without a path, or kInvalid in words.
Result<std::string> checked_server(std::string_view url);

}  // namespace ota::agent
