// A recorded series through the anomaly engine: one line out for each row in.
//
//   timestamp,anomaly_score,level,reason
//   2014-04-11 09:05:00,0.531204377219,watch,value 19.8 where 88.2 +- 9.1 is usual (1 in 2100)
//
// Strictly streaming: a line depends on the rows up to its own alone, and is written before the
// next one is read. The score is that of the devices (engine.h): at or above the threshold where an
// incident begins, escalates or becomes another fault, and below it on all other rows.
// Columns named cpu, mem, disk and temp are held to the hard limits too, as long as they hold what
// a percentage or a temperature can be: bytes and counts are judged by their own past alone. A
// limit has no part in the score.
//
// Levels: stable; watch (an incident is open, or near a limit); critical (over a limit for long
// enough).
//
// No file is opened here. Thread: one.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/settings.h"

namespace ota::anomaly {

// What a bad row does: it is named and passed over, or it ends the replay.
enum class BadRows { kSkip, kStop };

// What a line gives as reasons: of what is unusual, or the score's numbers of each row as well.
enum class Reasons { kUnusual, kAll };

struct ReplayRow {
  std::string_view stamp;
  double score = 0;
  double rarity = 0;       // S
  double joint = 0;        // F
  double first_value = 0;  // of the first column that this row has
  bool alarm = false;      // the score is at or above the threshold
};

struct ReplayOptions {
  model::Thresholds thresholds;  // anomaly_score_threshold is the one that counts
  BadRows bad_rows = BadRows::kSkip;
  Reasons reasons = Reasons::kUnusual;
  std::function<void(std::string_view line)> write;        // a line of output, with its line feed
  std::function<void(std::string_view problem)> complain;  // a bad row, in words
  std::function<void(std::string_view what)> note;  // a column that is no metric; may be empty
  std::function<void(const ReplayRow&)> observe;    // may be empty
};

struct ReplaySummary {
  std::uint64_t rows = 0;
  std::uint64_t bad_rows = 0;
  std::uint64_t alarms = 0;
};

// Errors: a bad header, or with kStop the first bad row or field; what came before it has been
// written.
Result<ReplaySummary> replay(std::istream& in, const ReplayOptions& options);

}  // namespace ota::anomaly
