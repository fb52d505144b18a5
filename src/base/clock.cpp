#include "base/clock.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace ota {
namespace {

// Exactly `width` digits at `pos`, as a number; -1 where there are others.
int digits(std::string_view text, std::size_t pos, std::size_t width) {
  if (pos + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = pos; i < pos + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

WallTime SystemClock::wall() const {
  return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
}
MonoTime SystemClock::mono() const {
  return std::chrono::steady_clock::now();
}

WallTime ManualClock::wall() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}
MonoTime ManualClock::mono() const {
  const std::lock_guard lock(mutex_);
  return mono_;
}
void ManualClock::advance(milliseconds step) {
  const std::lock_guard lock(mutex_);
  wall_ += step;
  mono_ += step;
}
void ManualClock::set_wall(WallTime now) {
  const std::lock_guard lock(mutex_);
  wall_ = now;
}

// By hand: every event and every minute of every device passes here, and snprintf costs five times
// as much.
std::string format_rfc3339(WallTime time, Fraction fraction) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::string out;
  out.reserve(24);
  const auto put = [&out](auto value, unsigned width, char after) {
    auto number = static_cast<unsigned>(value);
    std::array<char, 4> digits{};
    for (unsigned i = width; i-- > 0; number /= 10)
      digits.at(i) = static_cast<char>('0' + number % 10);
    out.append(digits.data(), width);
    if (after != '\0') out += after;
  };
  put(static_cast<int>(date.year()), 4, '-');
  put(static_cast<unsigned>(date.month()), 2, '-');
  put(static_cast<unsigned>(date.day()), 2, 'T');
  put(clock.hours().count(), 2, ':');
  put(clock.minutes().count(), 2, ':');
  put(clock.seconds().count(), 2, '\0');
  if (fraction == Fraction::kMillis) {
    out += '.';
    put(clock.subseconds().count(), 3, '\0');
  }
  out += 'Z';
  return out;
}

Result<WallTime> parse_rfc3339(std::string_view text) {
  const auto bad = [text] {
    return fail(Errc::kInvalid, "'" + std::string(text.substr(0, 40)) +
                                    "' is no RFC 3339 time such as 2026-08-20T14:03:22Z");
  };
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return bad();
  }
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  const int hour = digits(text, 11, 2);
  const int minute = digits(text, 14, 2);
  const int second = digits(text, 17, 2);
  if (year < 1970 || month < 0 || day < 0 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
      second < 0 || second > 59) {
    return bad();
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return bad();
  std::size_t pos = 19;
  int millis = 0;
  if (text[pos] == '.') {
    int scale = 100;
    std::size_t count = 0;
    for (++pos; pos < text.size() && text[pos] >= '0' && text[pos] <= '9'; ++pos, ++count) {
      millis += (text[pos] - '0') * scale;
      scale /= 10;
    }
    if (count == 0 || count > 9) return bad();
  }
  std::chrono::minutes offset{0};
  if (pos >= text.size()) return bad();
  if (text[pos] == 'Z' || text[pos] == 'z') {
    ++pos;
  } else {
    const int offset_hour = digits(text, pos + 1, 2);
    const int offset_minute = digits(text, pos + 4, 2);
    if ((text[pos] != '+' && text[pos] != '-') || pos + 6 != text.size() || text[pos + 3] != ':' ||
        offset_hour < 0 || offset_hour > 23 || offset_minute < 0 || offset_minute > 59) {
      return bad();
    }
    offset = std::chrono::minutes(offset_hour * 60 + offset_minute);
    if (text[pos] == '-') offset = -offset;
    pos += 6;
  }
  if (pos != text.size()) return bad();
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
         std::chrono::minutes(minute) + seconds(second) + milliseconds(millis) - offset;
}

std::string format_age(milliseconds age) {
  const long long total = std::chrono::duration_cast<seconds>(age).count();
  if (age.count() < 0) return "-";
  std::array<char, 24> text{};
  if (total < 60) {
    std::snprintf(text.data(), text.size(), "%llds", total);
  } else if (total < 3600) {
    std::snprintf(text.data(), text.size(), "%lldm%02lld", total / 60, total % 60);
  } else if (total < 86400) {
    std::snprintf(text.data(), text.size(), "%lldh%02lld", total / 3600, total / 60 % 60);
  } else if (total < 10 * 86400LL || (total < 100 * 86400LL && total / 3600 % 24 < 10)) {
    std::snprintf(text.data(), text.size(), "%lldd%lldh", total / 86400, total / 3600 % 24);
  } else {
    std::snprintf(text.data(), text.size(), "%lldd", total / 86400);
  }
  return text.data();
}

Result<seconds> parse_duration(std::string_view text) {
  long long count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  long long scale = 0;
  if (unit.empty() || unit == "s") scale = 1;
  if (unit == "m") scale = 60;
  if (unit == "h") scale = 3600;
  if (unit == "d") scale = 86400;
  constexpr long long kTenYears = 10LL * 366 * 86400;
  if (error != std::errc{} || scale == 0 || count <= 0 || count > kTenYears / scale) {
    return fail(Errc::kInvalid, "'" + std::string(text.substr(0, 20)) +
                                    "' is no duration such as 90s, 15m, 1h, 30d");
  }
  return seconds(count * scale);
}

}  // namespace ota
