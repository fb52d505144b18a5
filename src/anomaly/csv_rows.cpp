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

// Where the field that begins at `start` ends: at its separator, or at the end of the line. A
// separator between double quotes is part of the field.
std::size_t field_end(std::string_view line, std::size_t start, char separator) {
  std::size_t from = start;
  const std::size_t first = line.find_first_not_of(separator == '\t' ? " " : " \t", start);
  if (first != std::string_view::npos && line[first] == '"') {
    const std::size_t closing = line.find('"', first + 1);
    if (closing != std::string_view::npos) from = closing;
  }
  return std::min(line.find(separator, from), line.size());
}

// Calls `take(index, field)` for each field until it returns an error; returns how many there were.
template <class Take>
Result<std::size_t> each_field(std::string_view line, char separator, Take take) {
  std::size_t index = 0;
  for (std::size_t start = 0;; ++index) {
    const std::size_t end = field_end(line, start, separator);
    if (auto taken = take(index, trimmed(line.substr(start, end - start))); !taken) {
      return taken.error();
    }
    if (end == line.size()) return index + 1;
    start = end + 1;
  }
}

// What parts the fields: of comma, semicolon and tab the one that the header has most of.
char separator_of(std::string_view header) {
  char best = ',';
  std::ptrdiff_t most = 0;
  for (const char candidate : {',', ';', '\t'}) {
    const std::ptrdiff_t count = std::count(header.begin(), header.end(), candidate);
    if (count <= most) continue;
    most = count;
    best = candidate;
  }
  return best;
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

// A count since 1970 by its size: seconds up to the year 9999; what is larger can only be
// thousandths, millionths or billionths of one.
Result<WallTime> time_of_count(double count) {
  constexpr double kLastSecond = 253402300799.0;  // 9999-12-31
  double second = count;
  for (int finer = 0; second > kLastSecond && finer < 3; ++finer)
    second /= 1000;
  if (second < 0 || second > kLastSecond) return fail(Errc::kInvalid, "a time out of range");
  return WallTime(milliseconds(std::llround(second * 1000)));
}

}  // namespace

Result<WallTime> parse_stamp(std::string_view text) {
  if (const auto number = parse_number(text)) return time_of_count(*number);
  constexpr std::size_t kDate = 10;     // "2014-04-10"
  constexpr std::size_t kMinutes = 16;  // "2014-04-10 16:15"
  constexpr std::size_t kLongest = 40;
  if (text.size() < kDate || text.size() > kLongest) return fail(Errc::kInvalid, "not a time");
  std::string full(text);
  if (full[4] == '/' && full[7] == '/') full[4] = full[7] = '-';
  if (full.size() == kDate) full += "T00:00";
  if (full[kDate] == ' ') full[kDate] = 'T';
  std::size_t zone = full.find_first_of("+-Zz U", std::min(kMinutes, full.size()));
  if (zone == std::string::npos) zone = full.size();
  std::string offset(trimmed(std::string_view(full).substr(zone)));
  full.resize(zone);
  if (full.size() == kMinutes) full += ":00";
  if (offset.empty() || offset == "UTC" || offset == "GMT") offset = "Z";
  constexpr std::size_t kShortOffset = 5;  // "+0200"
  if (offset.size() == kShortOffset) offset.insert(3, ":");
  return parse_rfc3339(full + offset);
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

  rows.separator_ = separator_of(header);
  std::optional<std::size_t> stamp;
  const auto taken = each_field(
      header, rows.separator_, [&](std::size_t index, std::string_view name) -> Result<void> {
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
  rows.kinds_.assign(rows.columns_.size(), Kind::kUnseen);
  return rows;
}

std::string CsvRows::where() const {
  return "line " + std::to_string(line_) + ": ";
}

Result<void> CsvRows::take_field(std::size_t index, std::string_view field, CsvRow& row) {
  if (index > columns_.size()) return {};  // counted, and refused by next()
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
  if (row.values[column]) {
    kinds_[column] = Kind::kNumber;
    return {};
  }
  const std::string problem =
      where() + columns_[column] + " is not a number: '" + printable(field, 40) + "'";
  if (kinds_[column] == Kind::kNumber) return fail(Errc::kInvalid, problem);
  if (kinds_[column] == Kind::kUnseen) notice_ = problem;
  kinds_[column] = Kind::kText;
  return {};
}

Result<bool> CsvRows::next(CsvRow& row) {
  Read read = Read::kLine;
  do {
    read = read_line();
    if (read == Read::kEnd) return false;
    if (read == Read::kTooLong) return fail(Errc::kLimit, where() + "longer than 65536 bytes");
  } while (trimmed(text_).empty());

  row.values.assign(columns_.size(), std::nullopt);
  notice_.clear();
  const auto fields = each_field(text_, separator_, [&](std::size_t index, std::string_view field) {
    return take_field(index, field, row);
  });
  if (!fields) return fields.error();
  if (*fields != columns_.size() + 1) {
    return fail(Errc::kInvalid, where() + std::to_string(*fields) + " fields, not " +
                                    std::to_string(columns_.size() + 1));
  }
  const bool any = std::any_of(row.values.begin(), row.values.end(),
                               [](const auto& value) { return value.has_value(); });
  if (!any) return fail(Errc::kInvalid, notice_.empty() ? where() + "no value" : notice_);
  return true;
}

}  // namespace ota::anomaly
