// Where decisions are made: tasks run one after the other, in the order in which they were posted.
// Who wants something decided posts a task and is answered by a call; nobody waits for a lock.
//
// A task is short (the fleet's take under 5 ms): work over many devices is cut into slices, each of
// which posts the next, so that what others post meanwhile comes in between.
//
// In production a thread of its own (ThreadExecutor); in tests run by hand; in a simulator driven
// by virtual time.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace ota {

class Executor {
 public:
  using Task = std::function<void()>;
  virtual ~Executor() = default;
  // Runs `task` after all that was posted before. Any thread, also from a task.
  virtual void post(Task task) = 0;
  // Returns when all that was posted before this call has run. Not from a task.
  virtual void drain() = 0;
};

class ThreadExecutor final : public Executor {
 public:
  ThreadExecutor();
  ~ThreadExecutor() override;  // runs what was posted
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Task task) override;
  void drain() override;

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace ota
