// How long to leave a server alone that does not answer: doubling, bounded, and different on every
// device.
//
// Thread: one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>

#include "base/clock.h"

namespace ota::agent {

class Backoff {
 public:
  Backoff(milliseconds first, milliseconds longest, std::uint32_t seed)
      : first_(first), longest_(longest), step_(first), random_(seed) {}

  // The next pause: between half and one and a half times the step, which doubles.
  milliseconds next() {
    std::uniform_real_distribution<double> factor(0.5, 1.5);
    const auto pause =
        static_cast<milliseconds::rep>(static_cast<double>(step_.count()) * factor(random_));
    step_ = std::min(step_ * 2, longest_);
    return milliseconds(pause);
  }
  void reset() { step_ = first_; }

 private:
  milliseconds first_;
  milliseconds longest_;
  milliseconds step_;
  std::minstd_rand random_;
};

}  // namespace ota::agent
