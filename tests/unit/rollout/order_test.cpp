#include "rollout/order.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "tests/support/catch.h"

using namespace ota::rollout;

namespace {

std::vector<Candidate> fleet_of(std::mt19937_64& random, std::size_t devices) {
  std::vector<Candidate> fleet;
  for (std::size_t i = 0; i < devices; ++i) {
    fleet.push_back({"dev-" + std::to_string(i),
                     std::string(1, static_cast<char>('a' + random() % 3)),
                     random() % 4 == 0 ? "1.0.0" : "1.1.0", "site-" + std::to_string(random() % 4),
                     WayBack::kYes});
  }
  return fleet;
}

}  // namespace

TEST_CASE("every beginning of the order has its part of each cell", "[rollout][order]") {
  std::mt19937_64 random(3);
  const std::vector<Candidate> fleet = fleet_of(random, 700);
  CanaryRule none;
  none.percent = 0;
  none.least = 0;
  none.per_model = 0;
  const Drawn drawn = draw_order("ro-000007", fleet, none);
  REQUIRE(drawn.order.size() == fleet.size());
  CHECK(drawn.canaries == 0);
  CHECK(std::set<std::size_t>(drawn.order.begin(), drawn.order.end()).size() == fleet.size());
  const auto cell_of = [&](std::size_t i) {
    return fleet[i].model + fleet[i].from + fleet[i].group;
  };
  std::map<std::string, double> size;
  for (std::size_t i = 0; i < fleet.size(); ++i)
    ++size[cell_of(i)];
  std::map<std::string, double> seen;
  for (std::size_t k = 0; k < fleet.size(); ++k) {
    ++seen[cell_of(drawn.order[k])];
    for (const auto& [cell, all] : size) {
      const double share = all / static_cast<double>(fleet.size());
      const double off = std::abs(seen[cell] - share * static_cast<double>(k + 1));
      // One of its own, and one of each other cell's in proportion.
      REQUIRE(off <= 1 + share * static_cast<double>(size.size()));
    }
  }
}

TEST_CASE("the order is the rollout's alone: not the list's, and another for another rollout",
          "[rollout][order]") {
  std::mt19937_64 random(5);
  const std::vector<Candidate> fleet = fleet_of(random, 200);
  std::vector<Candidate> turned(fleet.rbegin(), fleet.rend());
  const auto ids = [](const std::vector<Candidate>& list, const Drawn& drawn) {
    std::vector<std::string> out;
    for (const std::size_t i : drawn.order)
      out.push_back(list[i].id);
    return out;
  };
  const auto here = ids(fleet, draw_order("ro-000007", fleet, {}));
  CHECK(here == ids(turned, draw_order("ro-000007", turned, {})));
  CHECK(here != ids(fleet, draw_order("ro-000008", fleet, {})));
}

TEST_CASE("canaries are the largest of the three counts, four of each model that is large enough",
          "[rollout][order]") {
  const auto canaries = [](std::size_t a, std::size_t b, const CanaryRule& rule = {}) {
    std::vector<Candidate> fleet;
    for (std::size_t i = 0; i < a + b; ++i)
      fleet.push_back({"d" + std::to_string(i), i < a ? "a" : "b", "1", "", WayBack::kYes});
    const Drawn drawn = draw_order("ro-000001", fleet, rule);
    std::map<std::string, std::size_t> of_model;
    for (std::size_t i = 0; i < drawn.canaries; ++i)
      ++of_model[fleet[drawn.order[i]].model];
    return of_model;
  };
  CHECK(canaries(150, 47) == std::map<std::string, std::size_t>{{"a", 4}, {"b", 4}});
  const auto small = canaries(44, 10);
  CHECK(std::accumulate(small.begin(), small.end(), std::size_t{0},
                        [](std::size_t sum, const auto& one) { return sum + one.second; }) == 5);
  CHECK(canaries(900, 0).at("a") == 9);
  CHECK(canaries(3, 0).at("a") == 3);
  CanaryRule many;
  many.least = 20;
  const auto twenty = canaries(100, 100, many);
  CHECK(twenty.at("a") + twenty.at("b") == 20);
}

TEST_CASE("a device without a way back is a canary only where its model has no others",
          "[rollout][order]") {
  std::vector<Candidate> fleet;
  for (std::size_t i = 0; i < 60; ++i)
    fleet.push_back(
        {"a" + std::to_string(i), "a", "1", "", i < 55 ? WayBack::kNone : WayBack::kYes});
  for (std::size_t i = 0; i < 60; ++i)
    fleet.push_back({"b" + std::to_string(i), "b", "1", "", WayBack::kNone});
  const Drawn drawn = draw_order("ro-000001", fleet, {});
  CHECK(drawn.canaries == 8);
  for (std::size_t i = 0; i < drawn.canaries; ++i) {
    const Candidate& one = fleet[drawn.order[i]];
    CHECK((one.way_back == WayBack::kYes || one.model == "b"));
  }
}

TEST_CASE("each device is as likely a canary as any other of its model", "[rollout][order]") {
  std::vector<Candidate> fleet;
  for (std::size_t i = 0; i < 60; ++i)
    fleet.push_back(
        {"d" + std::to_string(i), "a", "1", i % 3 == 0 ? "east" : "west", WayBack::kYes});
  std::vector<int> times(fleet.size());
  constexpr int kRollouts = 3000;
  for (int i = 0; i < kRollouts; ++i) {
    const Drawn drawn = draw_order("ro-" + std::to_string(i), fleet, {});
    for (std::size_t k = 0; k < drawn.canaries; ++k)
      ++times[drawn.order[k]];
  }
  // 5 of 60: 250 times each, give or take five deviations of 15.
  for (const int count : times) {
    CHECK(count > 175);
    CHECK(count < 325);
  }
}
