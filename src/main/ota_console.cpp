// ota-console: the operator's program. A curses screen in the foreground, the server in a
// background thread, the agents of this host as children; or all of it without a screen
// (--headless).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/allocator.h"
#include "base/clock.h"
#include "base/hardening.h"
#include "base/program_version.h"
#include "base/serving.h"
#include "base/standard_streams.h"
#include "console/console.h"
#include "console/fleet_backend.h"
#include "console/script.h"
#include "console/terminal_guard.h"
#include "main/headless.h"
#include "main/host.h"
#include "main/trust_monitor.h"

namespace {

struct Options {
  std::string root = ".";
  bool init = false;
  bool headless = false;
  bool no_agents = false;
  bool read_only = false;
  bool ascii = false;
  bool no_sync = false;
  bool reset_tty = false;
  std::string script;
  std::string clock;
  std::string size = "80x24";
  std::uint64_t seed = 0;
};

// ota-agent stands beside this program.
std::filesystem::path agent_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("ota-agent") : self.parent_path() / "ota-agent";
}

void describe(CLI::App& app, Options& options) {
  app.add_option("--root", options.root, "the folder that holds config/ firmware/ state/")
      ->envname("OTA_ROOT");
  app.add_flag("--init", options.init,
               "make a new installation in the root: default config/, keys, a firmware repository");
  CLI::Option* headless = app.add_flag(
      "--headless", options.headless,
      "serve without a terminal: prints 'ready https://ADDR:PORT', logs to standard error");
  app.add_flag("--no-agents", options.no_agents, "do not start the agents of console.json");
  app.add_flag("--read-only", options.read_only,
               "look only: keys and commands that change devices, jobs or agents are refused");
  app.add_flag("--ascii", options.ascii, "draw with ASCII signs only");
  app.add_flag("--no-sync", options.no_sync,
               "no synchronized output (CSI ? 2026), for terminals that mishandle it");
  CLI::Option* script = app.add_option("--script", options.script,
                                       "play keys from a file and save screens, without a terminal")
                            ->check(CLI::ExistingFile)
                            ->excludes(headless);
  app.add_option("--clock", options.clock,
                 "a clock that stands at this RFC 3339 time (with --script)")
      ->needs(script);
  app.add_option("--seed", options.seed,
                 "added to the seeds of simulated agents that the first run makes");
  app.add_option("--size", options.size, "columns and rows of the script's screen")
      ->capture_default_str()
      ->needs(script);
  app.add_flag("--reset-tty", options.reset_tty,
               "bring a terminal back that a killed console left behind, and end");
  app.set_version_flag("--version", "ota-console " + std::string(ota::kProgramVersion));
  app.footer(
      "Keys: 1 summary, 2 graphs, 3 security log, 4 updates, 5 agents, u new update, ? help, q "
      "quit.\n"
      "Exit codes: 0 ended in order, 1 could not start, 2 usage or no usable terminal, 128+N ended "
      "by signal N.");
}

std::unique_ptr<ota::Clock> chosen_clock(const std::string& text) {
  if (text.empty()) return std::make_unique<ota::SystemClock>();
  const auto time = ota::parse_rfc3339(text);
  if (!time) throw CLI::ValidationError("--clock", time.error().context);
  return std::make_unique<ota::ManualClock>(*time);
}

ota::console::Size chosen_size(const std::string& text) {
  const auto size = ota::console::parse_size(text);
  if (!size) throw CLI::ValidationError("--size", size.error().context);
  return *size;
}

// What all of it asks for is known before anything starts.
ota::console::Options screen_options(const Options& options) {
  ota::console::Options screen;
  screen.log_file = std::filesystem::path(options.root) / "state" / "console.log";
  if (options.read_only) screen.access = ota::console::Access::kReadOnly;
  if (options.ascii) screen.signs = ota::console::Options::Signs::kAscii;
  if (options.no_sync) screen.synchronized = ota::console::Options::Synchronized::kOff;
  screen.script = options.script;
  screen.script_size = chosen_size(options.size);
  return screen;
}

