#include "anomaly/told.h"

#include <cmath>

#include "base/text.h"

namespace ota::anomaly {

LeadTold lead_told(const MetricScore& metric, double value, WallTime since) {
  LeadTold lead;
  lead.since = since;
  lead.rarity = metric.rarity();
  lead.centre = metric.home().centre();
  lead.spread = metric.home().spread();
  lead.by = metric.by();
  switch (lead.by) {
    case Size::kNow:
      lead.seen = value;
      break;
    case Size::kMean5:
      lead.seen = metric.mean_of_last(5);
      break;
    case Size::kMean60:
      lead.seen = metric.mean_of_last(60);
      break;
    case Size::kChange:
    case Size::kStep:
      lead.seen = metric.sizes()[static_cast<std::size_t>(lead.by)] * lead.spread;
      break;
  }
  return lead;
}

void ScoreTold::take(const Judgement& row, const Engine& engine) {
  const Incidents& incidents = engine.incidents();
  score = row.score;
  rarity = row.rarity;
  joint = row.joint;
  bar = incidents.bar();
  alarms = incidents.alarms();
  peak = incidents.peak();
  interval = engine.interval();
  number = incidents.number();
  rows_left = incidents.rows_left();
  learnt = engine.learnt_rows();
  if (row.alarm != Alarm::kNone) {
    alarm = row.alarm;
    ++alarm_count;
  }
  open = incidents.open();
}

std::string one_in(double decades) {
  constexpr double kMostDigits = 9;
  if (decades > kMostDigits) return "1 in 10^" + format_number(decades, 0);
  // Two digits say as much as such an estimate knows.
  const double times = std::pow(10.0, decades);
  const double unit = std::pow(10.0, std::max(0.0, std::floor(decades) - 1));
  return "1 in " + format_number(std::round(times / unit) * unit, 0);
}

std::string_view size_words(Size size) {
  switch (size) {
    case Size::kNow:
      return "";
    case Size::kMean5:
      return "as the mean of 5 readings";
    case Size::kMean60:
      return "as the mean of 60 readings";
    case Size::kChange:
      return "from one reading to the next";
    case Size::kStep:
      return "within 5 readings";
  }
  return "";
}

bool is_distance(Size size) {
  return size == Size::kChange || size == Size::kStep;
}

}  // namespace ota::anomaly
