#include "anomaly/engine.h"

#include <algorithm>
#include <cmath>

#include "base/prefetch.h"

namespace ota::anomaly {
namespace {

constexpr std::uint32_t kSettleRows = 200;  // before the device as a whole learns what is usual

// NaN stays what it is: no reading.
double bounded(double value) {
  constexpr double kLargest = 1e30;
  return std::clamp(value, -kLargest, kLargest);
}

}  // namespace

double Engine::pass_time(WallTime at) {
  constexpr double kRate = 0.05;
  constexpr double kMostIntervals = 10;  // a longer gap is silence and no change of the rate
  constexpr std::uint8_t kRowsOfAnother = 5;
  double passed = 0;
  if (row_ > 0) passed = std::max(0.0, std::chrono::duration<double>(at - at_).count());
  if (passed > 0) {
    // So many slow rows in a row are another rate, which smoothing by rows would take hours to
    // find; a faster one it finds within minutes.
    slower_ = passed > 2 * interval_ ? static_cast<std::uint8_t>(slower_ + 1) : std::uint8_t{0};
    if (interval_ == 0 || slower_ >= kRowsOfAnother) {
      interval_ = passed;
      slower_ = 0;
    } else {
      interval_ += kRate * (std::min(passed, kMostIntervals * interval_) - interval_);
    }
  }
  at_ = at;
  if (row_ < std::numeric_limits<std::uint32_t>::max()) ++row_;
  return passed;
}

// Sets F and S; returns the largest rarity of a metric, negative where none is judged.
double Engine::judge(std::span<const double> values, Judgement& row) {
  std::array<double, 3> rarest{};  // in descending order
  std::size_t judged = 0;
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    MetricScore& metric = metrics_[i].score;
    if (i >= values.size() || std::isnan(values[i])) {
      metric.pass();
      continue;
    }
    metric.judge(bounded(values[i]), row_, *tuning_);
    if (!metric.judged()) continue;
    ++judged;
    double rarity = metric.rarity();
    for (double& place : rarest) {
      if (rarity > place) std::swap(rarity, place);
    }
  }
  if (judged == 0) return -1;
  const std::size_t pooled = std::min(tuning_->rarest, judged);
  for (std::size_t i = 0; i < pooled; ++i)
    row.joint += rarest[i];
  row.joint /= static_cast<double>(pooled);
  row.rarity = joint_.of(0, joint_.place(row.joint), kJointIndex);
  return rarest[0];
}

void Engine::heat(double rarity) {
  constexpr double kHot = 2;  // decades
  constexpr std::uint32_t kCoolRows = 15;
  if (rarity >= kHot) {
    hot_ = true;
    calm_ = 0;
    return;
  }
  if (calm_ < kCoolRows) ++calm_;
  if (calm_ >= kCoolRows) hot_ = false;
}

// A row counts as far as one before it agrees: half of the false alarms and hardly an event are
// single rows (README.md).
double Engine::confirmed(double rarity) {
  double counted = rarity;
  if (tuning_->confirming > 0) {
    const auto end = before_.begin() + static_cast<std::ptrdiff_t>(tuning_->confirming);
    counted = std::min(rarity, *std::max_element(before_.begin(), end));
  }
  std::copy_backward(before_.begin(), before_.end() - 1, before_.end());
  before_[0] = rarity;
  return counted;
}

void Engine::learn(std::span<const double> values, bool any, double joint) {
  constexpr double kHomeSeconds = 7 * 86400.0;
  constexpr double kHomeRows = 1024;
  const bool little = hot_ && row_ >= kSettleRows;
  const std::uint32_t weight = little ? tuning_->hot_eighths * Rarity::kWhole / 8 : Rarity::kWhole;
  if (any && row_ > kSettleRows) {
    const std::uint8_t bin = joint_.bin_at(joint_.place(joint));
    joint_.add({&bin, 1}, weight);
  }
  const double window = interval_ > 0 ? std::max(kHomeSeconds / interval_, kHomeRows) : kHomeRows;
  const double longest_stride = std::max(1.0, std::floor(window / Home::kSlots));
  for (std::size_t i = 0; i < std::min(values.size(), metrics_.size()); ++i) {
    if (std::isnan(values[i])) continue;
    metrics_[i].score.learn(bounded(values[i]), row_, weight, longest_stride);
  }
}

