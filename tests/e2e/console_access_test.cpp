// The console's options and configuration as they act on a real terminal: looking only, keys of the
// operator's choice, the clipboard, and output that is no terminal.
#include <sys/wait.h>

#include "base/file.h"
#include "base/serving.h"
#include "sim/process.h"
#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"
#include "tests/support/wait.h"

using namespace ota::test;
using std::chrono::seconds;

TEST_CASE("with --read-only the console shows everything and changes nothing", "[e2e]") {
  ConsoleRig rig({{"--read-only"}, {}, 80, 24});
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  CHECK(rig.pty.shows("R"));
  rig.pty.send("u");
  REQUIRE(rig.pty.until_shown("read-only: this console was started with --read-only"));
  rig.pty.send(":push cam-1\r");
  rig.pty.send("4");
  REQUIRE(rig.pty.until_shown("[4 Updates]"));
  REQUIRE(rig.pty.until_shown("No update yet"));
  rig.pty.send("1?");
  REQUIRE(rig.pty.until_shown("Keys on Summary"));
}

TEST_CASE("an action has another key as soon as console.json says so", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  const auto file = rig.root.path() / "config" / "console.json";
  std::string text = ota::read_file(file, 1U << 16).value();
  text.insert(text.rfind('}'), R"(, "screen": {"keys": {"security-log": ["F5"]}})");
  REQUIRE(ota::write_file_durably(file, text));
  REQUIRE(rig.pty.until([&] {
    rig.pty.send("\033[15~");
    return rig.pty.until_shown("[3 Log]", milliseconds(300));
  }));
  rig.pty.send("13");  // 3 has lost it
  REQUIRE(rig.pty.until_shown("[1 Summary]"));
}

TEST_CASE("y sends the selected line to the terminal's clipboard", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.send(":device cam-1\ry");
  REQUIRE(rig.pty.until_shown("copied: cam-1"));
  // The line begins with "cam-1 ".
  CHECK(rig.pty.received().find("\033]52;c;Y2FtLTEg") != std::string::npos);
}

TEST_CASE("with its output in a file the console says what to do instead", "[e2e]") {
  const TempFolder folder;
  const auto ended = ota::sim::run_to_end({.program = console_program(),
                                           .arguments = {"--root", folder.path().string()},
                                           .log = folder.path() / "log",
                                           .folder = {}},
                                          seconds(20));
  REQUIRE(ended.has_value());
  CHECK(ended->status == 2);
  CHECK(ended->output.find("is not a terminal") != std::string::npos);
  CHECK(ended->output.find("ota-console --headless") != std::string::npos);
  CHECK(ended->output.find("otactl watch") != std::string::npos);
}

TEST_CASE("a folder that is no installation is refused, and nothing is made in it", "[e2e]") {
  const TempFolder folder;
  for (const char* root : {"", "typo"}) {
    const auto path = folder.path() / root;
    const auto ended = ota::sim::run_to_end({.program = console_program(),
                                             .arguments = {"--headless", "--root", path.string()},
                                             .log = folder.path() / "log",
                                             .folder = {}},
                                            seconds(20));
    REQUIRE(ended.has_value());
    CHECK(ended->status == 2);
    CHECK(ended->output.find("has no config/") != std::string::npos);
    CHECK(ended->output.find("ota-console --init --root") != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(path / "state"));
    CHECK_FALSE(std::filesystem::exists(path / "firmware"));
  }
}

TEST_CASE("a second console on a root names who serves it, and ends", "[e2e]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  const auto& root = rig.root.path();
  const auto run = [&](const char* program, std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--root", root.string()});
    const auto ended = ota::sim::run_to_end({.program = console_program().parent_path() / program,
                                             .arguments = std::move(arguments),
                                             .log = root / "log",
                                             .folder = {}},
                                            seconds(30));
    REQUIRE(ended.has_value());
    return *ended;
  };
  const auto second = run("ota-console", {"--headless"});
  CHECK(second.status == 2);
  const auto serving = ota::serving_at(root);
  REQUIRE(serving.has_value());
  CHECK(second.output.find("by process " + serving->pid + " at https://127.0.0.1:") !=
        std::string::npos);
  // The port is 0 in console.json, and another one after an edit that waits for a start: otactl
  // asks the one that runs.
  CHECK(run("otactl", {"devices"}).status == 0);
  const auto file = root / "config" / "console.json";
  std::string text = ota::read_file(file, 1U << 16).value();
  text.replace(text.find("\"port\": 0"), 9, "\"port\": 1");
  REQUIRE(ota::write_file_durably(file, text));
  // Asked for, not looked for: other events may push it off a small screen.
  REQUIRE(ota::test::wait_until(
      [&] {
        return run("otactl", {"logs"}).output.find("listen.port from 0 to 1") != std::string::npos;
      },
      seconds(30)));
  CHECK(run("otactl", {"devices"}).status == 0);
}

TEST_CASE("arguments are checked as a whole before anything starts", "[e2e]") {
  const TempFolder folder;
  write_console_root(folder.path());
  REQUIRE(ota::write_file_durably(folder.path() / "script", "key 1\nno such word\n"));
  const std::string script = (folder.path() / "script").string();
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"--script", script, "--size", "big"},
        {"--script", script},
        {"--headless", "--clock", "2026-08-20T14:00:00Z"},
        {"--headless", "--script", script}}) {
    std::vector<std::string> words = arguments;
    words.insert(words.end(), {"--root", folder.path().string()});
    const auto ended = ota::sim::run_to_end({.program = console_program(),
                                             .arguments = words,
                                             .log = folder.path() / "log",
                                             .folder = {}},
                                            seconds(20));
    REQUIRE(ended.has_value());
    CAPTURE(arguments, ended->output);
    CHECK(ended->status == 2);
    CHECK_FALSE(std::filesystem::exists(folder.path() / "state"));
  }
}