// A slip of the pen in --root must not become a new installation with new keys.
bool is_root(const Options& options) {
  std::error_code ignored;
  if (options.init ||
      std::filesystem::is_directory(std::filesystem::path(options.root) / "config", ignored)) {
    return true;
  }
  std::fprintf(stderr,
               "ota-console: %s has no config/: it is no installation.\n"
               "  Another folder:                 ota-console --root DIR\n"
               "  To make a new installation here: ota-console --init --root %s\n",
               options.root.c_str(), options.root.c_str());
  return false;
}

// False: another process serves the root, which has been said. What else keeps the mark from being
// made (a disk that takes nothing) keeps no server from its work.
bool claim_root(const std::string& root, std::optional<ota::ServingMark>& mark) {
  auto claimed = ota::ServingMark::claim(root);
  if (claimed) mark.emplace(std::move(*claimed));
  if (claimed || claimed.error().code != ota::Errc::kConflict) return true;
  if (const auto serving = ota::serving_at(root)) {
    std::fprintf(stderr,
                 "ota-console: %s is served already, by process %s%s%s\n"
                 "  To look at it: otactl --root %s watch\n",
                 root.c_str(), serving->pid.c_str(), serving->url.empty() ? "" : " at ",
                 serving->url.c_str(), root.c_str());
  } else {
    std::fprintf(stderr, "ota-console: %s\n", claimed.error().text().c_str());
  }
  return false;
}

// The screen in the foreground over a host in the background.
int run_console(const Options& options, const ota::console::Options& screen,
                ota::main::HostOptions host_options, const ota::Clock& clock) {
  ota::main::Host host(std::move(host_options), clock);
  ota::console::FleetBackend backend(
      {.fleet = [&host] { return host.parts().fleet; },
       .supervisor = [&host] { return host.parts().supervisor; },
       .store = [&host] { return host.parts().store; },
       .server = [&host] { return host.status(); },
       .trust = [&host] { return host.trust(); },
       .sign =
           [&root = options.root, &clock](const ota::tuf::SignOrder& ask) {
             return ota::main::sign_change(root, ask, clock);
           },
       .retry_server = [&host] { host.retry_now(); },
       .retry_on_port = [&host](std::uint16_t port) { host.retry_on_port(port); },
       .start_demonstration =
           [&host](ota::fleet::Done done) { host.start_demonstration(std::move(done)); },
       .on_change = [&host](std::function<void()> called) { host.on_change(std::move(called)); }});
  host.start();
  const int code = ota::console::run(screen, backend, clock);
  host.stop();
  return code;
}

int run(const Options& options) {
  if (options.reset_tty) {
    ota::console::reset_terminal(STDOUT_FILENO);
    return 0;
  }
  ota::console::block_signals();
  ota::main::HostOptions host;
  host.root = options.root;
  host.run_agents = !options.no_agents;
  host.agent_program = agent_program();
  host.seed = options.seed;
  const auto clock = chosen_clock(options.clock);
  const ota::console::Options screen = screen_options(options);
  if (!options.script.empty()) {
    if (const auto steps = ota::console::read_script(options.script); !steps) {
      std::fprintf(stderr, "ota-console: %s\n", steps.error().text().c_str());
      return 2;
    }
  }
  if (!options.headless && options.script.empty() &&
      (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0)) {
    std::fputs(
        "ota-console: standard input or output is not a terminal.\n"
        "  to serve without one:      ota-console --headless\n"
        "  to watch a running server: otactl watch\n",
        stderr);
    return 2;
  }
  if (!is_root(options)) return 2;
  std::optional<ota::ServingMark> mark;
  if (!claim_root(options.root, mark)) return 2;
  if (mark) host.mark = &*mark;
  if (options.headless) return ota::main::run_headless(host, *clock);
  return run_console(options, screen, std::move(host), *clock);
}

}  // namespace

int main(int argc, char** argv) {
  ota::open_standard_streams();
  ota::merge_freed_memory_early();
  ota::harden_process(std::size_t{1} << 20);
  CLI::App app{"Secure OTA: update a fleet of devices from one terminal", "ota-console"};
  Options options;
  describe(app, options);
  try {
    app.parse(argc, argv);
    return ota::end_standard_output("ota-console", run(options));
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error) == 0 ? 0 : 2;
    return ota::end_standard_output("ota-console", code);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ota-console: %s\n", error.what());
    return 1;
  }
}
