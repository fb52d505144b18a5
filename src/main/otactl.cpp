// otactl: the admin tool. Wires the streams, the signals and the terminal to cli::run().
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/hardening.h"
#include "base/standard_streams.h"
#include "cli/run.h"

namespace {

std::atomic<int> interrupts{0};

// The first interrupt lets the command end by itself; the second ends the program.
void on_interrupt(int) {
  if (interrupts.fetch_add(1) > 0) _exit(130);
}

std::optional<std::string> from_environment(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

ota::cli::Answer ask(const std::string& question) {
  using ota::cli::Answer;
  if (isatty(STDIN_FILENO) == 0) return Answer::kNobody;
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes" ? Answer::kYes : Answer::kNo;
}

// A signal ends it early.
void pause_for(ota::milliseconds time) {
  if (interrupts.load() == 0) poll(nullptr, 0, static_cast<int>(time.count()));
}

}  // namespace

int main(int argc, char** argv) {
  ota::open_standard_streams();
  ota::harden_process(std::size_t{1} << 18);
  struct sigaction action {};
  action.sa_handler = &on_interrupt;  // without SA_RESTART: a wait ends at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // also of a server that ends; a reader that ends is asked for
  const ota::SystemClock clock;
  const std::vector<std::string> words(argv + 1, argv + argc);
  return ota::cli::run(
      words,
      {.out = std::cout,
       .err = std::cerr,
       .in = std::cin,
       .colour = ota::cli::colour_of_terminal(STDOUT_FILENO),
       .clock = clock,
       .environment = {from_environment("OTA_ROOT"), from_environment("OTA_SERVER")},
       .ask = ask,
       .interrupted = [] { return interrupts.load() > 0 || ota::reader_gone(STDOUT_FILENO); },
       .wait = pause_for,
       .open_api = ota::cli::open_api});
}
