#include "store/retention.h"

namespace ota::store {

Batch expired_minutes(const std::vector<std::string>& owners, WallTime before) {
  constexpr std::size_t kToTheMinute = 16;  // "2026-08-20T14:03"
  const std::string minute = format_rfc3339(before, Fraction::kNone).substr(0, kToTheMinute);
  Batch batch;
  batch.ranges.reserve(owners.size());
  for (const std::string& owner : owners) {
    const std::string first = owner + '/';
    std::string last = first;
    last += minute;
    batch.ranges.push_back({"minutes", first, last});
  }
  return batch;
}

}  // namespace ota::store
