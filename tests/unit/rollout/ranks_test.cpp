#include "rollout/ranks.h"

#include <algorithm>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using ota::rollout::controls_below;
using ota::rollout::ranksum_sf;

namespace {

// How often U is at least `u` over all ways to draw the updated devices, counted one by one.
double counted(std::uint64_t updated, std::uint64_t controls, std::uint64_t u) {
  std::vector<int> picked(updated + controls, 0);
  std::fill(picked.begin() + static_cast<std::ptrdiff_t>(controls), picked.end(), 1);
  double all = 0;
  double reached = 0;
  do {
    std::uint64_t pairs = 0;
    std::uint64_t below = 0;
    for (const int is_updated : picked) {
      if (is_updated != 0) {
        pairs += below;
      } else {
        ++below;
      }
    }
    ++all;
    reached += pairs >= u ? 1 : 0;
  } while (std::next_permutation(picked.begin(), picked.end()));
  return reached / all;
}

}  // namespace

TEST_CASE("the rank sum's tail is that of the reference", "[rollout][vectors]") {
  struct Vector {
    std::uint64_t updated;
    std::uint64_t controls;
    std::uint64_t u;
    double p;
  };
  for (const Vector& v :
       {Vector{1, 9, 9, 1.000000e-01}, Vector{3, 9, 27, 4.545455e-03},
        Vector{5, 20, 100, 1.882176e-05}, Vector{5, 20, 95, 3.576134e-04},
        Vector{5, 50, 240, 3.248283e-05}, Vector{3, 60, 180, 2.518194e-05},
        Vector{12, 40, 400, 1.347958e-04}, Vector{60, 200, 8160, 9.067630e-06},
        Vector{99, 200, 12672, 3.604267e-05}, Vector{200, 200, 23000, 4.737778e-03}}) {
    INFO(v.updated << " " << v.controls << " " << v.u);
    CHECK(ranksum_sf(v.updated, v.controls, v.u) == Approx(v.p).epsilon(1e-6));
  }
  // By hand: all of 5 above all of 20 is one draw of 53,130; with at most 5 pairs lost it is as many
  // as there are partitions of 0 to 5.
  CHECK(ranksum_sf(5, 20, 100) == Approx(1.0 / 53130).epsilon(1e-12));
  CHECK(ranksum_sf(5, 20, 95) == Approx(19.0 / 53130).epsilon(1e-12));
}

TEST_CASE("the rank sum's tail is what counting every draw gives", "[rollout]") {
  for (std::uint64_t updated = 1; updated <= 5; ++updated) {
    for (std::uint64_t controls = 1; controls <= 6; ++controls) {
      for (std::uint64_t u = 0; u <= updated * controls + 1; ++u) {
        INFO(updated << " " << controls << " " << u);
        REQUIRE(ranksum_sf(updated, controls, u) ==
                Approx(counted(updated, controls, u)).epsilon(1e-12).margin(1e-15));
      }
    }
  }
}

TEST_CASE("the rank sum's tail is a probability that falls with U, small and large",
          "[rollout][property]") {
  std::mt19937_64 random(20261130);
  for (int round = 0; round < 60; ++round) {
    const std::uint64_t updated = 1 + random() % 60;
    const std::uint64_t controls = 1 + random() % 400;
    double before = 1;
    const std::uint64_t step = 1 + updated * controls / 40;
    for (std::uint64_t u = 0; u <= updated * controls + step; u += step) {
      const double p = ranksum_sf(updated, controls, u);
      INFO(updated << " " << controls << " " << u);
      REQUIRE(p >= 0);
      REQUIRE(p <= before + 1e-12);
      before = p;
    }
    REQUIRE(before == 0);
    // Which side is called updated does not matter to the distribution of the pairs.
    const std::uint64_t u = random() % (updated * controls + 1);
    REQUIRE(ranksum_sf(updated, controls, u) ==
            Approx(ranksum_sf(controls, updated, u)).epsilon(1e-9));
  }
}

TEST_CASE("a tie never counts against an update", "[rollout][property]") {
  const std::vector<double> controls{-1, 0, 0, 1, 2, 2, 3};
  CHECK(controls_below(2, 0, controls) == 4);
  CHECK(controls_below(2, 1, controls) == 3);
  CHECK(controls_below(9, 0, controls) == 7);
  CHECK(controls_below(-9, 0, controls) == 0);
  // The nearest number below a tie takes a pair away at most, and the nearest above gives what it
  // holds back.
  CHECK(controls_below(2 - 1e-9, 0, controls) == 4);
  CHECK(controls_below(2 + 1e-9, 0, controls) == 6);
}