Lead Engine::lead_of(double rarest, Judgement& row) const {
  Lead lead = Lead::kOthers;
  const auto rarity = [this](std::uint16_t index) { return metrics_[index].score.rarity(); };
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    const MetricScore& metric = metrics_[i].score;
    if (metric.rarity() <= 0 || metric.rarity() < rarest / 2) continue;
    if (metrics_[i].led) lead = Lead::kLedBefore;
    auto here = static_cast<std::uint16_t>(i);
    for (std::size_t place = 0; place < kMostLeaders; ++place) {
      if (place < row.leader_count && rarity(here) <= rarity(row.leaders[place])) continue;
      if (place >= row.leader_count) {
        row.leaders[row.leader_count++] = here;
        break;
      }
      std::swap(here, row.leaders[place]);
    }
  }
  return lead;
}

void Engine::remember_lead(double rarest, Alarm alarm) {
  for (Member& member : metrics_) {
    if (alarm == Alarm::kNew) member.led = false;
    const double rarity = member.score.rarity();
    if (rarity > 0 && rarity >= rarest / 2) member.led = true;
  }
}

void Engine::conclude(double passed, double rarest, double threshold, Judgement& row) {
  const double scale = bars_of(threshold);
  const Lead lead = lead_of(std::max(0.0, rarest), row);
  row.counted = confirmed(row.rarity);
  row.alarm = incidents_.observe(passed, row.counted, scale, lead, *tuning_);
  if (row.alarm != Alarm::kNone ||
      (incidents_.open() && incidents_.rows_left() == Incidents::kQuietRows)) {
    remember_lead(std::max(0.0, rarest), row.alarm);
  }
  constexpr double kHushed = 0.9;  // of the threshold, for a certain one
  const double raw = score_of(row.counted, incidents_.bar());
  if (row.alarm != Alarm::kNone) {
    row.score = std::max(raw, threshold);
  } else {
    row.score = raw < threshold ? raw : kHushed * threshold * raw;
  }
}

Judgement Engine::observe(WallTime at, std::span<const double> values, double threshold) {
  if (values.size() > metrics_.size()) metrics_.resize(values.size());
  Judgement row;
  const double passed = pass_time(at);
  const double rarest = judge(values, row);
  heat(row.rarity);
  learn(values, rarest >= 0, row.joint);
  conclude(passed, rarest, threshold, row);
  return row;
}

std::uint32_t Engine::learnt_rows() const {
  if (row_ <= kSettleRows) return row_;
  const double joint = std::min(joint_.total(), double{kLearningRows - kSettleRows});
  return kSettleRows + static_cast<std::uint32_t>(joint);
}

std::size_t Engine::bytes() const {
  std::size_t bytes = sizeof *this + joint_.bytes();
  for (const Member& member : metrics_)
    bytes += sizeof member - sizeof member.score + member.score.bytes();
  return bytes;
}

bool Engine::plausible() const {
  return std::isfinite(interval_) && interval_ >= 0 &&
         std::all_of(metrics_.begin(), metrics_.end(), [](const Member& member) {
           return member.score.home().plausible() && std::isfinite(member.score.rarity());
         });
}

void Engine::fetch_ahead() const {
  prefetch(metrics_.data(), metrics_.size() * sizeof(Member));
  prefetch(joint_.address(), joint_.bytes());
  for (const Member& member : metrics_)
    member.score.fetch_ahead();
}

}  // namespace ota::anomaly
