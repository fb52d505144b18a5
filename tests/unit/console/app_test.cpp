// The loop's parts that need no terminal: its rate, its inbox, its scripts.
#include "console/app.h"

#include <poll.h>

#include <atomic>
#include <thread>

#include "console/script.h"
#include "tests/support/catch.h"
#include "tests/support/screen_fixture.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::console;
using namespace ota::test;

namespace {

bool readable(int fd) {
  pollfd watched{fd, POLLIN, 0};
  return ::poll(&watched, 1, 0) > 0;
}

// A screen that counts its frames.
class CountingScreen final : public Screen {
 public:
  int input() const override { return -1; }
  Size size() override { return {80, 24}; }
  milliseconds present(const Canvas&) override {
    ++frames;
    return milliseconds(0);
  }
  void resized() override {}
  void forget() override {}
  void copy(std::string_view) override {}
  void suspend() override {}

  int frames = 0;
};

// Lets the loop go on until the time has come.
class UntilDriver final : public Driver {
 public:
  explicit UntilDriver(MonoTime end) : end_(end) {}
  std::optional<int> advance(App&) override {
    if (std::chrono::steady_clock::now() < end_) return std::nullopt;
    return 0;
  }

 private:
  MonoTime end_;
};

}  // namespace

TEST_CASE("a storm of changes is four frames a second at most", "[console][threads]") {
  FakeBackend backend;
  const ManualClock clock(screen_time());
  const auto inbox = std::make_shared<Inbox>();
  Ui ui(backend, inbox, clock, ViewOptions{});
  CountingScreen screen;
  App app(ui, screen, inbox, clock);
  std::atomic<bool> over = false;
  std::atomic<int> changes = 0;
  std::thread storm([&] {
    while (!over) {
      inbox->notify();
      ++changes;
      std::this_thread::yield();
    }
  });
  const auto start = std::chrono::steady_clock::now();
  UntilDriver driver(start + seconds(2));
  CHECK(app.run(&driver) == 0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  over = true;
  storm.join();
  CHECK(changes > 10 * screen.frames);  // a busy machine gives the storm little time, too
  CHECK(screen.frames >= 3);            // and they are shown
  CHECK(screen.frames <= 1 + 4 * took.count());
}

TEST_CASE("a held key gets a burst of frames and then ten a second", "[console]") {
  FrameLimiter limiter(10, 3);
  MonoTime now{seconds(100)};
  int frames = 0;
  for (int ms = 0; ms < 2000; ms += 5) {
    if (limiter.take(now + milliseconds(ms))) ++frames;
  }
  CHECK(frames >= 21);
  CHECK(frames <= 24);
}

TEST_CASE("the limiter says how long to wait, and no longer", "[console]") {
  FrameLimiter limiter(10, 1);
  const MonoTime now{seconds(100)};
  CHECK(limiter.take(now));
  CHECK_FALSE(limiter.take(now));
  const milliseconds wait = limiter.wait(now);
  CHECK(wait <= milliseconds(101));
  CHECK(limiter.take(now + wait));
}

TEST_CASE("a storm of changes wakes an armed inbox once, and an unarmed one never", "[console]") {
  Inbox inbox;
  inbox.notify();
  CHECK_FALSE(readable(inbox.fd()));
  CHECK(inbox.arm());  // a change came before
  inbox.take_changes();
  CHECK_FALSE(inbox.arm());
  for (int i = 0; i < 1000; ++i)
    inbox.notify();
  CHECK(readable(inbox.fd()));
  inbox.run();
  inbox.notify();
  CHECK_FALSE(readable(inbox.fd()));
}

TEST_CASE("answers of other threads run in order on the thread that asks for them",
          "[console][threads]") {
  const auto inbox = std::make_shared<Inbox>();
  std::vector<int> seen;
  const auto here = std::this_thread::get_id();
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      Inbox::bring<int>(inbox, [&, i](Result<int> value) {
        if (std::this_thread::get_id() == here && *value == i) seen.push_back(i);
      })(i);
    }
  });
  other.join();
  inbox->run();
  CHECK(seen.size() == 100);
}

TEST_CASE("a script presses keys, waits for text and saves the screen", "[console]") {
  const TempFolder folder;
  const auto saved = folder.path() / "screen.txt";
  const auto steps = parse_script(
      "# a comment\nkey 2\nwait-for 2s [2 Graphs]\nresize 120x36\nkey 3\ntype /gate\nkey "
      "Enter\nwait-for text gate\nsave-screen " +
      saved.string() + "\n");
  REQUIRE(steps.has_value());
  FakeBackend backend;
  const ManualClock clock(screen_time());
  const auto inbox = std::make_shared<Inbox>();
  Ui ui(backend, inbox, clock, ViewOptions{});
  MemoryScreen screen({80, 24});
  App app(ui, screen, inbox, clock);
  ScriptDriver driver(*steps, screen);
  CHECK(app.run(&driver) == 0);
  const auto text = read_file(saved, 1U << 16);
  REQUIRE(text.has_value());
  CHECK(text->find("BLOCKED → OTA for iot-002 rejected (Risk: High Load)") != std::string::npos);
  CHECK(text->find("FOLLOW  1 shown") != std::string::npos);
}

TEST_CASE("a script that is wrong is refused with its line", "[console]") {
  for (const char* script :
       {"key Foo", "press a", "resize 0x24", "resize 80", "wait-for", "\nkey a\nkey"}) {
    const auto steps = parse_script(script);
    REQUIRE_FALSE(steps.has_value());
    CHECK(steps.error().context.find("script line ") == 0);
  }
  CHECK(parse_size("80x24").has_value());
  CHECK_FALSE(parse_size("80x24x").has_value());
}
