#include "fleet/history_ring.h"

#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using fleet::HistoryRing;
using fleet::readings_of_each;

namespace {

using test::kStart;

void push(HistoryRing& ring, int i) {
  ring.push(kStart + seconds(i), {static_cast<double>(i), std::nullopt, 99.99, -40.0}, 0.5,
            model::Level::kWatch);
}

}  // namespace

TEST_CASE("the ring keeps the newest readings in order", "[fleet]") {
  HistoryRing ring(4);
  for (int i = 0; i < 10; ++i)
    push(ring, i);
  const auto points = ring.points();
  REQUIRE(points.size() == 4);
  for (int i = 0; i < 4; ++i) {
    const auto& point = points[static_cast<std::size_t>(i)];
    CHECK(point.at == kStart + seconds(6 + i));
    CHECK(*point.values[0] == Approx(6 + i));
  }
}

TEST_CASE("what is packed comes back to the hundredth, and what was not sent stays empty",
          "[fleet]") {
  HistoryRing ring(4);
  push(ring, 1);
  const auto point = ring.points().front();
  CHECK_FALSE(point.values[1]);
  CHECK(*point.values[2] == Approx(99.99).margin(0.006));
  CHECK(*point.values[3] == Approx(-40).margin(0.006));
  CHECK(point.score == Approx(0.5).margin(0.003));
  CHECK(point.level == model::Level::kWatch);
}

TEST_CASE("a smaller ring keeps its newest, a larger one goes on", "[fleet]") {
  HistoryRing ring(4);
  for (int i = 0; i < 6; ++i)
    push(ring, i);
  ring.set_capacity(2);
  CHECK(ring.points().front().at == kStart + seconds(4));
  ring.set_capacity(3);
  push(ring, 6);
  push(ring, 7);
  REQUIRE(ring.size() == 3);
  CHECK(ring.points().front().at == kStart + seconds(5));
}

TEST_CASE("a clock that steps back does not turn into the far future", "[fleet]") {
  HistoryRing ring(4);
  push(ring, 0);
  ring.push(kStart - seconds(600), {1.0, {}, {}, {}}, 0, model::Level::kStable);
  CHECK(ring.points().back().at == kStart - seconds(600));
}

TEST_CASE("all rings of a large fleet together are bounded", "[fleet]") {
  CHECK(readings_of_each(900, 3) == 900);
  CHECK(readings_of_each(900, 10'000) == 900);
  CHECK(readings_of_each(900, 0) == 900);
  const std::size_t many = readings_of_each(900, 100'000);
  CHECK(many * 100'000 * 14 <= std::size_t{128} << 20);
  CHECK(many >= 90);
  CHECK(readings_of_each(900, 10'000'000) == 60);
  CHECK(readings_of_each(30, 10'000'000) == 30);
}
