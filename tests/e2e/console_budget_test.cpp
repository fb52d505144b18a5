// What the console may cost, each figure held to its budget; the figures are printed.
//
// Counts (bytes, wake-ups, frames, writes, memory) are the console's own and are measured once.
// Times are also the machine's, which others use at the same moment: they are measured in rounds,
// and the quietest round must keep the budget. A console that has become slower is so in all.
#include <algorithm>
#include <chrono>
#include <cstdio>

#include "tests/support/catch.h"
#include "tests/support/screen_rig.h"
#include "tests/support/tty_writes.h"

using namespace ota::test;
using std::chrono::seconds;
using std::chrono::steady_clock;

namespace {

constexpr int kRounds = 5;
constexpr seconds kWatched{5};
constexpr seconds kCpuWatched{10};
// Four a second, and the one that the window's edge cuts off the second before.
constexpr std::size_t kMostFrames = 4 * kWatched.count() + 1;

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

std::size_t frames_in(std::string_view text) {
  return count_of(text, "\033[?2026h");
}

struct Cost {
  double wakeups = 0;  // of the UI's thread, per second
  double bytes = 0;    // to the terminal, per second
  std::size_t frames = 0;
};

// What a picture costs that nobody touches.
Cost watch(ConsoleRig& rig) {
  rig.pty.read_for(seconds(2));
  const ThreadCost before = main_thread_cost(rig.pty.pid());
  const std::size_t start = rig.pty.received().size();
  rig.pty.read_for(kWatched);
  const ThreadCost after = main_thread_cost(rig.pty.pid());
  const double span = kWatched.count();
  const std::string_view sent = std::string_view(rig.pty.received()).substr(start);
  return {static_cast<double>(after.wakeups - before.wakeups) / span,
          static_cast<double>(sent.size()) / span, frames_in(sent)};
}

void print(const char* what, const Cost& cost) {
  std::printf("  %s: %.1f wake-ups/s, %.0f B/s, %zu frames in %ld s\n", what, cost.wakeups,
              cost.bytes, cost.frames, static_cast<long>(kWatched.count()));
}

}  // namespace

// The budget of 50 ms holds for the CPU time of the thread that paints. On the wall it is held
// twice over: a program's start waits for its turn at whatever else the machine does (12 ms on an
// idle one, 70 on one with three builders to each core).
TEST_CASE("the first picture is there at once, before the server is", "[e2e][budget]") {
  long best = 1000;
  long best_cpu = 1000;
  for (int round = 0; round < 2 * kRounds && best > 50; ++round) {
    const auto begin = steady_clock::now();
    ConsoleRig rig({{"--no-agents"}, {}, 80, 24});
    REQUIRE(rig.pty.until_shown("[1 Summary]"));
    best = std::min(best, elapsed_ms(begin));
    best_cpu = std::min(best_cpu, main_thread_cost(rig.pty.pid()).cpu_ms);
  }
  std::printf("  first paint %ld ms, %ld ms of CPU (budget 50)\n", best, best_cpu);
  CHECK(best_cpu <= 50);
  CHECK(best <= 100);
}

TEST_CASE("watching a live fleet costs next to nothing", "[e2e][budget]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  const Cost cost = watch(rig);
  print("summary 80x24", cost);
  CHECK(cost.wakeups <= 5);
  CHECK(cost.bytes <= 1000);
  CHECK(cost.frames <= kMostFrames);
  const long memory = resident_kib(rig.pty.pid());
  std::printf("  memory %ld KiB (budget 40 MiB)\n", memory);
  CHECK(memory <= 40L * 1024);

  // 0.3 % of a core, in the kernel's ticks of 10 ms.
  long best = 1000;
  for (int round = 0; round < kRounds && best > 30; ++round) {
    const long before = main_thread_cost(rig.pty.pid()).cpu_ms;
    rig.pty.read_for(kCpuWatched);
    best = std::min(best, main_thread_cost(rig.pty.pid()).cpu_ms - before);
  }
  std::printf("  UI thread %ld ms of 10 s (budget 30)\n", best);
  CHECK(best <= 30);
}

TEST_CASE("graphs of a live device keep to the terminal's budget at every size", "[e2e][budget]") {
  struct Screen {
    int columns;
    int rows;
    double bytes;  // per second
  };
  for (const Screen& screen : {Screen{80, 24, 2000}, Screen{200, 50, 8000}}) {
    CAPTURE(screen.columns);
    ConsoleRig rig({{}, {}, screen.columns, screen.rows});
    REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
    rig.pty.send("2");
    REQUIRE(rig.pty.until_shown("[2 Graphs]"));
    const Cost cost = watch(rig);
    print(screen.columns == 80 ? "graphs 80x24" : "graphs 200x50", cost);
    CHECK(cost.wakeups <= 5);
    CHECK(cost.bytes <= screen.bytes);
    CHECK(cost.frames <= kMostFrames);
  }
}

TEST_CASE("a key is answered with a picture at once", "[e2e][budget]") {
  ConsoleRig rig;
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  long best = 1000;
  for (int round = 0; round < kRounds && best > 20; ++round) {
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
    std::printf("  key to picture: median %ld ms, p95 %ld ms (budget 20)\n",
                times[times.size() / 2], p95);
    best = std::min(best, p95);
  }
  CHECK(best <= 20);
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

TEST_CASE("every frame is one write to the terminal", "[e2e][budget]") {
  ConsoleRig rig({{}, {}, 200, 50});
  REQUIRE(rig.pty.until_shown("2 online", seconds(30)));
  rig.pty.send("2");
  REQUIRE(rig.pty.until_shown("[2 Graphs]"));
  rig.pty.read_for(milliseconds(500));
  const std::size_t start = rig.pty.received().size();
  const long writes = count_tty_writes(rig.pty, seconds(4));
  const std::size_t frames = frames_in(std::string_view(rig.pty.received()).substr(start));
  std::printf("  %ld writes for %zu frames\n", writes, frames);
  CHECK(frames >= 2);
  // One frame may be sent before the first call is counted, or be read after the last one.
  CHECK(writes <= static_cast<long>(frames) + 1);
  CHECK(writes + 1 >= static_cast<long>(frames));
}
