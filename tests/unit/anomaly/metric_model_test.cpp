#include "anomaly/metric_model.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "anomaly/score.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace std::chrono_literals;
using ota::WallTime;
using ota::anomaly::AlarmFilter;
using ota::anomaly::JointModel;
using ota::anomaly::MetricModel;
using ota::anomaly::TailEstimate;

namespace {

using ota::test::kStart;

// Readings of a daily cycle with noise, one in five minutes.
struct Daily {
  explicit Daily(unsigned seed) : random(seed) {}
  double next() {
    at += 5min;
    const double day = std::chrono::duration<double>(at - kStart).count() / 86400.0;
    return 40 + 10 * std::sin(2 * 3.14159265 * day) + noise(random);
  }
  std::mt19937 random;
  std::normal_distribution<double> noise{0, 1};
  WallTime at = kStart;
};

}  // namespace

TEST_CASE("the tail estimate calls a size rare in proportion to how seldom it came", "[anomaly]") {
  TailEstimate tail;
  CHECK(tail.surprise(5) == 0);
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  for (int i = 0; i < 10000; ++i)
    tail.add(std::abs(normal(random)));
  CHECK(tail.surprise(0.0) == Approx(0).margin(0.01));
  CHECK(tail.surprise(1.0) == Approx(0.5).margin(0.1));    // 32 %
  CHECK(tail.surprise(2.58) == Approx(2.0).margin(0.25));  // 1 %
  CHECK(tail.surprise(8.0) > 3.5);
}

TEST_CASE("surprise never falls with size", "[anomaly]") {
  std::mt19937 random(7);
  std::exponential_distribution<double> sizes;
  TailEstimate tail;
  for (int i = 0; i < 3000; ++i)
    tail.add(sizes(random));
  double last = 0;
  for (double size = 0; size < 500; size += 0.05) {
    // The counted part and the fitted tail meet within a tenth.
    REQUIRE(tail.surprise(size) >= last - 0.1);
    last = std::max(last, tail.surprise(size));
  }
}

TEST_CASE("a level shift scores above the threshold within ten readings", "[anomaly]") {
  Daily series(3);
  MetricModel metric;
  for (int i = 0; i < 4000; ++i)
    metric.observe(series.next(), series.at);
  double best = 0;
  for (int i = 0; i < 10; ++i) {
    best = std::max(
        best, ota::anomaly::score_of(metric.observe(series.next() + 30, series.at).combined()));
  }
  CHECK(best >= 0.5);
}

TEST_CASE("the same readings give the same bits", "[anomaly]") {
  Daily a(5);
  Daily b(5);
  MetricModel first;
  MetricModel second;
  for (int i = 0; i < 3000; ++i) {
    const double one = first.observe(a.next(), a.at).combined();
    REQUIRE(one == second.observe(b.next(), b.at).combined());
  }
}

TEST_CASE("constant, huge and repeated readings give finite surprises", "[anomaly]") {
  for (const double scale : {0.0, 1e-12, 1.0, 1e15}) {
    MetricModel metric;
    for (int i = 0; i < 200; ++i) {
      const double value = i == 150 ? 3 * scale : scale;
      const auto surprise = metric.observe(value, i % 3 == 0 ? kStart : kStart + i * 1min);
      REQUIRE(std::isfinite(surprise.combined()));
      REQUIRE(surprise.combined() >= 0);
    }
  }
}

TEST_CASE("a constant series that jumps is noticed, one that stays constant is not", "[anomaly]") {
  MetricModel metric;
  for (int i = 0; i < 500; ++i) {
    REQUIRE(ota::anomaly::score_of(metric.observe(20, kStart + i * 5min).combined()) < 0.5);
  }
  double best = 0;
  for (int i = 500; i < 510; ++i) {
    best = std::max(best, ota::anomaly::score_of(metric.observe(25, kStart + i * 5min).combined()));
  }
  CHECK(best >= 0.5);
}

TEST_CASE("scores lie in [0, 1) and invert", "[anomaly]") {
  CHECK(ota::anomaly::score_of(0) == 0);
  CHECK(ota::anomaly::score_of(-1) == 0);
  CHECK(ota::anomaly::score_of(40) < 1);
  for (const double surprise : {0.1, 1.0, 2.8, 7.0}) {
    CHECK(ota::anomaly::surprise_of(ota::anomaly::score_of(surprise)) == Approx(surprise));
  }
}

TEST_CASE("one incident is one alarm, and the next one is heard again", "[anomaly]") {
  AlarmFilter filter;
  CHECK(filter.filter(0.8, 0.5) == 0.8);
  for (int i = 0; i < 300; ++i)
    REQUIRE(filter.filter(0.99, 0.5) < 0.5);
  for (std::uint32_t i = 0; i < AlarmFilter::kQuietRows; ++i) {
    REQUIRE(filter.filter(0.1, 0.5) == 0.1);
  }
  CHECK(filter.filter(0.8, 0.5) == 0.8);
}

TEST_CASE("metrics that are each a little unusual are together more so", "[anomaly]") {
  std::mt19937 random(11);
  std::exponential_distribution<double> calm(2.3);
  JointModel joint;
  std::array<double, 4> surprises{};
  for (int i = 0; i < 5000; ++i) {
    for (double& surprise : surprises)
      surprise = calm(random);
    joint.observe(surprises);
  }
  surprises.fill(2.0);
  CHECK(joint.observe(surprises) > 2.8);
  CHECK(joint.observe(std::array{2.0, 0.2, 0.3, 0.1}) < 2.8);
  CHECK(joint.observe(std::array{1.7}) == 1.7);
}
