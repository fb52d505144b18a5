#include "base/worker.h"

#include <utility>

namespace ota {

Worker::Worker(std::size_t threads, std::size_t longest_queue) : longest_queue_(longest_queue) {
  for (std::size_t i = 0; i < threads; ++i)
    threads_.emplace_back([this] { run(); });
}

Worker::Worker(Executor& instead) : longest_queue_(0), instead_(&instead) {}

Worker::~Worker() {
  {
    const MutexLock lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    thread.join();
}

bool Worker::post(std::function<void()> work) {
  if (instead_ != nullptr) {
    instead_->post(std::move(work));
    return true;
  }
  {
    const MutexLock lock(mutex_);
    if (ending_ || queue_.size() >= longest_queue_) return false;
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return true;
}

void Worker::run() {
  while (true) {
    std::function<void()> work;
    {
      const MutexLock lock(mutex_);
      while (!ending_ && queue_.empty())
        wake_.wait(mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace ota
