// move-clock: the wall clock of a program jumps, as after a battery change or a wrong time server.
#include <cmath>

#include "sim/steps/all.h"
#include "sim/steps/common.h"

namespace ota::sim {

Result<void> run_move_clock(World& world, const Json& keys) {
  const double by_s = keys.at("by_s").get<double>();
  constexpr double kDecade = 10.0 * 365 * 24 * 3600;
  if (!(std::abs(by_s) <= kDecade)) return fail(Errc::kInvalid, "by_s: at most ten years");
  const auto by = std::chrono::nanoseconds(std::llround(by_s * 1e9));
  for (const std::string& what : texts_of(keys, "what")) {
    for (const std::string& program : world.agents_of(what)) {
      if (auto moved = world.clocks().move(program, by); !moved) return moved.error();
    }
  }
  return {};
}

}  // namespace ota::sim
