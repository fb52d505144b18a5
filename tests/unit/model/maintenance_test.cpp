#include "model/maintenance.h"

#include "tests/support/catch.h"

using namespace ota;
using model::MaintenanceWindow;
using model::minutes;
using model::window_state;

namespace {

WallTime at(const char* text) {
  return *parse_rfc3339(text);
}

// Saturday and Sunday, 22:00 to 02:00 of the next day.
MaintenanceWindow weekend_night() {
  return {"nights", {"floor"}, 0x60, minutes(22 * 60), minutes(4 * 60)};
}

}  // namespace

TEST_CASE("a group that no window names has none", "[maintenance]") {
  CHECK_FALSE(window_state({}, "floor", at("2026-11-28T23:00:00Z")));
  const std::vector<MaintenanceWindow> windows{weekend_night()};
  CHECK_FALSE(window_state(windows, "roof", at("2026-11-28T23:00:00Z")));
}

TEST_CASE("a window opens on its days and may close on the next", "[maintenance]") {
  const std::vector<MaintenanceWindow> windows{weekend_night()};
  struct Case {
    const char* now;
    bool open;
    const char* until;
  };
  // 2026-11-28 is a Saturday.
  for (const Case& expected : {
           Case{"2026-11-27T23:00:00Z", false, "2026-11-28T22:00:00Z"},
           Case{"2026-11-28T21:59:59.999Z", false, "2026-11-28T22:00:00Z"},
           Case{"2026-11-28T22:00:00Z", true, "2026-11-29T02:00:00Z"},
           Case{"2026-11-29T01:59:59Z", true, "2026-11-29T02:00:00Z"},
           Case{"2026-11-29T02:00:00Z", false, "2026-11-29T22:00:00Z"},
           Case{"2026-11-30T01:00:00Z", true, "2026-11-30T02:00:00Z"},
           Case{"2026-11-30T02:00:00Z", false, "2026-12-05T22:00:00Z"},
       }) {
    INFO(expected.now);
    const auto state = window_state(windows, "floor", at(expected.now));
    REQUIRE(state);
    CHECK(state->open == expected.open);
    CHECK(state->until == at(expected.until));
    CHECK(state->name == "nights");
  }
}

TEST_CASE("windows that touch count as one, and the next to open is named", "[maintenance]") {
  const std::vector<MaintenanceWindow> windows{
      {"late", {}, model::kEveryDay, minutes(3 * 60), minutes(60)},
      {"early", {}, model::kEveryDay, minutes(60), minutes(120)},
      {"roofs", {"roof"}, model::kEveryDay, minutes(0), minutes(60)}};
  const auto open = window_state(windows, "floor", at("2026-11-28T01:30:00Z"));
  REQUIRE(open);
  CHECK(open->open);
  CHECK(open->name == "early");
  CHECK(open->until == at("2026-11-28T04:00:00Z"));
  const auto shut = window_state(windows, "floor", at("2026-11-28T00:30:00Z"));
  REQUIRE(shut);
  CHECK_FALSE(shut->open);
  CHECK(shut->name == "early");
  CHECK(shut->until == at("2026-11-28T01:00:00Z"));
}

TEST_CASE("a window that never closes is open for a week ahead", "[maintenance]") {
  const std::vector<MaintenanceWindow> windows{
      {"always", {}, model::kEveryDay, minutes(0), model::kWholeDay}};
  const WallTime now = at("2026-11-28T12:00:00Z");
  const auto state = window_state(windows, "floor", now);
  REQUIRE(state);
  CHECK(state->open);
  CHECK(state->until >= now + std::chrono::days(6));
}

TEST_CASE("weekdays and times of day are read strictly", "[maintenance]") {
  CHECK(model::parse_weekday("mon") == std::uint8_t{1});
  CHECK(model::parse_weekday("sun") == std::uint8_t{64});
  CHECK_FALSE(model::parse_weekday("Mon"));
  CHECK(model::parse_time_of_day("00:00") == minutes(0));
  CHECK(model::parse_time_of_day("23:59") == minutes(24 * 60 - 1));
  for (const char* wrong : {"", "2:30", "24:00", "12:60", "12-30", "1a:00", "12:30 "}) {
    INFO(wrong);
    CHECK_FALSE(model::parse_time_of_day(wrong));
  }
}
