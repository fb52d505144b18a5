// The stored history: one summary a minute of each device that reported, and its place in the
// store.
//
//   {"samples":60,"refused":0,"level":"stable","score":0.12,"cpu":[low,mean,high],
//    "extra":{"load1":[low,mean,high]}}
//
// A row holds the same minute of all devices of a block, of which there are 1,024: a row of its own
// for each device would write a page of the database for each, of a large fleet some 400 MB a
// minute.
//
//   minutes / ~2af/2026-08-20T14:03/019236b2d1c0 = {"iot-001":{...},"iot-007":{...}}
//
// The last part is when it was written, so that a second row of the minute takes nothing from the
// first. Members that a summary lacks get their defaults. What programs before this layout stored,
// a row for each device and minute (minutes / iot-001/2026-08-20T14:03), is read too.
// Thread: any, but for read_minutes, which blocks on the store.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
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
struct Put;
}  // namespace ota::store

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

Json minute_document(const Minute& minute);
// kInvalid where it is none of ours.
Result<Minute> parse_minute(WallTime at, const Json& document);

// A minute that is over, on its way to the store.
struct FinishedMinute {
  std::string device;
  WallTime at;
  std::string document;  // JSON text
};
// The rows for these, in the order of their keys.
std::vector<store::Put> minute_rows(std::span<const FinishedMinute> finished, WallTime now);
// What the keys of stored minutes begin with, for these devices and for all blocks: see
// store::expired_minutes().
std::vector<std::string> minute_blocks();

// Its lowest, mean and highest reading of each metric as points of a graph, twenty seconds apart.
void append_points(const Minute& minute, std::vector<HistoryPoint>& points);

// Minutes of a device that begin in [from, to), oldest first, at most `limit`. Errors: the store's;
// a document that cannot be read is passed over.
Result<std::vector<Minute>> read_minutes(store::Store& store, const std::string& device,
                                         WallTime from, WallTime to, std::size_t limit);

}  // namespace ota::fleet
