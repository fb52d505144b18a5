// From the rarity of rows to alarms: one incident is one alarm, unless it becomes another one.
//
//   quiet --(S >= bar)--> open: alarm "new"
//   open: S >= 3 keeps it open; 40 rows without end it
//   open, at least 10 rows after the last alarm, S >= bar:
//       S >= the worst so far + 1             alarm "escalation"
//       none of the leading metrics led before alarm "another fault"
//
// The bar is 3 decades, and half a decade more for each alarm past a budget of one a day: A counts
// the alarms of the last days, each fading by exp(-dt / 3 days).
//
// Pure, no allocation. Thread: one at a time.
#pragma once

#include <cstdint>

#include "anomaly/tuning.h"
#include "model/enum_text.h"

namespace ota::anomaly {

using model::enum_text;
using model::enum_value;

enum class Alarm : std::uint8_t { kNone, kNew, kEscalation, kAnotherFault };
inline constexpr model::EnumTable<Alarm, 4> kAlarmWords{{{Alarm::kNone, "none"},
                                                         {Alarm::kNew, "new"},
                                                         {Alarm::kEscalation, "escalation"},
                                                         {Alarm::kAnotherFault, "another fault"}}};

OTA_ENUM_TEXT(Alarm, parse_alarm, kAlarmWords)

// The metrics in the lead of a row, as far as an incident has to know them.
enum class Lead : std::uint8_t { kLedBefore, kOthers };

class Incidents {
 public:
  static constexpr std::uint32_t kQuietRows = 40;

  // A row: `passed` seconds after the one before, `rarity` is S, `scale` what the configured
  // threshold makes of a decade (1 at 0.5).
  Alarm observe(double passed, double rarity, double scale, Lead lead, const Tuning& tuning);

  bool open() const { return open_; }
  double bar() const { return bar_; }        // decades, as it stood for the last row
  double alarms() const { return alarms_; }  // A
  double peak() const { return peak_; }
  std::uint32_t number() const { return number_; }  // of the incident, counted from 1
  // Rows still to come below 3 decades until it ends.
  std::uint32_t rows_left() const { return open_ ? kQuietRows - quiet_ : 0; }

  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    visit("alarms", self.alarms_);
    visit("bar", self.bar_);
    visit("peak", self.peak_);
    visit("quiet", self.quiet_);
    visit("told", self.told_);
    visit("number", self.number_);
    visit("open", self.open_);
  }

 private:
  double alarms_ = 0;
  double bar_ = 0;
  double peak_ = 0;
  std::uint32_t quiet_ = 0;  // rows since one of 3 decades
  std::uint32_t told_ = 0;   // rows since the last alarm
  std::uint32_t number_ = 0;
  bool open_ = false;
};

// What a rarity is as a score in [0, 1]: 0.5 at the bar.
double score_of(double rarity, double bar);
// How many bars a score is worth: 1 at 0.5.
double bars_of(double score);

}  // namespace ota::anomaly
