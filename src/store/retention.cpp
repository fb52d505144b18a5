#include "store/retention.h"

#include <algorithm>

#include "audit/tile_tree.h"
#include "base/json.h"
#include "store/event_document.h"

namespace ota::store {
namespace {

using audit::kTileWidth;

constexpr std::uint64_t kBundlesAtOnce = 64;

// Up to where the log says that events leave.
Result<std::uint64_t> announced(Store& store) {
  const auto said =
      store.events({.limit = 1, .kind_prefix = std::string(kLogRetired), .newest_first = true});
  if (!said) return said.error();
  if (said->empty() || !said->front().data.is_object()) return 0;
  return said->front().data.value("until", std::uint64_t{0});
}

}  // namespace

Result<RetirementStep> next_retirement(Store& store, const Retention& retention, WallTime now) {
  RetirementStep step;
  const auto oldest = store.entries(0, 1);
  if (!oldest) return oldest.error();
  if (oldest->empty()) return step;
  step.first = oldest->front().seq;
  const auto said = announced(store);
  if (!said) return said.error();
  const std::uint64_t size = store.last_event();
  const std::uint64_t begin = (step.first - 1) / kTileWidth * kTileWidth;
  const std::uint64_t most = begin + kBundlesAtOnce * kTileWidth;
  if (*said >= step.first) {
    step.retire_until = std::min(*said, most);
    return step;
  }
  for (std::uint64_t end = begin + kTileWidth; end <= std::min(size, most); end += kTileWidth) {
    const auto last = store.entries(end - 1, 1);
    if (!last) return last.error();
    if (last->empty()) break;
    const WallTime at = event_of(end, last->front().document).at;
    const bool old = at != WallTime{} && at < now - retention.keep_for;
    const bool too_many = size - (end - kTileWidth) > retention.keep_most;
    if (!old && !too_many) break;
    step.announce_until = end;
  }
  return step;
}

}  // namespace ota::store
