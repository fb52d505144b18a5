// The real console in a real terminal: what an operator types and sees.
#include <sys/wait.h>

#include <csignal>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"
#include "tests/support/wait.h"

using namespace ota::test;
using std::chrono::seconds;

TEST_CASE("the console starts its server and agents, and shows them", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("[1 Summary]"));
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  REQUIRE(rig.pty.until_shown("cam-1", seconds(30)));
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
}

TEST_CASE("every view opens by its key, and d cycles the devices", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.send("2");
  REQUIRE(rig.pty.until_shown("[2 Graphs]"));
  REQUIRE(rig.pty.until_shown("limit 90"));
  const bool first = rig.pty.shows("cam-1");
  rig.pty.send("d");
  REQUIRE(rig.pty.until_shown(first ? "cam-2" : "cam-1"));
  rig.pty.send("3");
  REQUIRE(rig.pty.until_shown("[3 Log]"));
  rig.pty.send("4");
  REQUIRE(rig.pty.until_shown("[4 Updates]"));
  rig.pty.send("5");
  REQUIRE(rig.pty.until_shown("RUNNING"));
  rig.pty.send("?");
  REQUIRE(rig.pty.until_shown("Keys on Agents"));
  rig.pty.send("\033");
  REQUIRE(rig.pty.until_gone("Keys on Agents"));
  rig.pty.send("1\r");
  REQUIRE(rig.pty.until_shown("Verdict"));
}

TEST_CASE("an update from the menu is asked for, booted and confirmed, and skipped the second time",
          "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.send(":device cam-1\r");
  REQUIRE(rig.pty.until_shown("stable  risk", seconds(30)));
  rig.pty.send("u");
  REQUIRE(rig.pty.until_shown("Which version?"));
  rig.pty.send("\r");
  REQUIRE(confirm_update(rig.pty, "v2.1.5") == "");
  rig.pty.send("4");
  REQUIRE(rig.pty.until_shown("succeeded", seconds(60)));
  rig.pty.send(":push cam-1 2.1.5\r");
  REQUIRE(rig.pty.until_shown("SKIPPED: Device already on v2.1.5"));
}

TEST_CASE("q asks, and then ends the server and its agents", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.send("q");
  REQUIRE(rig.pty.until_shown("Stop the server and 2 agents?"));
  rig.pty.send("\r");
  REQUIRE(rig.pty.until_gone("Stop the server"));
  rig.pty.send("q");
  REQUIRE(rig.pty.until_shown("Stop the server"));
  rig.pty.send("\t\r");
  const auto status = rig.pty.wait_end(seconds(15));
  REQUIRE(status);
  CHECK(WIFEXITED(*status));
  CHECK(WEXITSTATUS(*status) == 0);
  CHECK(rig.pty.open_modes().empty());
  CHECK(rig.pty.cursor_shown());
  CHECK(rig.pty.cooked());
  CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }));
}

TEST_CASE("a storm of resizes with keys leaves a whole screen", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  unsigned state = 11;
  const auto next = [&](unsigned bound) {
    return (state = state * 1664525U + 1013904223U) / 65536U % bound;
  };
  for (int i = 0; i < 300; ++i) {
    rig.pty.resize(static_cast<int>(next(220)) + 1, static_cast<int>(next(60)) + 1);
    const std::string keys = "12345dDjk";
    rig.pty.send(std::string(1, keys[next(static_cast<unsigned>(keys.size()))]));
    rig.pty.until([] { return false; }, std::chrono::milliseconds(3));
  }
  rig.pty.resize(0, 0);  // some terminals say so: the last size stays
  rig.pty.resize(80, 24);
  rig.pty.send("1");
  REQUIRE(rig.pty.until([&] {
    const std::string screen = rig.pty.screen();
    return screen.starts_with(" OTA  [1 Summary]") &&
           screen.find("? help\n") != std::string::npos &&
           screen.find("─ Devices 2") != std::string::npos;
  }));
}

TEST_CASE("pasted text runs no keys", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  rig.pty.send("\033[200~" + std::string(10000, 'q') + "5\r\033[201~");
  REQUIRE(rig.pty.until_shown("pasted text is not taken as keys"));
  CHECK(rig.pty.shows("[1 Summary]"));
}

TEST_CASE(
    "suspended in a shell it gives the terminal back, and fg brings the picture, resized meanwhile",
    "[e2e]") {
  const TempFolder root;
  write_console_root(root.path());
  Pty::Options shell;
  shell.command = {"/bin/bash", "--norc", "--noprofile", "-i"};
  shell.environment = {{"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}, {"PS1", "PROMPT> "}};
  Pty pty(shell);
  REQUIRE(pty.until_shown("PROMPT>"));
  pty.send(console_program().string() + " --root " + root.path().string() + "\r");
  REQUIRE(pty.until_shown("[1 Summary]"));
  REQUIRE(pty.until_shown(" UP ", seconds(30)));
  pty.send("\x1a");
  REQUIRE(pty.until_shown("The server stops with it"));
  pty.send("\t\r");
  REQUIRE(pty.until_shown("Stopped"));
  // bash's own mode, which it sets with its next prompt
  for (int i = 0; i < 100 && pty.open_modes() != std::vector<int>{2004}; ++i) {
    pty.read_for(milliseconds(50));
  }
  CHECK(pty.open_modes() == std::vector<int>{2004});
  pty.send("echo al''ive\r");
  REQUIRE(pty.until_shown("alive"));
  pty.resize(100, 30);
  pty.send("fg\r");
  REQUIRE(pty.until_shown("3 Security log"));
  pty.send("3");
  REQUIRE(pty.until_shown("[3 Security log]"));
  pty.send("q");
  REQUIRE(pty.until_shown("Stop the server"));
  pty.send("\t\r");
  REQUIRE(pty.until_shown("PROMPT>", seconds(15)));
  pty.send("exit\r");
  CHECK(pty.wait_end());
}
