#include "rollout/levels.h"

#include <cmath>

#include "tests/support/catch.h"

using namespace ota::rollout;
using namespace std::chrono_literals;

namespace {
const ota::WallTime kMidnight{std::chrono::sys_days{std::chrono::year(2026) / 3 / 4}};
}

TEST_CASE("the windows of a phase's looks do not overlap, and the first has seven whole minutes",
          "[rollout]") {
  ota::seconds age = 15min;
  const Window first = look_window(kMidnight + age, age);
  CHECK(first.begin == kMidnight + 7min + 30s);
  CHECK(first.first_minute() == kMidnight + 8min);
  CHECK(first.minutes() == 7);
  for (int look = 1; look < 7; ++look) {
    const Window before = look_window(kMidnight + age, age);
    age *= 2;
    const Window window = look_window(kMidnight + age, age);
    CHECK(window.begin == before.end);
    CHECK(window.minutes() * 120 == static_cast<std::uint64_t>(age.count()));
  }
}

TEST_CASE("a window's past lies on the two latest days that end before the start", "[rollout]") {
  const Window early{kMidnight + 8min, kMidnight + 15min};
  CHECK(past_windows(early, kMidnight)[0] ==
        Window{kMidnight + 8min - 24h, kMidnight + 15min - 24h});
  CHECK(past_windows(early, kMidnight)[1] ==
        Window{kMidnight + 8min - 48h, kMidnight + 15min - 48h});
  // A day later the day before is the update's own.
  const Window late{kMidnight + 22h, kMidnight + 30h};
  CHECK(past_windows(late, kMidnight)[0] == Window{kMidnight + 22h - 48h, kMidnight + 30h - 48h});
  const Window at_the_day{kMidnight + 23h, kMidnight + 24h};
  CHECK(past_windows(at_the_day, kMidnight)[0] == Window{kMidnight - 1h, kMidnight});
}

TEST_CASE("a level is a median, and none where less than half of the minutes are there",
          "[rollout]") {
  std::vector<double> room;
  const double none = kNoValue;
  const auto level = [&](std::vector<double> minutes) { return level_of(minutes, room); };
  CHECK(level({1, 2, 90}) == 2);
  CHECK(level({4, 1, 2, 3}) == 2.5);
  CHECK(level({1, none, 2, none, 3, none, none, 9}) == 2.5);
  CHECK(std::isnan(level({1, none, 2, none, 3, none, none})));  // 3 of 7
  CHECK(std::isnan(level({1, 2})));                             // all, but too few
  CHECK(std::isnan(level({})));
  CHECK(past_of(std::vector<double>{1, 4}) == 2.5);
  CHECK(past_of(std::vector<double>{none, 4}) == 4);
  CHECK(std::isnan(past_of(std::vector<double>{none, none})));
}
