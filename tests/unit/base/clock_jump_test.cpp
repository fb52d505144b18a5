#include "base/clock_jump.h"

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;

TEST_CASE("a wall clock that is set is a jump, one that runs is none, and each is told once",
          "[base][clock]") {
  ManualClock clock(test::kStart);
  ClockJump jump(clock);
  CHECK_FALSE(jump.look());
  for (int i = 0; i < 100; ++i) {
    clock.advance(std::chrono::hours(i));
    CHECK_FALSE(jump.look());
  }
  clock.set_wall(clock.wall() + milliseconds(4900));  // as a clock that is set by the network
  CHECK_FALSE(jump.look());
  const auto by = std::chrono::days(GENERATE(75, -75));
  clock.set_wall(clock.wall() + by);
  clock.advance(milliseconds(250));
  CHECK(jump.look() == milliseconds(by));
  CHECK_FALSE(jump.look());
}
