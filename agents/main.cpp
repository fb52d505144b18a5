// ota-agent: reads its options, wires the parts, and starts itself anew where an update asks for
// it.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "agents/agent.h"
#include "agents/commands.h"
#include "agents/config.h"
#include "agents/options.h"
#include "base/hardening.h"
#include "base/standard_streams.h"

namespace {

using namespace ota;
using namespace ota::agent;

constexpr int kFailure = 1;
constexpr int kUsage = 2;

// The simulated boot: the same program with the same words. Returns only where that is not
// possible.
void start_anew(char** argv) {
  ::close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execv("/proc/self/exe", argv);
  std::perror("ota-agent: restart");
}

std::string join_code_from_environment() {
  const char* code = std::getenv("OTA_JOIN_CODE");
  std::string copy = code == nullptr ? "" : code;
  ::unsetenv("OTA_JOIN_CODE");  // neither for children nor for the next start
  return copy;
}

int run_command(const Options& options, char** argv) {
  auto config = load_config(options.config);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().text().c_str());
    return kUsage;
  }
  if (!options.server.empty()) {
    const auto server = checked_server(options.server);
    if (!server) {
      std::fprintf(stderr, "ota-agent: %s\n", server.error().text().c_str());
      return kUsage;
    }
    config->server = *server;
  }
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&signals, number);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  const SystemClock clock;
  auto agent = Agent::open(std::move(*config), join_code_from_environment(), clock);
  if (!agent) {
    std::fprintf(stderr, "ota-agent: %s\n", agent.error().text().c_str());
    return kFailure;
  }
  const Ending ending = (*agent)->run();
  if (ending == Ending::kRestart) start_anew(argv);
  const int status = ending == Ending::kStopped ? EXIT_SUCCESS : kFailure;
  if ((*agent)->hangs()) ::_exit(status);
  return status;
}

int dispatch(const Options& options, char** argv) {
  switch (options.command) {
    case Options::Command::kJoin:
      return join_command(options);
    case Options::Command::kRun:
      return run_command(options, argv);
    case Options::Command::kStatus:
      return status_command(options);
    case Options::Command::kVersion:
      std::printf("%s\n", kAgentName.c_str());
      return EXIT_SUCCESS;
    case Options::Command::kHelp:
      std::fputs(kHelp, stdout);
      return EXIT_SUCCESS;
  }
  return kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  open_standard_streams();
  harden_process(std::size_t{1} << 16);
  ::mallopt(M_ARENA_MAX, 1);  // three threads that mostly wait need no heaps of their own
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto options = parse_options(words);
  if (!options) {
    std::fprintf(stderr, "ota-agent: %s\n", options.error().context.c_str());
    return kUsage;
  }
  try {
    return end_standard_output("ota-agent", dispatch(*options, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ota-agent: %s\n", error.what());
    return kFailure;
  }
}
