#include "base/clock_jump.h"

#include <chrono>
#include <utility>

namespace ota {
namespace {

constexpr milliseconds kJump{5000};  // more than any adjustment of a running clock

}  // namespace

std::optional<milliseconds> ClockJump::look() {
  const MonoTime mono = clock_.mono();
  const WallTime wall = clock_.wall();
  const auto passed =
      std::chrono::duration_cast<milliseconds>(mono - std::exchange(mono_before_, mono));
  const auto jump = wall - std::exchange(wall_before_, wall) - passed;
  if (!std::exchange(looked_, true) || std::chrono::abs(jump) < kJump) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(jump);
}

WallTime after_jump(WallTime stamp, milliseconds jump, WallTime now) {
  constexpr milliseconds kNoticedWithin{2000};
  const bool fresh = stamp <= now && now - stamp < kNoticedWithin;
  return stamp == WallTime{} || fresh ? stamp : stamp + jump;
}

}  // namespace ota
