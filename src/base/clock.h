// Time as a parameter. Durations come from the monotonic clock; stamps in storage and on the wire
// are UTC, RFC 3339.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ota {

using std::chrono::milliseconds;
using std::chrono::seconds;

// UTC, to the millisecond. The epoch itself stands for "never".
using WallTime = std::chrono::sys_time<milliseconds>;
using MonoTime = std::chrono::steady_clock::time_point;

// Thread: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime wall() const = 0;
  virtual MonoTime mono() const = 0;
};

class SystemClock final : public Clock {
 public:
  WallTime wall() const override;
  MonoTime mono() const override;
};

// A clock that stands still until told; for tests, scripts and replay.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start) : wall_(start) {}
  WallTime wall() const override;
  MonoTime mono() const override;
  // Moves both clocks.
  void advance(milliseconds step);
  // Moves the wall clock alone, as an administrator or a bad battery does.
  void set_wall(WallTime now);

 private:
  mutable std::mutex mutex_;
  WallTime wall_;
  MonoTime mono_{};
};

// "2026-08-20T14:03:22.123Z"; without the fraction where `whole_seconds`.
enum class Fraction { kMillis, kNone };
std::string format_rfc3339(WallTime time, Fraction fraction = Fraction::kMillis);
// RFC 3339 section 5.6 with any fraction (cut to milliseconds) and any offset (brought to UTC);
// years 1970 to 9999.
Result<WallTime> parse_rfc3339(std::string_view text);

// Ages for people, at most 5 cells: "0s", "59s", "5m12", "3h04", "12d3h", "-" for negative.
std::string format_age(milliseconds age);
// "90", "90s", "15m", "1h", "30d"; refuses anything else and zero.
Result<seconds> parse_duration(std::string_view text);

}  // namespace ota
