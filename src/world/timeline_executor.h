// An executor on virtual time: the strand and the workers of a server in a world.
//
// What is posted runs in its order, each task a drawn moment after the one before it. Thread: the
// world's.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "base/executor.h"
#include "world/random.h"
#include "world/timeline.h"

namespace ota::world {

class TimelineExecutor final : public Executor {
 public:
  // Each task comes at most `latest` after it could.
  TimelineExecutor(Timeline& timeline, Random random, milliseconds latest)
      : timeline_(timeline), random_(random), latest_(latest) {}

  void post(Task task) override {
    tasks_.push_back(std::move(task));
    if (tasks_.size() == 1 && !running_) schedule();
  }
  void drain() override {
    while (!tasks_.empty())
      run_one();
  }

 private:
  void schedule() {
    timeline_.after(random_.between(milliseconds(0), latest_),
                    [this, alive = std::weak_ptr<int>(alive_)] {
                      if (alive.expired() || tasks_.empty()) return;
                      run_one();
                      if (!tasks_.empty()) schedule();
                    });
  }
  void run_one() {
    const Task task = std::move(tasks_.front());
    tasks_.pop_front();
    running_ = true;
    task();
    running_ = false;
  }

  Timeline& timeline_;
  Random random_;
  milliseconds latest_;
  std::deque<Task> tasks_;
  bool running_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace ota::world
