// A mutex whose promises clang checks (base/thread_annotations.h): std::mutex, its guard and its
// condition variable, with the annotations that libstdc++'s lack. They cost nothing beside them.
//
//   Mutex mutex_;
//   std::deque<Work> waiting_ OTA_GUARDED_BY(mutex_);
//   ...
//   const MutexLock lock(mutex_);
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/thread_annotations.h"

namespace ota {

class OTA_CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock() OTA_ACQUIRE() { mutex_.lock(); }
  void unlock() OTA_RELEASE() { mutex_.unlock(); }
  bool try_lock() OTA_TRY_ACQUIRE(true) { return mutex_.try_lock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

// Holds the mutex as long as it lives; unlock() gives it up before, lock() takes it again.
class OTA_SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) OTA_ACQUIRE(mutex) : mutex_(mutex) { mutex_.lock(); }
  ~MutexLock() OTA_RELEASE() {
    if (held_) mutex_.unlock();
  }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void unlock() OTA_RELEASE() {
    held_ = false;
    mutex_.unlock();
  }
  void lock() OTA_ACQUIRE() {
    mutex_.lock();
    held_ = true;
  }

 private:
  Mutex& mutex_;
  bool held_ = true;
};

// Waits give the mutex up and take it again before they return; a spurious wake-up is possible, so
// callers wait in a loop over their condition (a predicate would hide it from the analysis).
class CondVar {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }

  void wait(Mutex& mutex) OTA_REQUIRES(mutex) {
    std::unique_lock held(mutex.mutex_, std::adopt_lock);
    condition_.wait(held);
    held.release();
  }
  template <class Rep, class Period>
  std::cv_status wait_for(Mutex& mutex, const std::chrono::duration<Rep, Period>& time)
      OTA_REQUIRES(mutex) {
    std::unique_lock held(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_for(held, time);
    held.release();
    return status;
  }
  template <class Clock, class Duration>
  std::cv_status wait_until(Mutex& mutex, const std::chrono::time_point<Clock, Duration>& until)
      OTA_REQUIRES(mutex) {
    std::unique_lock held(mutex.mutex_, std::adopt_lock);
    const std::cv_status status = condition_.wait_until(held, until);
    held.release();
    return status;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace ota
