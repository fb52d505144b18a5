// A terminal is given back also by programs that break. The victims are hidden test cases of this
// program, run on a terminal of their own: they take the screen as the console does, and then die
// in one way each.
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

#include "base/assert.h"
#include "base/file.h"
#include "console/console.h"
#include "console/curses_screen.h"
#include "tests/support/catch.h"
#include "tests/support/pty.h"
#include "tests/support/temp_folder.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OTA_WITH_ASAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define OTA_WITH_ASAN 1
#endif

using namespace ota::console;
using namespace ota::test;

namespace {

std::unique_ptr<Screen> take_screen() {
  block_signals();
  CursesOptions options;
  options.term = "xterm-256color";
  if (const char* log = std::getenv("OTA_TEST_LOG"))  // NOLINT(concurrency-mt-unsafe)
    options.log_file = log;
  auto screen = open_curses_screen(options);
  REQUIRE(screen.has_value());
  std::fprintf(stderr, "a library that talks\n");
  std::printf("and another\n");
  std::fflush(stdout);
  Canvas canvas((*screen)->size(), Charset::kUnicode);
  Area(canvas).put(0, 0, "on the screen");
  (*screen)->present(canvas);
  return std::move(*screen);
}

// Not a tail call, and with an end that the compiler cannot rule out: it must run out of stack.
int recurse(int depth, const volatile int& last) {  // NOLINT(misc-no-recursion)
  volatile char room[4096] = {};
  room[depth % 4096] = 1;
  if (depth == last) return 0;
  return recurse(depth + 1, last) + room[depth % 7];
}

Pty run_victim(const char* tag, const std::string& log = "") {
  Pty::Options options;
  options.command = {std::filesystem::read_symlink("/proc/self/exe").string(), tag};
  options.environment = {{"LC_ALL", "C.UTF-8"}, {"NO_COLOR", ""}, {"OTA_TEST_LOG", log}};
  return Pty(options);
}

// It had the screen, and the terminal is as it was before, with nothing on it that a library
// printed.
void expect_clean(const Pty& pty) {
  CHECK(pty.received().find("on the screen") != std::string::npos);
  CHECK(pty.received().find("a library that talks") == std::string::npos);
  CHECK(pty.received().find("and another") == std::string::npos);
  CHECK(pty.open_modes().empty());
  CHECK(pty.cursor_shown());
  CHECK(pty.cooked());
}

}  // namespace

TEST_CASE("victim: runs out of stack", "[.][victim-stack]") {
  const auto screen = take_screen();
  const volatile int never = -1;
  CHECK(recurse(0, never) > 0);
}

TEST_CASE("victim: ends by std::terminate", "[.][victim-terminate]") {
  const auto screen = take_screen();
  std::terminate();
}

TEST_CASE("victim: breaks an invariant", "[.][victim-assert]") {
  const auto screen = take_screen();
  OTA_ASSERT(screen == nullptr);
}

#if defined(OTA_WITH_ASAN)
TEST_CASE("victim: is caught by a sanitizer", "[.][victim-sanitizer]") {
  const auto screen = take_screen();
  auto* const gone = new volatile int(1);
  delete gone;
  CHECK(*gone == 1);  // NOLINT: the fault that AddressSanitizer shall report
}

// A report ends the program by _exit(): no signal, no destructor.
TEST_CASE("a sanitizer's report leaves a clean terminal", "[console]") {
  Pty pty = run_victim("[victim-sanitizer]");
  const auto status = pty.wait_end();
  REQUIRE(status.has_value());
  CAPTURE(pty.received());
  REQUIRE(WIFEXITED(*status));
  CHECK(WEXITSTATUS(*status) != 0);
  CHECK(pty.received().find("ended by a sanitizer's report; its log says more") !=
        std::string::npos);
  expect_clean(pty);
}
#endif

TEST_CASE("victim: ends well", "[.][victim-well]") {
  take_screen();
}

TEST_CASE("stack overflow, terminate and a failed assertion leave a clean terminal", "[console]") {
  struct Victim {
    const char* tag;
    int signal;  // 0: none
  };
  for (const Victim& victim :
       {Victim{"[victim-stack]", SIGSEGV}, Victim{"[victim-terminate]", SIGABRT},
        Victim{"[victim-assert]", SIGABRT}, Victim{"[victim-well]", 0}}) {
    CAPTURE(victim.tag);
    Pty pty = run_victim(victim.tag);
    const auto status = pty.wait_end();
    REQUIRE(status.has_value());
    CAPTURE(pty.received());
    if (victim.signal != 0) {
      REQUIRE(WIFSIGNALED(*status));
      CHECK(WTERMSIG(*status) == victim.signal);
      CHECK(pty.received().find("ended by signal") != std::string::npos);
    } else {
      CHECK(WIFEXITED(*status));
    }
    expect_clean(pty);
  }
}

TEST_CASE("what libraries print goes to a log whose folder is not there yet, or to nowhere",
          "[console]") {
  namespace fs = std::filesystem;
  const TempFolder folder;
  const fs::path log = folder.path() / "state" / "console.log";
  Pty first = run_victim("[victim-well]", log.string());
  REQUIRE(first.wait_end().has_value());
  CAPTURE(first.received());
  expect_clean(first);
  CHECK(ota::read_file(log, 4096).value().find("a library that talks") != std::string::npos);
  CHECK((fs::status(log.parent_path()).permissions() & fs::perms::all) == fs::perms::owner_all);

  Pty nowhere = run_victim("[victim-well]", (log / "a-file-is-no-folder").string());
  REQUIRE(nowhere.wait_end().has_value());
  CAPTURE(nowhere.received());
  expect_clean(nowhere);
}
