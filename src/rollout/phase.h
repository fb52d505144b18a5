// How far a phase has come, and when its looks fall due: one rule for recordings and live rollouts.
//
//   offered.. --no offer for 10 min, one confirmed, 80 % ended--> ready --15 min, 30 min, .. 16 h--> looks
//
// Pure values; any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "rollout/settings.h"

namespace ota::rollout {

struct PhaseProgress {
  std::uint64_t offered = 0;
  std::uint64_t confirmed = 0;  // and not fallen back since
  std::uint64_t ended = 0;      // confirmed or failed
  WallTime last_offer;
  std::optional<WallTime> enough;  // since when enough of it has ended
  std::optional<WallTime> ready;   // stays, once it is

  // After each change of the counts.
  void note(WallTime now) {
    constexpr std::uint64_t kHundred = 100;
    const bool is_enough = confirmed > 0 && ended * kHundred >= offered * kEndedPercentBeforeReady;
    if (!is_enough) enough.reset();
    if (is_enough && !enough) enough = now;
  }
  // All that happened before `now` was noted. What happens at a time may still undo it, so a phase
  // is ready at a time only when that is over.
  void find_ready(WallTime now) {
    if (ready || !enough) return;
    const WallTime at = std::max<WallTime>(*enough, last_offer + kQuietBeforeReady);
    if (at < now) ready = at;
  }
};

// The age of a phase at its look number `look`, from 0.
inline seconds look_age(const JudgeSettings& settings, std::uint32_t look) {
  return settings.first_look * (1LL << look);
}

// How many looks of a phase that is ready since `ready` are due by `now`.
inline std::uint32_t looks_due(const JudgeSettings& settings, WallTime ready, WallTime now) {
  std::uint32_t due = 0;
  while (due < settings.looks && ready + look_age(settings, due) <= now)
    ++due;
  return due;
}

}  // namespace ota::rollout
