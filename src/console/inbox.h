// The way of other threads to the UI thread: functions that it runs, and a descriptor that wakes
// its poll().
//
// post() never blocks on the UI. Many posts before the UI looks make one wake-up. Thread: post and
// notify from any; run and fd by the UI thread.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/file.h"
#include "base/mutex.h"
#include "base/result.h"

namespace ota::console {

class Inbox {
 public:
  Inbox();  // throws where the system has no descriptor left

  void post(std::function<void()> function);
  // Wakes the UI without a function: something that it shows has changed.
  void notify();

  int fd() const { return wake_.get(); }
  // Runs what was posted, in order.
  void run();
  // notify() wakes only while armed, and disarms: a storm of changes costs one wake-up. arm() is
  // true where a change came meanwhile; the inbox then stays disarmed.
  bool arm();
  // Forgets the changes so far and disarms.
  void take_changes();

  // A callback that may be called on any thread and runs `function` on the UI thread. It may
  // outlive the inbox's user: the inbox itself is held by it.
  template <class T>
  static std::function<void(Result<T>)> bring(const std::shared_ptr<Inbox>& inbox,
                                              std::function<void(Result<T>)> function) {
    return [inbox, function = std::move(function)](Result<T> result) {
      auto held = std::make_shared<Result<T>>(std::move(result));
      inbox->post([function, held] { function(std::move(*held)); });
    };
  }

 private:
  void wake();
  FileDescriptor wake_;
  Mutex mutex_;
  std::vector<std::function<void()>> functions_ OTA_GUARDED_BY(mutex_);
  bool posted_ OTA_GUARDED_BY(mutex_) = false;
  bool changed_ OTA_GUARDED_BY(mutex_) = false;
  bool armed_ OTA_GUARDED_BY(mutex_) = false;
};

}  // namespace ota::console
