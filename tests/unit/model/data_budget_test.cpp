#include "model/data_budget.h"

#include <random>

#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/support/start_time.h"

using namespace ota;
using model::DataBudget;
using model::Fetched;
using std::chrono::hours;
using std::chrono::minutes;
using test::kStart;

TEST_CASE("a device's own budget stands before its group's, and that before the one of all",
          "[model]") {
  DataBudget budget;
  CHECK(budget.limit_for("iot-001", "roof") == 0);
  budget.bytes_per_day = 100;
  budget.groups["roof"] = 50;
  budget.devices["iot-001"] = 10;
  budget.devices["iot-002"] = 0;
  CHECK(budget.limit_for("iot-001", "roof") == 10);
  CHECK(budget.limit_for("iot-002", "roof") == 0);
  CHECK(budget.limit_for("iot-003", "roof") == 50);
  CHECK(budget.limit_for("iot-003", "floor") == 100);
}

TEST_CASE("what was fetched counts for a day, to the second", "[model]") {
  std::vector<Fetched> list;
  model::add_fetched(list, 60, kStart);
  model::add_fetched(list, 30, kStart + hours(2));
  CHECK(model::fetched_within(list, kStart + hours(24) - seconds(1)) == 90);
  CHECK(model::fetched_within(list, kStart + hours(24)) == 30);
  CHECK(model::fetched_within(list, kStart + hours(26)) == 0);

  const WallTime now = kStart + hours(3);
  CHECK(model::fits_at(list, 0, 10, 100, now) == now);
  CHECK(model::fits_at(list, 0, 11, 100, now) == kStart + hours(24));
  CHECK(model::fits_at(list, 0, 71, 100, now) == kStart + hours(26));
  CHECK(model::fits_at(list, 5, 98, 100, now) == now + hours(24));  // what came just now too
  CHECK(model::fits_at(list, 0, 101, 100, now) == std::nullopt);
}

TEST_CASE("a clock that is set back makes nothing count for longer than a day", "[model]") {
  std::vector<Fetched> list;
  model::add_fetched(list, 60, kStart + hours(1000));
  CHECK(model::fetched_within(list, kStart) == 60);
  CHECK(model::fits_at(list, 0, 50, 100, kStart) == kStart + hours(24));
  model::add_fetched(list, 1, kStart);
  CHECK(model::fetched_within(list, kStart + hours(24)) == 0);
}

TEST_CASE("over random downloads the list counts no less than the truth, and stays short",
          "[model]") {
  std::mt19937 random(20261130);
  for (int round = 0; round < 50; ++round) {
    INFO("round " << round);
    std::vector<Fetched> list;
    std::vector<Fetched> truth;
    WallTime now = kStart;
    const auto pace = 1 + random() % 4000;
    for (int i = 0; i < 400; ++i) {
      now += seconds(1 + random() % pace);
      const std::uint64_t bytes = random() % 1000;
      model::add_fetched(list, bytes, now);
      truth.push_back({now, bytes});
      std::uint64_t least = 0;
      std::uint64_t most = 0;
      for (const Fetched& one : truth) {
        if (one.at + hours(24) > now) least += one.bytes;
        // Bytes stay with the last ones of their quarter of an hour.
        if (one.at + hours(24) + minutes(15) > now) most += one.bytes;
      }
      const std::uint64_t counted = model::fetched_within(list, now);
      REQUIRE(counted >= least);
      REQUIRE(counted <= most);
      REQUIRE(list.size() <= 98);
      if (const auto fits = model::fits_at(list, 0, 10, 500, now)) {
        REQUIRE(model::fetched_within(list, *fits) + 10 <= 500);
        if (*fits > now) {
          REQUIRE(model::fetched_within(list, *fits - milliseconds(1)) + 10 > 500);
        }
      }
    }
  }
}

TEST_CASE("what was fetched is written and read again", "[model]") {
  const std::vector<Fetched> list{{kStart, 60}, {kStart + hours(1), 5'000'000'000}};
  CHECK(Json(list).get<std::vector<Fetched>>() == list);
}
