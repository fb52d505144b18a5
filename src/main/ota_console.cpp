// ota-console: the operator's program. A curses screen in the foreground, the server in a
// background thread, the agents of this host as children; or all of it without a screen
// (--headless).
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/clock.h"
#include "main/headless.h"

namespace {

// ota-agent stands beside this program.
std::filesystem::path agent_program() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? std::filesystem::path("ota-agent") : self.parent_path() / "ota-agent";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Secure OTA: update a fleet of devices from one terminal", "ota-console"};
  ota::main::HostOptions host;
  std::string root = ".";
  bool headless = false;
  bool no_agents = false;
  app.add_option("--root", root, "the folder that holds config/ firmware/ state/")
      ->envname("OTA_ROOT");
  app.add_flag("--headless", headless,
               "serve without a terminal; prints 'ready https://ADDR:PORT'");
  app.add_flag("--no-agents", no_agents, "do not start the agents of console.json");
  app.set_version_flag("--version", std::string("ota-console ") + "1.0.0");
  CLI11_PARSE(app, argc, argv);

  host.root = root;
  host.run_agents = !no_agents;
  host.agent_program = agent_program();
  const ota::SystemClock clock;
  return ota::main::run_headless(host, clock);
}
