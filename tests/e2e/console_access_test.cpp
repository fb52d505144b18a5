// The console's options and configuration as they act on a real terminal: looking only, keys of the
// operator's choice, the clipboard, and output that is no terminal.
#include <sys/wait.h>

#include "base/file.h"
#include "sim/process.h"
#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"

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
