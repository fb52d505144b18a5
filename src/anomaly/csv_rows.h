// Telemetry out of a CSV file, one row at a time: a `timestamp` column and any numeric columns.
//
// A bad row is an Error and the reader goes on with the next one; only a bad header ends it. Lines
// are bounded before they are kept, so a file of any size or kind costs a fixed amount of memory.
//
// Stamps: RFC 3339, the same with a blank for the T and without a zone (taken as UTC), with or
// without seconds, or seconds since 1970. Fields may stand in double quotes. An empty field is a
// metric that this row lacks. Thread: one.
#pragma once

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
  // The row that was read last, or failed: the header is line 1.
  std::size_t line() const { return line_; }
  // The next row into `row`; false at the end. Blank lines are passed over. kInvalid or kLimit name
  // the line and the field.
  Result<bool> next(CsvRow& row);

 private:
  explicit CsvRows(std::istream& in) : in_(&in) {}
  enum class Read { kLine, kTooLong, kEnd };
  Read read_line();

  std::istream* in_;
  std::string text_;
  std::size_t line_ = 0;
  std::size_t stamp_column_ = 0;
  std::vector<std::string> columns_;
};

Result<WallTime> parse_stamp(std::string_view text);

}  // namespace ota::anomaly
