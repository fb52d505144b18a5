// However the console ends, the terminal is as it was and no agent is left; and the terminals that
// it must bear.
#include <sys/wait.h>

#include <csignal>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"
#include "tests/support/wait.h"

using namespace ota::test;
using std::chrono::seconds;

namespace {

void check_terminal(const Pty& pty) {
  CHECK(pty.open_modes().empty());
  CHECK(pty.cursor_shown());
  CHECK(pty.cooked());
}

}  // namespace

TEST_CASE("every signal but KILL leaves a clean terminal and no agents", "[e2e]") {
  for (const int number :
       {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGILL, SIGFPE}) {
    CAPTURE(number);
    ConsoleRig rig;
    REQUIRE(rig.pty.until_shown("cam-1", seconds(30)));
    REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
    rig.pty.signal(number);
    REQUIRE(rig.pty.wait_end(seconds(15)));
    check_terminal(rig.pty);
    CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }, seconds(10)));
  }
}

TEST_CASE("a terminal that goes away ends the console, and its agents", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  rig.pty.hang_up();
  const auto status = rig.pty.wait_end(seconds(10));
  REQUIRE(status);
  CHECK(WIFEXITED(*status));
  CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }, seconds(10)));
}

TEST_CASE("killed outright it leaves no agent behind, and the next start is clean", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.signal(SIGKILL);
  REQUIRE(rig.pty.wait_end());
  CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }, seconds(10)));
  Pty::Options again;
  again.command = {console_program().string(), "--root", rig.root.path().string()};
  again.environment = {{"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}};
  Pty pty(again);
  CHECK(pty.until_shown("2 online", seconds(40)));
}

TEST_CASE("NO_COLOR sends no colour at all", "[e2e]") {
  ConsoleRig rig({{}, {{"NO_COLOR", "1"}}, 80, 24});
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  rig.pty.send("2");
  REQUIRE(rig.pty.until_shown("[2 Graphs]"));
  const std::string& bytes = rig.pty.received();
  for (const char* colour : {"\033[3", "\033[4", ";3", ";4", "38;5", "48;5"}) {
    std::size_t at = 0;
    while ((at = bytes.find(colour, at)) != std::string::npos) {
      const std::size_t end = bytes.find_first_not_of("0123456789;[\033", at);
      CHECK((end == std::string::npos || bytes[end] != 'm'));
      ++at;
    }
  }
}

TEST_CASE("the C locale gets ASCII bytes alone", "[e2e]") {
  ConsoleRig rig({{}, {{"LC_ALL", "C"}}, 80, 24});
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  rig.pty.send("2");
  REQUIRE(rig.pty.until_shown("[2 Graphs]"));
  rig.pty.send("3");
  REQUIRE(rig.pty.until_shown("[3 Log]"));
  for (const char c : rig.pty.received())
    REQUIRE(static_cast<unsigned char>(c) < 0x80);
}

TEST_CASE("terminals of several types show the same words", "[e2e]") {
  for (const char* term : {"vt100", "linux", "xterm", "tmux-256color", "screen"}) {
    CAPTURE(term);
    ConsoleRig rig({{}, {{"TERM", term}, {"COLUMNS", "7"}, {"LINES", "3"}}, 80, 24});
    REQUIRE(rig.pty.until_shown("[1 Summary]"));
    REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
    rig.pty.signal(SIGTERM);
    REQUIRE(rig.pty.wait_end(seconds(15)));
    check_terminal(rig.pty);
  }
}

TEST_CASE("without a usable terminal it says what to do instead", "[e2e]") {
  ConsoleRig rig({{}, {{"TERM", "dumb"}}, 80, 24});
  const auto status = rig.pty.wait_end(seconds(15));
  REQUIRE(status);
  CHECK(WEXITSTATUS(*status) == 2);
  CHECK(rig.pty.shows("--headless"));
  CHECK(rig.pty.shows("otactl watch"));
}

TEST_CASE("a script drives the same loop and saves screens", "[e2e]") {
  const TempFolder folder;
  const auto script = folder.path() / "script";
  const auto saved = folder.path() / "screen.txt";
  std::ofstream(script) << "wait-for 30s  UP \nwait-for 30s cam-2\nkey 3\nwait-for [3 Log]\nkey "
                           "5\nwait-for 30s RUNNING\n"
                        << "save-screen " << saved.string()
                        << "\nresize 120x36\nkey 1\nwait-for 3 Security log\n";
  ConsoleRig rig({{"--script", script.string(), "--size", "80x24"}, {}, 80, 24});
  const auto status = rig.pty.wait_end(seconds(90));
  REQUIRE(status);
  CAPTURE(rig.pty.received());
  CHECK(WEXITSTATUS(*status) == 0);
  const auto screen = ota::read_file(saved, 1U << 16);
  REQUIRE(screen.has_value());
  CHECK(screen->find("[5 Agents]") != std::string::npos);
}
