#include "anomaly/incident.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace ota::anomaly {
namespace {

constexpr double kForgetSeconds = 3 * 86400.0;
constexpr double kEscalation = 1;          // decades: ten times rarer than the worst so far
constexpr std::uint32_t kGrowthRows = 10;  // in which an incident may still grow without being news

}  // namespace

double score_of(double rarity, double bar) {
  return 1 - std::exp2(-std::max(0.0, rarity) / bar);
}

double bars_of(double score) {
  return -std::log2(1 - std::clamp(score, 1e-9, 1 - 1e-9));
}

Alarm Incidents::observe(double passed, double rarity, double scale, Lead lead,
                         const Tuning& tuning) {
  constexpr double kLongestGap = 86400;
  alarms_ *= std::exp(-std::min(passed, kLongestGap) / kForgetSeconds);
  bar_ = tuning.bar + tuning.fatigue * std::max(0.0, alarms_ - tuning.free_alarms);
  if (told_ < std::numeric_limits<std::uint32_t>::max()) ++told_;
  if (open_ && ++quiet_ >= kQuietRows) open_ = false;
  if (rarity < (open_ ? tuning.bar : bar_) * scale) return Alarm::kNone;
  Alarm alarm = Alarm::kNone;
  if (!open_) {
    alarm = Alarm::kNew;
    ++number_;
  } else if (told_ >= kGrowthRows && rarity >= bar_ * scale) {
    if (rarity >= peak_ + kEscalation) {
      alarm = Alarm::kEscalation;
    } else if (lead == Lead::kOthers) {
      alarm = Alarm::kAnotherFault;
    }
  }
  open_ = true;
  quiet_ = 0;
  if (alarm == Alarm::kNone) {
    peak_ = std::max(peak_, rarity);
    return alarm;
  }
  told_ = 0;
  peak_ = rarity;
  alarms_ += 1;
  return alarm;
}

}  // namespace ota::anomaly
