#include "http/response_head.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

#include "http/status.h"

namespace ota::http {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  out.append(digits.data(), end);
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::string_view kLineEnds("\r\n\0", 3);
  if (name.find_first_of(kLineEnds) != std::string_view::npos ||
      value.find_first_of(kLineEnds) != std::string_view::npos) {
    return;
  }
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

}  // namespace

std::string http_date(WallTime time) {
  // Not by strftime: names of days and months must not follow the locale.
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t whole = std::chrono::floor<seconds>(time).time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&whole, &parts);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900,
                parts.tm_hour, parts.tm_min, parts.tm_sec);
  return text.data();
}

void append_head(std::string& out, const Response& response, std::uint64_t length,
                 std::string_view date, After after) {
  out += "HTTP/1.1 ";
  append_number(out, response.status);
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\n";
  append_field(out, "Date", date);
  // RFC 9110 section 8.6: no length with 204; a 304 has none of its own.
  if (response.status != 204 && response.status != 304) {
    if (length > 0 || !response.body.empty()) {
      append_field(out, "Content-Type",
                   response.content_type.empty() ? "application/json"
                                                 : std::string_view(response.content_type));
    }
    out += "Content-Length: ";
    append_number(out, length);
    out += "\r\n";
  }
  for (const auto& [name, value] : response.headers)
    append_field(out, name, value);
  if (after == After::kClose) out += "Connection: close\r\n";
  if (after == After::kKeepOpenTold) out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

}  // namespace ota::http
