// Maintenance windows: when devices of a group may be updated. All times are UTC, so that a window
// lasts as long on the nights on which clocks are changed as on every other.
//
// Pure; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace ota::model {

using std::chrono::minutes;

inline constexpr std::uint8_t kEveryDay = 0x7f;
inline constexpr minutes kWholeDay{24 * 60};

struct MaintenanceWindow {
  std::string name;                 // as said to operators
  std::vector<std::string> groups;  // none: every group
  std::uint8_t days = kEveryDay;    // bit 0 Monday to bit 6 Sunday: the days on which it opens
  minutes opens{0};                 // after midnight, under kWholeDay
  minutes length = kWholeDay;       // 1 minute to kWholeDay; may end on the next day
  bool operator==(const MaintenanceWindow&) const = default;
};

// What the windows of a group say at one instant.
struct WindowState {
  bool open = false;
  std::string name;  // of the window that is open, else of the one that opens next
  WallTime until;    // when it closes, else when the next one opens
};

// None: no window names the group, so that it may be updated at any time. Windows that touch or
// overlap count as one; one that never closes is given as open for a week ahead.
std::optional<WindowState> window_state(std::span<const MaintenanceWindow> windows,
                                        std::string_view group, WallTime now);

// "mon" to "sun" as a bit of MaintenanceWindow::days; "02:30" as minutes after midnight.
std::optional<std::uint8_t> parse_weekday(std::string_view text);
std::optional<minutes> parse_time_of_day(std::string_view text);

}  // namespace ota::model
