#include "rollout/outcomes.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "tests/support/catch.h"

using ota::rollout::failure_evidence;
using ota::rollout::failures_that_halt;
using ota::rollout::hyper_sf;

TEST_CASE("an outcome's tail and the evidence of failures are those of the reference",
          "[rollout][vectors]") {
  CHECK(hyper_sf(2, 5, 2, 205) == Approx(4.782401e-04).epsilon(1e-6));
  CHECK(hyper_sf(5, 5, 5, 55) == Approx(2.874587e-07).epsilon(1e-6));
  CHECK(hyper_sf(1, 5, 40, 205) == Approx(6.662442e-01).epsilon(1e-6));
  CHECK(hyper_sf(3, 20, 5, 220) == Approx(5.769683e-03).epsilon(1e-6));
  struct Vector {
    std::uint64_t failed;
    std::uint64_t ended;
    double evidence;
  };
  // The page gives them in six digits or as many as the number has.
  for (const Vector& v :
       {Vector{0, 5, 1.0 / 6}, Vector{1, 5, 1.2 + 19.0 / 30}, Vector{2, 5, 45.0 + 1.0 / 6},
        Vector{2, 2, 850 + 1.0 / 3}, Vector{3, 5, 2213.5}, Vector{3, 6, 968}, Vector{3, 8, 279.972},
        Vector{5, 100, 0.281199}, Vector{10, 100, 351.155}}) {
    INFO(v.failed << " of " << v.ended);
    CHECK(failure_evidence(v.failed, v.ended, 0.02) == Approx(v.evidence).epsilon(2e-6));
  }
}

TEST_CASE("2 of 2, 3 of 6, 4 of 14, 5 of 23 and 10 of 96 failures halt, one more update does not",
          "[rollout][vectors]") {
  struct Border {
    std::uint64_t failed;
    std::uint64_t ended;
  };
  for (const Border& border :
       {Border{2, 2}, Border{3, 6}, Border{4, 14}, Border{5, 23}, Border{10, 96}}) {
    INFO(border.failed << " of " << border.ended);
    CHECK(failure_evidence(border.failed, border.ended, 0.02) >= 500);
    CHECK(failures_that_halt(border.ended, 0.02, 500) == border.failed);
    CHECK(failures_that_halt(border.ended + 1, 0.02, 500) == border.failed + 1);
  }
  CHECK(failures_that_halt(1, 0.02, 500) == 2);
}

TEST_CASE("an outcome's tail sums to one, and falls with each further bad one",
          "[rollout][property]") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t total = 1 + random() % 400;
    const std::uint64_t drawn = random() % (total + 1);
    const std::uint64_t bad = random() % (total + 1);
    double before = 1;
    for (std::uint64_t k = 0; k <= drawn + 1; ++k) {
      const double p = hyper_sf(k, drawn, bad, total);
      INFO(k << " of " << drawn << ", " << bad << " of " << total);
      REQUIRE(p >= 0);
      REQUIRE(p <= before + 1e-9);
      before = p;
    }
    REQUIRE(before == 0);
    // Drawn and bad are two names for a choice of the same devices.
    const std::uint64_t k = random() % (drawn + 1);
    REQUIRE(hyper_sf(k, drawn, bad, total) ==
            Approx(hyper_sf(k, bad, drawn, total)).epsilon(1e-8).margin(1e-300));
    const std::uint64_t least = drawn + bad > total ? drawn + bad - total : 0;
    REQUIRE(hyper_sf(least, drawn, bad, total) == 1);
    REQUIRE(hyper_sf(least + 1, drawn, bad, total) < 1 + 1e-12);
  }
}

TEST_CASE("evidence grows with a failure, falls with a success, and asks for more of a worse rate",
          "[rollout][property]") {
  std::mt19937_64 random(13);
  for (int round = 0; round < 2000; ++round) {
    const std::uint64_t ended = 1 + random() % 500;
    const std::uint64_t failed = random() % std::min<std::uint64_t>(ended, 60);
    const double rate = 0.005 + static_cast<double>(random() % 100) / 1000;
    const double here = failure_evidence(failed, ended, rate);
    REQUIRE(failure_evidence(failed + 1, ended + 1, rate) > here);
    REQUIRE(failure_evidence(failed, ended + 1, rate) < here);
    REQUIRE(failure_evidence(failed, ended, rate * 1.5) < here * (1 + 1e-12));
    // What makes it a martingale at the acceptable rate: the next update is worth nothing on average.
    const double next = rate * failure_evidence(failed + 1, ended + 1, rate) +
                        (1 - rate) * failure_evidence(failed, ended + 1, rate);
    REQUIRE(next == Approx(here).epsilon(1e-9));
  }
}

TEST_CASE("the evidence of nothing but failures is a number however many they are", "[rollout]") {
  CHECK(std::isfinite(failure_evidence(100'000, 100'000, 0.001)));
  CHECK(failure_evidence(0, 0, 0.02) == 1);
}

TEST_CASE("of 100,000 sequences at the acceptable rate at most 0.2 % ever reach 500",
          "[rollout][ville]") {
  constexpr int kSequences = 100'000;
  constexpr std::uint64_t kUpdates = 500;
  std::vector<std::uint64_t> halts_at(kUpdates + 1);  // failures that halt, by how many ended
  for (std::uint64_t ended = 1; ended <= kUpdates; ++ended)
    halts_at[ended] = failures_that_halt(ended, 0.02, 500);
  const std::uint64_t seed = 20261130;
  INFO("seed " << seed);
  std::mt19937_64 random(seed);
  std::geometric_distribution<std::uint64_t> successes(0.02);
  int reached = 0;
  for (int i = 0; i < kSequences; ++i) {
    std::uint64_t failed = 0;
    // Evidence only grows at a failure, so it is asked there.
    for (std::uint64_t ended = successes(random) + 1; ended <= kUpdates;
         ended += successes(random) + 1) {
      if (++failed < halts_at[ended]) continue;
      ++reached;
      break;
    }
  }
  CHECK(reached <= kSequences * 2 / 1000);
  CHECK(reached > 0);  // it is a bound that is nearly met, so none at all would be a fault as well
}
