#include "fleet/backtest.h"

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using fleet::Minute;
using model::Level;

namespace {

using test::kStart;

// Four hours of a device at about 40 % CPU, with twenty minutes at 85 % from the second hour on.
std::vector<Minute> history() {
  std::vector<Minute> minutes;
  for (int i = 0; i < 240; ++i) {
    Minute minute;
    minute.at = kStart + std::chrono::minutes(i);
    minute.samples = 60;
    const double cpu = (i >= 120 && i < 140 ? 85 : 40) + i * 7 % 5;
    minute.values[0] = fleet::MinuteRange{cpu - 3, cpu, cpu + 3};
    minute.values[3] = fleet::MinuteRange{44, 45.0 + i * 3 % 4, 49};
    minutes.push_back(std::move(minute));
  }
  return minutes;
}

}  // namespace

TEST_CASE("equal thresholds give no difference over any history", "[fleet][backtest]") {
  CHECK(fleet::compare_levels(history(), {}).empty());
  CHECK(fleet::compare_levels({}, {}).empty());
}

TEST_CASE("a lower limit shows who would have been critical, and when", "[fleet][backtest]") {
  fleet::BacktestThresholds thresholds;
  thresholds.then.cpu_threshold = 80;
  const auto changes = fleet::compare_levels(history(), thresholds);
  REQUIRE_FALSE(changes.empty());
  Level worst = Level::kUnknown;
  for (const auto& change : changes) {
    worst = std::max(worst, change.then);
    CHECK(change.from >= kStart + std::chrono::minutes(120));
    CHECK(change.to <= kStart + std::chrono::minutes(160));
    CHECK_FALSE(change.reason.empty());
  }
  CHECK(worst == Level::kCritical);

  // And back: what is in force is the stricter one.
  std::swap(thresholds.now, thresholds.then);
  const auto eased = fleet::compare_levels(history(), thresholds);
  REQUIRE(eased.size() == changes.size());
  CHECK(eased.front().now == changes.front().then);
}

TEST_CASE("minutes without a sample are passed over", "[fleet][backtest]") {
  auto minutes = history();
  for (Minute& minute : minutes)
    minute.samples = 0;
  fleet::BacktestThresholds thresholds;
  thresholds.then.cpu_threshold = 1;
  CHECK(fleet::compare_levels(minutes, thresholds).empty());
}
