// What the console may cost, with slack for a busy machine; the figures are printed.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"

using namespace ota::test;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

long elapsed_ms(steady_clock::time_point since) {
  return static_cast<long>(
      std::chrono::duration_cast<milliseconds>(steady_clock::now() - since).count());
}

std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size()))
    ++count;
  return count;
}

}  // namespace

TEST_CASE("the first picture is there at once, before the server is", "[e2e][budget]") {
  const auto begin = steady_clock::now();
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("[1 Summary]"));
  const long first = elapsed_ms(begin);
  std::printf("  first paint %ld ms (budget 50)\n", first);
  CHECK(first < 500);
}

TEST_CASE("watching a live fleet costs next to nothing", "[e2e][budget]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.read_for(seconds(2));
  const ThreadCost before = main_thread_cost(rig.pty.pid());
  const std::size_t bytes_before = rig.pty.received().size();
  const std::size_t frames_before = count_of(rig.pty.received(), "\033[?2026h");
  rig.pty.read_for(seconds(10));
  const ThreadCost after = main_thread_cost(rig.pty.pid());
  const double cpu = static_cast<double>(after.cpu_ms - before.cpu_ms) / 100.0;
  const double wakeups = static_cast<double>(after.wakeups - before.wakeups) / 10.0;
  const std::size_t bytes = (rig.pty.received().size() - bytes_before) / 10;
  const std::size_t frames = count_of(rig.pty.received(), "\033[?2026h") - frames_before;
  std::printf(
      "  summary 80x24: UI thread %.2f %% of a core, %.1f wake-ups/s, %zu B/s, %zu frames in 10 s, "
      "RSS %ld KiB\n",
      cpu, wakeups, bytes, frames, resident_kib(rig.pty.pid()));
  CHECK(cpu < 3);                                  // budget 0.3
  CHECK(wakeups < 15);                             // budget 5
  CHECK(bytes < 3000);                             // budget 1,000
  CHECK(frames <= 44);                             // 4 a second
  CHECK(resident_kib(rig.pty.pid()) < 60 * 1024);  // budget 40 MiB
}

TEST_CASE("a key is answered with a picture at once", "[e2e][budget]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  std::vector<long> times;
  for (int i = 0; i < 40; ++i) {
    const std::string key(1, static_cast<char>('1' + i % 5));
    const auto begin = steady_clock::now();
    rig.pty.send(key);
    REQUIRE(rig.pty.until_shown("[" + key + " "));
    times.push_back(elapsed_ms(begin));
    rig.pty.read_for(milliseconds(110));
  }
  std::sort(times.begin(), times.end());
  const long p95 = times[times.size() * 95 / 100];
  std::printf("  key to picture: median %ld ms, p95 %ld ms (budget 20)\n", times[times.size() / 2],
              p95);
  CHECK(p95 < 200);
}

TEST_CASE("every frame is one synchronized update, and nothing is sent between", "[e2e][budget]") {
  ConsoleRig rig({{}, {}, 200, 50});
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  const std::size_t start = rig.pty.received().size();
  rig.pty.send("2");
  REQUIRE(rig.pty.until_shown("[2 Graphs]"));
  rig.pty.read_for(seconds(3));
  std::string rest = rig.pty.received().substr(start);
  rest.erase(0, rest.find("\033[?2026h"));  // the end of a frame that was on its way
  std::size_t frames = 0;
  while (!rest.empty()) {
    REQUIRE(rest.starts_with("\033[?2026h"));
    const std::size_t end = rest.find("\033[?2026l");
    if (end == std::string::npos) break;  // the last one was still on its way
    rest.erase(0, end + 8);
    ++frames;
  }
  CHECK(frames >= 2);
}
