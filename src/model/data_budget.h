// How many bytes a device may fetch for updates in any 24 hours, and what it has fetched.
//
// What counts is what the server gave to the device's connection of images, patches and packed
// images: retries, and what led to nothing, as well. Metadata, telemetry and TLS do not count.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace ota::model {

inline constexpr std::uint64_t kMostBytesPerDay = 1'000'000'000'000;
inline constexpr std::chrono::hours kBudgetSpan{24};

// config/ota_settings.json, data_budget. Everywhere 0: no budget.
struct DataBudget {
  std::uint64_t bytes_per_day = 0;  // of a device that is not named, in a group that is not
  std::map<std::string, std::uint64_t, std::less<>> groups;   // of each device of the group
  std::map<std::string, std::uint64_t, std::less<>> devices;  // before its group's

  // The device's own, else its group's, else that of all. 0: none.
  std::uint64_t limit_for(std::string_view device, std::string_view group) const;
  bool operator==(const DataBudget&) const = default;
};

// Bytes that a device has fetched, up to `at`.
struct Fetched {
  WallTime at;
  std::uint64_t bytes = 0;
  bool operator==(const Fetched&) const = default;
};

// A clock that was set back leaves nothing ahead of it: what is of later than `now` is of now.
void leave_none_ahead(std::vector<Fetched>& list, WallTime now);

// Takes `bytes` that were fetched by `now` into the list, which is kept for kBudgetSpan and by
// quarters of an hour: at most 98 entries, oldest first.
void add_fetched(std::vector<Fetched>& list, std::uint64_t bytes, WallTime now);

// What of the list was fetched in the kBudgetSpan before `now`. What is of later than now, by a clock
// that was set back, counts as of now.
std::uint64_t fetched_within(std::span<const Fetched> list, WallTime now);

// When `planned` bytes more are within `limit`: `now` where they are already; none where the passing
// of time cannot bring that. `rest`: fetched just now, and not in the list yet.
std::optional<WallTime> fits_at(std::span<const Fetched> list, std::uint64_t rest,
                                std::uint64_t planned, std::uint64_t limit, WallTime now);

void to_json(nlohmann::json& out, const Fetched& fetched);
void from_json(const nlohmann::json& in, Fetched& fetched);

}  // namespace ota::model
