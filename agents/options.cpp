#include "agents/options.h"

#include <functional>
#include <optional>

#include "base/text.h"

namespace ota::agent {

const char* const kHelp =
    "ota-agent: the device's side of Secure OTA\n"
    "\n"
    "  ota-agent join --server https://HOST:PORT --code - [--dir DIR]\n"
    "            [--hardware MODEL] [--profile PROFILE]\n"
    "      Enrols this device with a one-time code (from `otactl enroll ID`), which it reads from "
    "standard\n"
    "      input, and writes DIR/config.json where there is none. DIR is the current folder where "
    "it is not\n"
    "      given. `--code CODE` takes it from the command line, which others of this host see.\n"
    "  ota-agent run (--config FILE | --dir DIR) [--server https://HOST:PORT]\n"
    "      Sends telemetry and performs updates until SIGTERM. An agent that is not enrolled takes "
    "its code from\n"
    "      the environment variable OTA_JOIN_CODE or the file DIR/identity/join-code.\n"
    "  ota-agent status (--config FILE | --dir DIR) [--json]\n"
    "      Says what this device runs, from its folder, also while the agent works. Exit status 1 "
    "where not\n"
    "      exactly one slot would boot a whole image.\n"
    "  ota-agent --version | --help\n"
    "\n"
    "Profiles: host (real metrics), stable, stressed, overheating, leak, miner, flapping "
    "(simulated).\n"
    "Example:  ota-agent join --server https://192.168.1.10:8443 --code - --dir "
    "/var/lib/ota-agent\n"
    "          ota-agent run --dir /var/lib/ota-agent\n";

namespace {

std::optional<Options::Command> command_of(std::string_view word) {
  if (word == "join") return Options::Command::kJoin;
  if (word == "run") return Options::Command::kRun;
  if (word == "status") return Options::Command::kStatus;
  if (word == "--version" || word == "version") return Options::Command::kVersion;
  if (word == "--help" || word == "-h" || word == "help") return Options::Command::kHelp;
  return std::nullopt;
}

Result<void> check_complete(const Options& options) {
  const bool placed = !options.config.empty();
  switch (options.command) {
    case Options::Command::kJoin:
      if (options.server.empty())
        return fail(Errc::kInvalid, "join needs --server https://HOST:PORT");
      if (options.code.empty())
        return fail(Errc::kInvalid, "join needs --code -, or --code CODE (see `otactl enroll`)");
      if (options.dir.empty()) return fail(Errc::kInvalid, "join needs --dir DIR");
      return {};
    case Options::Command::kRun:
    case Options::Command::kStatus:
      if (!placed) return fail(Errc::kInvalid, "--config FILE or --dir DIR is missing");
      return {};
    case Options::Command::kVersion:
    case Options::Command::kHelp:
      return {};
  }
  return {};
}

}  // namespace

Result<Options> parse_options(std::span<const std::string_view> words) {
  Options options;
  if (words.empty()) return fail(Errc::kInvalid, "a command is missing: join, run or status");
  const auto command = command_of(words[0]);
  if (!command)
    return fail(Errc::kInvalid,
                "no command \"" + printable(words[0], 40) + "\": join, run or status");
  options.command = *command;
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string_view name = words[i];
    std::optional<std::string_view> value;
    if (const auto equals = name.find('=');
        name.starts_with("--") && equals != std::string_view::npos) {
      value = name.substr(equals + 1);
      name = name.substr(0, equals);
    }
    if (name == "--help" || name == "-h") {
      options.command = Options::Command::kHelp;
      return options;
    }
    if (name == "--json") {
      options.json = true;
      continue;
    }
    if (!value && i + 1 < words.size()) value = words[++i];
    const std::string shown = printable(name, 40);
    if (!value || value->empty())
      return fail(Errc::kInvalid, "\"" + shown + "\" is no option, or lacks its value");
    if (name == "--config") {
      options.config = *value;
    } else if (name == "--dir") {
      options.dir = *value;
    } else if (name == "--server") {
      options.server = *value;
    } else if (name == "--code") {
      options.code = *value;
    } else if (name == "--hardware") {
      options.hardware = *value;
    } else if (name == "--profile") {
      options.profile = *value;
    } else {
      return fail(Errc::kInvalid,
                  "\"" + shown + "\" is no option of this command; see ota-agent --help");
    }
  }
  if (options.command == Options::Command::kJoin && options.config.empty() && options.dir.empty())
    options.dir = ".";
  if (options.config.empty() && !options.dir.empty()) options.config = options.dir / "config.json";
  if (auto complete = check_complete(options); !complete) return complete.error();
  return options;
}

}  // namespace ota::agent
