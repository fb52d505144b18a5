// What an explanation reads of the score: a few numbers of the last row and of the open incident.
// A live detector fills them after each sample; evidence keeps them, so that the explanation can be
// made again without the engine's memory.
//
// Plain values. Thread: one at a time.
#pragma once

#include <cstdint>
#include <string>

#include "anomaly/engine.h"
#include "base/clock.h"

namespace ota::anomaly {

// A metric in the lead of the open incident, as of the row that told most.
struct LeadTold {
  WallTime since{};   // the first alarm's row that it led
  double rarity = 0;  // decades; 0: not in the lead
  double seen = 0;    // what was rare: a reading, a mean, or how far it moved
  double centre = 0;  // what was usual then
  double spread = 0;
  Size by = Size::kNow;

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("since", self.since);
    visit("rarity", self.rarity);
    visit("seen", self.seen);
    visit("centre", self.centre);
    visit("spread", self.spread);
    visit("by", self.by);
  }
};

LeadTold lead_told(const MetricScore& metric, double value, WallTime since);

struct ScoreTold {
  double score = 0;
  double rarity = 0;              // S of the last row
  double joint = 0;               // F of it
  double bar = 0;                 // decades that an alarm takes now
  double alarms = 0;              // of the last days, faded
  double peak = 0;                // of the open incident, decades
  double rarity_told = 0;         // of the row that the leads are of
  double interval = 0;            // seconds from one row to the next
  std::uint32_t number = 0;       // of the incident
  std::uint32_t rows_left = 0;    // quiet rows until it ends
  std::uint32_t learnt = 0;       // of Engine::kLearningRows
  std::uint32_t alarm_count = 0;  // of this detector's life
  WallTime since{};               // the first row of the open incident
  Alarm alarm = Alarm::kNone;     // the last one
  bool open = false;

  bool learning() const { return learnt < Engine::kLearningRows; }
  void take(const Judgement& row, const Engine& engine);

  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("score", self.score);
    visit("rarity", self.rarity);
    visit("joint", self.joint);
    visit("bar", self.bar);
    visit("alarms", self.alarms);
    visit("peak", self.peak);
    visit("told", self.rarity_told);
    visit("interval_s", self.interval);
    visit("incident", self.number);
    visit("rows_left", self.rows_left);
    visit("learnt", self.learnt);
    visit("alarm_count", self.alarm_count);
    visit("since", self.since);
    visit("alarm", self.alarm);
    visit("open", self.open);
  }
};

// "1 in 20000"; past a billion "1 in 10^12".
std::string one_in(double decades);
// What a size is of, for "CPU 71.2 % ... where 14.9 ± 2.1 is usual": empty for the reading itself.
std::string_view size_words(Size size);
// Whether a lead's `seen` is a distance and no value.
bool is_distance(Size size);

}  // namespace ota::anomaly
