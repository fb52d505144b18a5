// Two threads for what a handler must not do itself: reading the store, signing, writing large
// documents. An executor may take their place: then it runs what is posted.
//
// Bounded: a full queue refuses, and the caller answers 503. Thread: any.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/executor.h"
#include "base/mutex.h"

namespace ota {

class Worker {
 public:
  explicit Worker(std::size_t threads = 2, std::size_t longest_queue = 10000);
  // `instead` of threads; it outlives the worker.
  explicit Worker(Executor& instead);
  ~Worker();  // finishes what is queued

  // False where the queue is full or the worker ends.
  [[nodiscard]] bool post(std::function<void()> work);

 private:
  void run();

  const std::size_t longest_queue_;
  Executor* const instead_ = nullptr;
  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ OTA_GUARDED_BY(mutex_);
  bool ending_ OTA_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace ota
