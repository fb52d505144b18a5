#include "model/data_budget.h"

#include <algorithm>

#include "base/json_numbers.h"
#include "model/time_json.h"

namespace ota::model {
namespace {

constexpr std::chrono::minutes kQuarter{15};

WallTime leaves_at(const Fetched& fetched, WallTime now) {
  return std::min(fetched.at, now) + kBudgetSpan;
}

}  // namespace

std::uint64_t DataBudget::limit_for(std::string_view device, std::string_view group) const {
  if (const auto own = devices.find(device); own != devices.end()) return own->second;
  if (const auto of_group = groups.find(group); of_group != groups.end()) return of_group->second;
  return bytes_per_day;
}

void leave_none_ahead(std::vector<Fetched>& list, WallTime now) {
  for (Fetched& fetched : list)
    fetched.at = std::min(fetched.at, now);
}

void add_fetched(std::vector<Fetched>& list, std::uint64_t bytes, WallTime now) {
  if (bytes == 0) return;
  leave_none_ahead(list, now);
  std::erase_if(list, [&](const Fetched& fetched) { return leaves_at(fetched, now) <= now; });
  const auto quarter = [](WallTime at) {
    return std::chrono::floor<std::chrono::minutes>(at).time_since_epoch() / kQuarter;
  };
  if (list.empty() || quarter(list.back().at) != quarter(now)) list.push_back({now, 0});
  list.back().at = now;
  list.back().bytes += bytes;
}

std::uint64_t fetched_within(std::span<const Fetched> list, WallTime now) {
  std::uint64_t sum = 0;
  for (const Fetched& fetched : list) {
    if (leaves_at(fetched, now) > now) sum += fetched.bytes;
  }
  return sum;
}

std::optional<WallTime> fits_at(std::span<const Fetched> list, std::uint64_t rest,
                                std::uint64_t planned, std::uint64_t limit, WallTime now) {
  std::uint64_t used = fetched_within(list, now) + rest;
  if (used + planned <= limit) return now;
  for (const Fetched& fetched : list) {
    if (leaves_at(fetched, now) <= now) continue;
    used -= fetched.bytes;
    if (used + planned <= limit) return leaves_at(fetched, now);
  }
  if (planned > limit || rest == 0) return std::nullopt;
  return now + kBudgetSpan;
}

void to_json(nlohmann::json& out, const Fetched& fetched) {
  out = nlohmann::json{{"at", time_json(fetched.at)}, {"bytes", fetched.bytes}};
}
void from_json(const nlohmann::json& in, Fetched& fetched) {
  fetched.at = time_at(in, "at");
  in.at("bytes").get_to(fetched.bytes);
}

}  // namespace ota::model
