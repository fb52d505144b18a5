// A terminal that has stopped reading (a stalled ssh, a window that hangs) keeps no console alive.
#include <sys/wait.h>

#include <csignal>

#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"
#include "tests/support/wait.h"

using namespace ota::test;
using std::chrono::seconds;

namespace {

// Both views are drawn again and again, until the terminal's queue is full.
void stall(ConsoleRig& rig) {
  REQUIRE(rig.pty.until_shown(" UP ", seconds(30)));
  REQUIRE(rig.pty.until_stalled("12\f"));
}

ConsoleRig::Options wide() {
  return {{}, {}, 200, 50};
}

// The console is given half a second for a terminal that is merely slow; its agents and its server
// have some of their own.
constexpr seconds kEnd{5};

}  // namespace

TEST_CASE("a signal ends a console whose terminal is not read, and restores it", "[e2e]") {
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGQUIT}) {
    CAPTURE(number);
    ConsoleRig rig(wide());
    stall(rig);
    rig.pty.signal(number);
    const auto status = rig.pty.wait_end_unread(kEnd);
    REQUIRE(status);
    if (number == SIGTERM) CHECK((WIFEXITED(*status) && WEXITSTATUS(*status) == 0));
    // Who reads again finds the words that restore it.
    rig.pty.read_for(milliseconds(200));
    CHECK(rig.pty.open_modes().empty());
    CHECK(rig.pty.cursor_shown());
    CHECK(rig.pty.cooked());
    CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }, seconds(10)));
  }
}

TEST_CASE("a terminal that is not read and then goes away ends the console", "[e2e]") {
  ConsoleRig rig(wide());
  stall(rig);
  rig.pty.hang_up();
  REQUIRE(rig.pty.wait_end_unread(kEnd));
  CHECK(wait_until([&] { return processes_of(rig.root.path()).empty(); }, seconds(10)));
}

// The kernel stops no process of a terminal without a shell: the console goes straight on, and
// waits for its terminal anew.
TEST_CASE("a request to stop is heard while the terminal is not read", "[e2e]") {
  ConsoleRig rig(wide());
  stall(rig);
  rig.pty.signal(SIGTSTP);
  SECTION("and the picture comes back whole to who reads again") {
    rig.pty.send("3");
    REQUIRE(rig.pty.until_shown("[3 Security log]"));
    rig.pty.send("1");
    REQUIRE(rig.pty.until_shown("[1 Summary]"));
    CHECK(rig.pty.until_shown("cam-2"));
  }
  SECTION("and so is the one to end after it") {
    rig.pty.signal(SIGTERM);
    REQUIRE(rig.pty.wait_end_unread(kEnd));
  }
}
