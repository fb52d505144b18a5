// The edges of a limit: what is on it, what is on the end of its margins, and for how long.
#include "anomaly/limit.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::anomaly;
using model::Level;

namespace {

// Limit 90, quiet again below 85, watched from 80 on; two seconds raise, three clear.
constexpr LimitRule kRule{90, 5, 10, seconds(2), seconds(3), seconds(30)};

Level after(std::initializer_list<double> each_second) {
  LimitWatch watch;
  WallTime at = *parse_rfc3339("2026-08-20T14:03:22Z");
  for (const double value : each_second) {
    watch.observe(kRule, value, at);
    at += seconds(1);
  }
  return watch.level();
}

}  // namespace

TEST_CASE("a reading on the limit is over it", "[anomaly]") {
  CHECK(after({90, 90, 90}) == Level::kCritical);
  CHECK(after({89.99, 89.99, 89.99}) == Level::kWatch);
}

TEST_CASE("a reading on the margin is near the limit", "[anomaly]") {
  CHECK(after({80, 80, 80}) == Level::kWatch);
  CHECK(after({79.99, 79.99, 79.99}) == Level::kStable);
}

TEST_CASE("a limit is exceeded for as long as it says, to the second", "[anomaly]") {
  CHECK(after({90, 90}) == Level::kWatch);  // a breach is watched at once
  CHECK(after({90, 90, 90}) == Level::kCritical);
  CHECK(after({90, 90, 89, 90}) == Level::kCritical);  // within the hysteresis it is not over
  CHECK(after({90, 79, 90, 90}) == Level::kWatch);
}

TEST_CASE("a critical device is calm again below the hysteresis alone, for as long as it says",
          "[anomaly]") {
  CHECK(after({90, 90, 90, 85, 85, 85, 85, 85}) == Level::kCritical);
  CHECK(after({90, 90, 90, 79, 79, 79}) == Level::kCritical);
  CHECK(after({90, 90, 90, 79, 79, 79, 79}) == Level::kStable);
}
