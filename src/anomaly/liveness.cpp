#include "anomaly/liveness.h"

#include <algorithm>
#include <cmath>

namespace ota::anomaly {

double FlatLine::surprise() const {
  if (!lively()) return 0;
  const double repeats = std::max(0.0F, steps_ - changes_);
  // Laplace's rule keeps a metric that never repeated from being certain.
  const double chance = (repeats + 1) / (static_cast<double>(steps_) + 2);
  return -static_cast<double>(run_) * std::log10(chance);
}

void FlatLine::observe(double value, WallTime at, milliseconds shortest) {
  constexpr double kUnlikely = 12;  // one run in 10^12
  constexpr float kMemory = 4000;
  if (run_since_ == WallTime{}) {
    last_ = value;
    run_since_ = at;
    return;
  }
  if (value == last_) {
    ++run_;
    stuck_ = stuck_ || (at - run_since_ >= shortest && surprise() >= kUnlikely);
    return;
  }
  // A run that was called stuck teaches nothing: else each lie would make the next one easier.
  if (!stuck_) {
    steps_ += static_cast<float>(run_) + 1;
    changes_ += 1;
    if (steps_ > kMemory) {
      steps_ /= 2;
      changes_ /= 2;
    }
  }
  stuck_ = false;
  last_ = value;
  run_ = 0;
  run_since_ = at;
}

void CopyWatch::restart() {
  recent_ = {};
  seen_.clear();
  count_ = 0;
  last_copy_ = 0;
}

void CopyWatch::observe(std::uint64_t fingerprint, WallTime at) {
  constexpr std::size_t kMostEqual = 8;  // a quiet device repeats itself in good faith
  recent_[count_ % kRun] = fingerprint;
  ++count_;
  if (count_ < kRun) return;
  std::uint64_t hash = 1469598103934665603ULL;  // FNV-1a over words
  std::size_t equal = 0;
  for (std::size_t i = 0; i < kRun; ++i) {
    const std::uint64_t word = recent_[(count_ + i) % kRun];
    hash = (hash ^ word) * 1099511628211ULL;
    hash ^= hash >> 29;
    if (i > 0 && word == recent_[(count_ + i - 1) % kRun]) ++equal;
  }
  if (equal >= kMostEqual) return;
  if (std::find(seen_.begin(), seen_.end(), hash) != seen_.end()) {
    last_copy_ = count_;
    if (copied_at_ == WallTime{}) copied_at_ = at;
  } else if (copied() && count_ - last_copy_ > kRun * kRuns) {
    copied_at_ = WallTime{};
  }
  if (count_ % kRun != 0) return;
  const std::size_t place = (count_ / kRun) % kRuns;
  if (place >= seen_.size()) seen_.resize(place + 1);
  seen_[place] = hash;
}

void RestartWatch::boot(std::uint32_t samples, std::uint32_t enough, WallTime at) {
  if (samples >= enough) deaths_ = 0;
  if (samples < enough && deaths_++ == 0) since_ = last_boot_ == WallTime{} ? at : last_boot_;
  last_boot_ = at;
}

bool RestartWatch::looping(WallTime now) const {
  return now < settled_at();
}

WallTime RestartWatch::settled_at() const {
  constexpr std::uint32_t kInARow = 4;
  constexpr milliseconds kSettled = seconds(60);
  return deaths_ >= kInARow ? last_boot_ + kSettled : WallTime{};
}

}  // namespace ota::anomaly
