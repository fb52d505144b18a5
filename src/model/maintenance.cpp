#include "model/maintenance.h"

#include <algorithm>
#include <array>

namespace ota::model {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr days kWeek{7};

bool names(const MaintenanceWindow& window, std::string_view group) {
  return window.groups.empty() ||
         std::find(window.groups.begin(), window.groups.end(), group) != window.groups.end();
}

bool opens_on(const MaintenanceWindow& window, sys_days day) {
  const std::chrono::weekday weekday{day};
  return (window.days >> (weekday.iso_encoding() - 1) & 1U) != 0;
}

// When the window that is open at `now` closes; none where it is shut. One that opened yesterday
// may still be open.
std::optional<WallTime> closes_at(const MaintenanceWindow& window, WallTime now) {
  const auto today = std::chrono::floor<days>(now);
  for (const sys_days day : {today, today - days(1)}) {
    if (!opens_on(window, day)) continue;
    const WallTime opening = day + window.opens;
    if (opening <= now && now < opening + window.length) return opening + window.length;
  }
  return std::nullopt;
}

// The first opening after `now`; none for a window without days.
std::optional<WallTime> opens_after(const MaintenanceWindow& window, WallTime now) {
  const auto today = std::chrono::floor<days>(now);
  for (sys_days day = today; day <= today + kWeek; day += days(1)) {
    if (opens_on(window, day) && day + window.opens > now) return day + window.opens;
  }
  return std::nullopt;
}

}  // namespace

std::optional<WindowState> window_state(std::span<const MaintenanceWindow> windows,
                                        std::string_view group, WallTime now) {
  std::optional<WindowState> state;
  // Each round goes on from the end found so far, into a window that is open by then.
  WallTime end = now;
  for (bool grown = true; grown && end < now + kWeek;) {
    grown = false;
    for (const MaintenanceWindow& window : windows) {
      if (!names(window, group)) continue;
      if (!state) state.emplace();
      const auto close = closes_at(window, end);
      if (!close || *close <= end) continue;
      if (!state->open) state->name = window.name;
      state->open = true;
      end = *close;
      grown = true;
    }
  }
  if (!state) return std::nullopt;
  state->until = end;
  if (state->open) return state;
  std::optional<WallTime> next;
  for (const MaintenanceWindow& window : windows) {
    if (!names(window, group)) continue;
    const auto opening = opens_after(window, now);
    if (!opening || (next && *next <= *opening)) continue;
    next = opening;
    state->name = window.name;
  }
  state->until = next.value_or(now + kWeek);
  return state;
}

std::optional<std::uint8_t> parse_weekday(std::string_view text) {
  constexpr std::array<std::string_view, 7> kDays{"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  const auto found = std::find(kDays.begin(), kDays.end(), text);
  if (found == kDays.end()) return std::nullopt;
  return static_cast<std::uint8_t>(1U << (found - kDays.begin()));
}

std::optional<minutes> parse_time_of_day(std::string_view text) {
  const auto digit = [&](std::size_t at) { return text[at] - '0'; };
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  for (const std::size_t at : {0U, 1U, 3U, 4U}) {
    if (text[at] < '0' || text[at] > '9') return std::nullopt;
  }
  const minutes found{(digit(0) * 10 + digit(1)) * 60 + digit(3) * 10 + digit(4)};
  if (digit(3) > 5 || found >= kWholeDay) return std::nullopt;
  return found;
}

}  // namespace ota::model
