#include "rollout/combine.h"

#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using ota::rollout::ModelChance;
using ota::rollout::normal_isf;
using ota::rollout::normal_sf;
using ota::rollout::stouffer;

TEST_CASE("models' chances are combined as in the reference", "[rollout][vectors]") {
  const std::vector<ModelChance> three{{3, 0.001}, {1, 0.02}, {1, 0.5}};
  CHECK(stouffer(three) == Approx(4.629126e-04).epsilon(1e-6));
  const std::vector<ModelChance> two{{2, 0.05}, {2, 0.05}};
  CHECK(stouffer(two) == Approx(1.000463e-02).epsilon(1e-6));
  const std::vector<ModelChance> capped{{5, 1.0}, {5, 1e-5}};
  CHECK(stouffer(capped) == Approx(6.351202e-01).epsilon(1e-6));
  CHECK(stouffer({}) == 1);
}

TEST_CASE("the normal quantile undoes the tail, far out too", "[rollout]") {
  CHECK(normal_isf(0.5) == Approx(0).margin(1e-12));
  CHECK(normal_isf(0.025) == Approx(1.959963984540054).epsilon(1e-12));
  for (double exponent = -300; exponent < -0.01; exponent += 0.37) {
    const double p = std::pow(10, exponent);
    INFO(p);
    REQUIRE(normal_sf(normal_isf(p)) == Approx(p).epsilon(1e-9));
    if (p > 1e-12) REQUIRE(normal_isf(1 - p) == Approx(-normal_isf(p)).epsilon(1e-3));
  }
}

TEST_CASE("a combined chance is one, grows with each of its parts and has no order",
          "[rollout][property]") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0, 1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<ModelChance> models;
    for (std::uint64_t i = 0; i < 1 + random() % 5; ++i)
      models.push_back({1 + random() % 40, std::pow(uniform(random), 1.0 + uniform(random) * 20)});
    const double p = stouffer(models);
    REQUIRE(p >= 0);
    REQUIRE(p <= 1);
    std::vector<ModelChance> worse = models;
    const std::size_t at = random() % worse.size();
    worse[at].p *= 0.5;
    REQUIRE(stouffer(worse) <= p);
    std::vector<ModelChance> turned(models.rbegin(), models.rend());
    REQUIRE(stouffer(turned) == Approx(p).epsilon(1e-9));
  }
  // One model of many devices without a chance of its own outvotes nobody for ever.
  const std::vector<ModelChance> none{{1, 0.0}, {1, 1.0}};
  CHECK(std::isfinite(stouffer(none)));
}
