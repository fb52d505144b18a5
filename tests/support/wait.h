// Waiting for a condition with a deadline: the only way in which a test waits.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace ota::test {

// True as soon as `condition` holds; false where it did not within `patience`.
inline bool wait_until(const std::function<bool()>& condition,
                       std::chrono::milliseconds patience = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace ota::test
