// Executors that a test drives: one that runs what is posted when the test says so, and one that
// runs it at once.
#pragma once

#include <deque>
#include <utility>

#include "base/executor.h"

namespace ota::test {

// Thread: one.
class HandExecutor : public Executor {
 public:
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  void drain() override { run(); }
  // The oldest task; false: there is none.
  bool run_one() {
    if (tasks_.empty()) return false;
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    task();
    return true;
  }
  std::size_t run() {
    std::size_t count = 0;
    while (run_one())
      ++count;
    return count;
  }
  std::size_t waiting() const { return tasks_.size(); }

 private:
  std::deque<Task> tasks_;
};

// Runs a task before post() returns, and what that posts after it. Thread: one.
class ImmediateExecutor final : public HandExecutor {
 public:
  void post(Task task) override {
    HandExecutor::post(std::move(task));
    if (running_) return;
    running_ = true;
    run();
    running_ = false;
  }

 private:
  bool running_ = false;
};

}  // namespace ota::test
