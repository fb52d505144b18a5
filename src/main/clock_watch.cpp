#include "main/clock_watch.h"

#include <chrono>
#include <utility>

namespace ota::main {
namespace {

constexpr milliseconds kJump{5000};  // more than any adjustment of a running clock

}  // namespace

std::optional<std::string> ClockWatch::look() {
  const MonoTime mono = clock_.mono();
  const WallTime wall = clock_.wall();
  const MonoTime since = std::exchange(mono_before_, mono);
  const auto passed = std::chrono::duration_cast<milliseconds>(mono - since);
  const auto jump = wall - std::exchange(wall_before_, wall) - passed;
  if (since == MonoTime{} || std::chrono::abs(jump) < kJump) return std::nullopt;
  return "this host's clock jumped " + format_age(std::chrono::abs(jump)) +
         (jump > milliseconds(0) ? " ahead" : " back") +
         "; readings count again once the devices' times agree with it";
}

}  // namespace ota::main
