#include "world/timeline.h"

#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "world/node_clock.h"
#include "world/random.h"

namespace ota::world {
namespace {

TEST_CASE("tasks run by their moments, and within one in the order in which they were given",
          "[world]") {
  Timeline timeline;
  std::string order;
  timeline.after(milliseconds(20), [&] { order += 'c'; });
  timeline.after(milliseconds(10), [&] {
    order += 'a';
    timeline.after(milliseconds(0), [&] { order += 'b'; });
  });
  timeline.after(milliseconds(20), [&] { order += 'd'; });
  timeline.run_until(MonoTime{} + milliseconds(15));
  CHECK(order == "ab");
  CHECK(timeline.now() == MonoTime{} + milliseconds(15));
  timeline.run_until(MonoTime{} + milliseconds(30));
  CHECK(order == "abcd");
}

TEST_CASE("a fiber gives way while it waits, and is woken or its time comes", "[world]") {
  Timeline timeline;
  std::vector<std::string> said;
  const auto fiber = timeline.start([&] {
    said.push_back(timeline.wait(MonoTime{} + milliseconds(10)) ? "woken" : "late");
    said.push_back(timeline.wait(MonoTime::max()) ? "woken" : "late");
  });
  timeline.run_until(MonoTime{} + milliseconds(50));
  CHECK(said == std::vector<std::string>{"late"});
  CHECK_FALSE(fiber->over());
  timeline.wake(fiber);
  timeline.run_until(MonoTime{} + milliseconds(51));
  CHECK(said == std::vector<std::string>{"late", "woken"});
  CHECK(fiber->over());
}

TEST_CASE("a power cut ends a fiber where it waits, and lets go of all that is on its stack",
          "[world]") {
  Timeline timeline;
  const auto held = std::make_shared<int>(1);
  bool went_on = false;
  const auto fiber = timeline.start([&, mine = held] {
    const auto on_the_stack = mine;
    try {
      timeline.wait(MonoTime::max());
    } catch (const std::exception&) {
      went_on = true;
    }
    went_on = true;
  });
  timeline.run_until(MonoTime{} + milliseconds(1));
  CHECK(held.use_count() > 2);
  timeline.cut(fiber);
  CHECK(fiber->over());
  CHECK_FALSE(went_on);
  CHECK(held.use_count() == 1);
}

TEST_CASE("an exception that leaves a fiber comes out of the timeline", "[world]") {
  Timeline timeline;
  timeline.start([] { throw std::runtime_error("a defect"); });
  CHECK_THROWS_AS(timeline.run_until(MonoTime{} + milliseconds(1)), std::runtime_error);
}

TEST_CASE("a machine's clock drifts by its rate and jumps with its wall clock alone", "[world]") {
  Timeline timeline;
  NodeClock fast(timeline, 500, milliseconds(0));
  timeline.run_until(MonoTime{} + std::chrono::hours(1));
  CHECK(fast.mono() - MonoTime{} == std::chrono::hours(1) + milliseconds(1800));
  CHECK(fast.wall() - kWorldBegins == std::chrono::hours(1) + milliseconds(1800));
  fast.jump(seconds(-90));
  CHECK(fast.mono() - MonoTime{} == std::chrono::hours(1) + milliseconds(1800));
  CHECK(fast.wall() - kWorldBegins == std::chrono::hours(1) + milliseconds(1800) - seconds(90));
  timeline.run_until(fast.when(fast.mono() + seconds(10)));
  CHECK(fast.mono() - MonoTime{} >= std::chrono::hours(1) + milliseconds(11800));
}

TEST_CASE("a seed gives the same numbers everywhere, and its streams differ", "[world]") {
  Random random(1);
  CHECK(random.next() == 12966619160104079557U);  // of the generator's reference code
  CHECK(Random(7, "link", 1).next() == Random(7, "link", 1).next());
  CHECK(Random(7, "link", 1).next() != Random(7, "link", 2).next());
  CHECK(Random(7, "link").next() != Random(7, "disk").next());
  CHECK(Random(7, "link").next() != Random(8, "link").next());
}

}  // namespace
}  // namespace ota::world
