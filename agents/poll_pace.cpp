#include "agents/poll_pace.h"

#include <algorithm>
#include <utility>

namespace ota::agent {

milliseconds PollPace::Bucket::wait_for(double taken, unsigned most, milliseconds every,
                                        milliseconds passed) {
  const double step = static_cast<double>(every.count());
  left = std::min<double>(most, left + static_cast<double>(passed.count()) / step) - taken;
  if (left >= 0) return milliseconds{0};
  return milliseconds(static_cast<milliseconds::rep>(-left * step));
}

milliseconds PollPace::nothing(milliseconds took) {
  failing_.reset();
  if (took < limits_.wait / 2) return early_.next();
  early_.reset();
  return milliseconds{0};
}

milliseconds PollPace::commands(unsigned changes, MonoTime now) {
  failing_.reset();
  early_.reset();
  if (!std::exchange(any_, true)) {
    polls_.left = limits_.burst;
    changes_.left = limits_.changes;
    counted_ = now;
  }
  const auto passed = std::chrono::duration_cast<milliseconds>(now - std::exchange(counted_, now));
  return std::max(polls_.wait_for(1, limits_.burst, limits_.floor, passed),
                  changes_.wait_for(changes, limits_.changes, limits_.change_every, passed));
}

}  // namespace ota::agent
