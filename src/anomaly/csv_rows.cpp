#include "anomaly/csv_rows.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <istream>

#include "base/text.h"

namespace ota::anomaly {
namespace {

std::string_view trimmed(std::string_view field) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
  while (!field.empty() && blank(field.front()))
    field.remove_prefix(1);
  while (!field.empty() && blank(field.back()))
    field.remove_suffix(1);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"') {
    field.remove_prefix(1);
    field.remove_suffix(1);
  }
  return field;
}

// Calls `take(index, field)` for each field until it returns an error; returns how many there were.
template <class Take>
Result<std::size_t> each_field(std::string_view line, Take take) {
  std::size_t index = 0;
  for (std::size_t start = 0;; ++index) {
    const std::size_t comma = line.find(',', start);
    const std::size_t length = comma == std::string_view::npos ? comma : comma - start;
    if (auto taken = take(index, trimmed(line.substr(start, length))); !taken) {
      return taken.error();
    }
    if (comma == std::string_view::npos) return index + 1;
    start = comma + 1;
  }
}

std::optional<double> parse_number(std::string_view field) {
  if (!field.empty() && field.front() == '+') field.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (problem != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

bool is_stamp_name(std::string_view name) {
  constexpr std::string_view kName = "timestamp";
  return name.size() == kName.size() && std::equal(name.begin(), name.end(), kName.begin(),
                                                   [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

Result<WallTime> parse_stamp(std::string_view text) {
  constexpr double kLastSecond = 253402300799.0;  // 9999-12-31
  if (const auto number = parse_number(text)) {
    if (*number < 0 || *number > kLastSecond) return fail(Errc::kInvalid, "a time out of range");
    return WallTime(milliseconds(std::llround(*number * 1000)));
  }
  constexpr std::size_t kDate = 10;     // "2014-04-10"
  constexpr std::size_t kMinutes = 16;  // "2014-04-10 16:15"
  constexpr std::size_t kLongest = 40;
  if (text.size() < kMinutes || text.size() > kLongest) {
    return fail(Errc::kInvalid, "not a time");
  }
  std::string full(text);
  if (full[kDate] == ' ') full[kDate] = 'T';
  if (full.size() == kMinutes) full += ":00";
  const bool zoned = full.back() == 'Z' || full.back() == 'z' ||
                     full.find_first_of("+-", kMinutes) != std::string::npos;
  return parse_rfc3339(zoned ? full : full + "Z");
}

CsvRows::Read CsvRows::read_line() {
  text_.clear();
  std::streambuf& from = *in_->rdbuf();
  bool too_long = false;
  for (;;) {
    const int next = from.sbumpc();
    if (next == std::char_traits<char>::eof()) {
      if (text_.empty() && !too_long) return Read::kEnd;
      break;
    }
    if (next == '\n') break;
    if (text_.size() == kLongestLine) {
      too_long = true;
    } else {
      text_.push_back(static_cast<char>(next));
    }
  }
  ++line_;
  return too_long ? Read::kTooLong : Read::kLine;
}

Result<CsvRows> CsvRows::open(std::istream& in) {
  CsvRows rows(in);
  const Read first = rows.read_line();
  if (first == Read::kEnd) return fail(Errc::kInvalid, "the file is empty");
  if (first == Read::kTooLong) return fail(Errc::kLimit, "line 1: longer than 65536 bytes");
  std::string_view header = rows.text_;
  if (header.substr(0, 3) == "\xEF\xBB\xBF") header.remove_prefix(3);

  std::optional<std::size_t> stamp;
  const auto taken =
      each_field(header, [&](std::size_t index, std::string_view name) -> Result<void> {
        if (index > kMostColumns) return fail(Errc::kLimit, "line 1: more than 256 columns");
        if (!stamp && is_stamp_name(name)) {
          stamp = index;
          return {};
        }
        std::string shown = printable(name, 64);
        if (shown.empty()) return fail(Errc::kInvalid, "line 1: a column without a name");
        if (std::find(rows.columns_.begin(), rows.columns_.end(), shown) != rows.columns_.end()) {
          return fail(Errc::kInvalid, "line 1: two columns named '" + shown + "'");
        }
        rows.columns_.push_back(std::move(shown));
        return {};
      });
  if (!taken) return taken.error();
  if (!stamp) return fail(Errc::kInvalid, "line 1: no column named 'timestamp'");
  if (rows.columns_.empty()) return fail(Errc::kInvalid, "line 1: no column but the timestamp");
  rows.stamp_column_ = *stamp;
  return rows;
}

Result<bool> CsvRows::next(CsvRow& row) {
  const auto where = [this] { return "line " + std::to_string(line_) + ": "; };
  Read read = Read::kLine;
  do {
    read = read_line();
    if (read == Read::kEnd) return false;
    if (read == Read::kTooLong) return fail(Errc::kLimit, where() + "longer than 65536 bytes");
  } while (trimmed(text_).empty());

  row.values.assign(columns_.size(), std::nullopt);
  bool any = false;
  const auto take = [&](std::size_t index, std::string_view field) -> Result<void> {
    if (index > columns_.size()) return {};  // counted, and refused below
    if (index == stamp_column_) {
      const auto at = parse_stamp(field);
      if (!at) return fail(Errc::kInvalid, where() + "not a time: '" + printable(field, 40) + "'");
      row.stamp = field;
      row.at = *at;
      return {};
    }
    if (field.empty()) return {};
    const std::size_t column = index < stamp_column_ ? index : index - 1;
    row.values[column] = parse_number(field);
    if (!row.values[column]) {
      return fail(Errc::kInvalid,
                  where() + columns_[column] + " is not a number: '" + printable(field, 40) + "'");
    }
    any = true;
    return {};
  };
  const auto fields = each_field(text_, take);
  if (!fields) return fields.error();
  if (*fields != columns_.size() + 1) {
    return fail(Errc::kInvalid, where() + std::to_string(*fields) + " fields, not " +
                                    std::to_string(columns_.size() + 1));
  }
  if (!any) return fail(Errc::kInvalid, where() + "no value");
  return true;
}

}  // namespace ota::anomaly
