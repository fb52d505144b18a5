// The clock of one machine in a world: it drifts, and somebody may set it.
//
// The monotonic one runs with the drift and never jumps. Thread: the world's.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "world/timeline.h"

namespace ota::world {

// When every world begins.
inline constexpr WallTime kWorldBegins{std::chrono::sys_days{std::chrono::year{2027} / 3 / 1}};

class NodeClock final : public Clock {
 public:
  // `drift_ppm`: of this clock against the world's; `off`: at the world's beginning.
  NodeClock(const Timeline& timeline, std::int64_t drift_ppm, milliseconds off)
      : timeline_(timeline), drift_ppm_(drift_ppm), off_(off) {}

  WallTime wall() const override {
    return kWorldBegins + off_ +
           std::chrono::duration_cast<milliseconds>(drifted(timeline_.now().time_since_epoch()));
  }
  MonoTime mono() const override { return MonoTime(drifted(timeline_.now().time_since_epoch())); }
  void jump(milliseconds by) { off_ += by; }
  milliseconds off() const { return off_; }
  // When, in the world's time, mono() will be at `mono` or a little past it.
  MonoTime when(MonoTime mono) const {
    if (mono == MonoTime::max()) return mono;
    MonoTime at = timeline_.now() + (mono - this->mono());
    for (int i = 0; i < 3; ++i)  // each brings it nearer by the drift
      at += mono.time_since_epoch() - drifted(at.time_since_epoch());
    return at + std::chrono::microseconds(1);
  }

 private:
  // In two parts: of years in nanoseconds the product would not fit.
  Span drifted(Span since) const {
    return since + since / 1'000'000 * drift_ppm_ + since % 1'000'000 * drift_ppm_ / 1'000'000;
  }

  const Timeline& timeline_;
  std::int64_t drift_ppm_;
  milliseconds off_;
};

}  // namespace ota::world
