// Telemetry out of a CSV file, one row at a time: a `timestamp` column and any numeric columns.
//
// A bad row is an Error and the reader goes on with the next one; only a bad header ends it. Lines
// are bounded before they are kept, so a file of any size or kind costs a fixed amount of memory.
//
// Fields are parted by commas, semicolons or tabs, whichever the header has most of; a number's
// point is a point in each.
//
// Stamps: RFC 3339, the same with a blank for the T, slashes for the dashes, any zone or none
// (taken as UTC), with or without seconds or the time of day; or seconds, milli-, micro- or
// nanoseconds since 1970, told apart by their size. Fields may stand in double quotes. An empty
// field is a metric that this row lacks.
//
// A column that has never held a number (a host's name) is no metric: what stands there is passed
// over and told once. Once it held one, whatever is no number is a bad row. Thread: one.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace ota::anomaly {

inline constexpr std::size_t kLongestLine = 65536;
inline constexpr std::size_t kMostColumns = 256;

struct CsvRow {
  std::string_view stamp;  // as written; until the next call
  WallTime at;
  std::vector<std::optional<double>> values;  // in the order of CsvRows::columns()
};

class CsvRows {
 public:
  // Reads the header. kInvalid: no timestamp, no other column, a repeated name; kLimit: too long.
  static Result<CsvRows> open(std::istream& in);

  const std::vector<std::string>& columns() const { return columns_; }
  // What there is to tell of the row that was read last, though it is a good one; else empty.
  const std::string& notice() const { return notice_; }
  // The row that was read last, or failed: the header is line 1.
  std::size_t line() const { return line_; }
  // The next row into `row`; false at the end. Blank lines are passed over. kInvalid or kLimit name
  // the line and the field.
  Result<bool> next(CsvRow& row);

 private:
  explicit CsvRows(std::istream& in) : in_(&in) {}
  enum class Read { kLine, kTooLong, kEnd };
  Read read_line();
  Result<void> take_field(std::size_t index, std::string_view field, CsvRow& row);
  std::string where() const;

  std::istream* in_;
  char separator_ = ',';
  std::string text_;
  std::size_t line_ = 0;
  std::size_t stamp_column_ = 0;
  std::vector<std::string> columns_;
  enum class Kind : std::uint8_t { kUnseen, kText, kNumber };
  std::vector<Kind> kinds_;  // of each column, by what it held so far
  std::string notice_;
};

Result<WallTime> parse_stamp(std::string_view text);

}  // namespace ota::anomaly
