// The stored history: one summary a minute of each device that reported, and its place in the
// store.
//
//   minutes / iot-001/2026-08-20T14:03 =
//   {"samples":60,"refused":0,"level":"stable","score":0.12,"cpu":[low,mean,high],
//    "extra":{"load1":[low,mean,high]}}
//
// Members that a document lacks get their defaults: minutes of an older program are read too.
// Thread: any, but for read_minutes, which blocks on the store.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "fleet/snapshot.h"
#include "model/telemetry.h"
#include "model/verdict.h"

namespace ota::store {
class Store;
}

namespace ota::fleet {

inline constexpr std::string_view kMinutes = "minutes";

struct MinuteRange {
  double low = 0;
  double mean = 0;
  double high = 0;
};

struct Minute {
  WallTime at;  // its beginning
  std::uint32_t samples = 0;
  std::uint32_t refused = 0;
  model::Level level = model::Level::kUnknown;  // the worst of it
  double score = 0;                             // the highest of it
  std::array<std::optional<MinuteRange>, model::kMetricCount> values;
  std::vector<std::pair<std::string, MinuteRange>> extra;
};

// Sorts by device, then by time.
std::string minute_key(const std::string& device, WallTime at);
Json minute_document(const Minute& minute);
// kInvalid where key or document are none of ours.
Result<Minute> parse_minute(std::string_view key, const Json& document);

// Its lowest, mean and highest reading of each metric as points of a graph, twenty seconds apart.
void append_points(const Minute& minute, std::vector<HistoryPoint>& points);

// Minutes of a device that begin in [from, to), oldest first, at most `limit`. Errors: the store's;
// a document that cannot be read is passed over.
Result<std::vector<Minute>> read_minutes(store::Store& store, const std::string& device,
                                         WallTime from, WallTime to, std::size_t limit);

}  // namespace ota::fleet
