// How long to wait before a child is started again: doubling, bounded, begun anew after a healthy
// run. Pure.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace ota::supervisor {

class Backoff {
 public:
  Backoff(milliseconds first, milliseconds longest)
      : first_(first), longest_(longest), next_(first) {}

  // The wait after a run of this length. `jitter` in [0, 1) spreads children that died together
  // over a quarter of it.
  milliseconds after_exit(milliseconds ran, milliseconds healthy_after, double jitter) {
    if (ran >= healthy_after) next_ = first_;
    const milliseconds wait =
        next_ +
        milliseconds(static_cast<long long>(static_cast<double>(next_.count()) * jitter / 4));
    next_ = std::min(longest_, next_ * 2);
    return std::min(wait, longest_);
  }
  void reset() { next_ = first_; }

 private:
  milliseconds first_;
  milliseconds longest_;
  milliseconds next_;
};

}  // namespace ota::supervisor
