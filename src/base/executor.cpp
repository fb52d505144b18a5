#include "base/executor.h"

#include <future>
#include <utility>

namespace ota {

ThreadExecutor::ThreadExecutor() : thread_([this] { run(); }) {}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void ThreadExecutor::post(Task task) {
  bool was_idle = false;
  {
    const std::lock_guard lock(mutex_);
    was_idle = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (was_idle) wake_.notify_one();
}

void ThreadExecutor::drain() {
  std::promise<void> done;
  post([&done] { done.set_value(); });
  done.get_future().wait();
}

void ThreadExecutor::run() {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace ota
