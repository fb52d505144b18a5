// A place where a part waits for others to change something: a condition variable, whose waiting is
// injected.
//
// In a program threads wait there (threads_wait_point); in a simulator what waits gives way until
// virtual time has come so far (src/world). The mutex is the caller's, as with a condition
// variable.
//
// Thread: any.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>

#include "base/clock.h"

namespace ota {

class WaitPoint {
 public:
  using Lock = std::unique_lock<std::mutex>;
  virtual ~WaitPoint() = default;
  virtual void notify_all() = 0;

  template <class Condition>
  void wait(Lock& lock, Condition condition) {
    while (!condition() && wait_once(lock, MonoTime::max())) {
    }
  }
  // What the condition says in the end.
  template <class Condition>
  bool wait_until(Lock& lock, MonoTime until, Condition condition) {
    while (!condition()) {
      if (!wait_once(lock, until)) return condition();
    }
    return true;
  }
  template <class Condition>
  bool wait_for(Lock& lock, milliseconds span, Condition condition) {
    return wait_until(lock, now() + span, condition);
  }

 private:
  // Gives the lock up until it is notified or the time has come, and has it again when it returns;
  // it may return early. False: the time has come, or nobody waits here any more.
  virtual bool wait_once(Lock& lock, MonoTime until) = 0;
  virtual MonoTime now() const = 0;
};

std::shared_ptr<WaitPoint> threads_wait_point();

}  // namespace ota
