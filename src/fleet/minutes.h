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
// The last part grows with each writing, so that a second row of the minute takes nothing from the
// first, and comes after it. Members that a summary lacks get their defaults. What programs before
// this layout stored, a row for each device and minute (minutes / iot-001/2026-08-20T14:03), is
// read too. Thread: any, but for read_minutes, which blocks on the store.
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
struct Batch;
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
// The rows for these, in the order of their keys. `writing` is larger each time: the Unix time in
// milliseconds, but for a clock that was set back.
std::vector<store::Put> minute_rows(std::span<const FinishedMinute> finished,
                                    std::uint64_t writing);
// What the keys of all blocks' rows begin with: owners for expired_minutes().
std::vector<std::string> minute_blocks();
// Takes out the minutes of these owners (blocks, or devices with rows of before) that are older
// than `before`. One range an owner: cheap to call often, and many may be cut into several batches,
// so that the writer is never held up.
store::Batch expired_minutes(const std::vector<std::string>& owners, WallTime before);

// Its lowest, mean and highest reading of each metric as points of a graph, twenty seconds apart.
void append_points(const Minute& minute, std::vector<HistoryPoint>& points);

struct MinutePage {
  std::vector<Minute> minutes;   // oldest first
  std::optional<WallTime> next;  // where to go on; none: that was all
};
// Minutes of a device that begin in [from, to), at most `limit` (1 or more). A page may have fewer
// and still a next one, also none at all: a read looks at 4,096 rows, and others' may be among
// them. Errors: the store's; a summary that cannot be read is passed over.
Result<MinutePage> read_minutes(store::Store& store, const std::string& device, WallTime from,
                                WallTime to, std::size_t limit);
// All pages.
Result<std::vector<Minute>> read_all_minutes(store::Store& store, const std::string& device,
                                             WallTime from, WallTime to);

}  // namespace ota::fleet
