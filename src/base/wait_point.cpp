#include "base/wait_point.h"

namespace ota {
namespace {

class ThreadsWaitPoint final : public WaitPoint {
 public:
  void notify_all() override { changed_.notify_all(); }

 private:
  bool wait_once(Lock& lock, MonoTime until) override {
    if (until == MonoTime::max()) {
      changed_.wait(lock);
      return true;
    }
    return changed_.wait_until(lock, until) == std::cv_status::no_timeout;
  }
  MonoTime now() const override { return std::chrono::steady_clock::now(); }

  std::condition_variable changed_;
};

}  // namespace

std::shared_ptr<WaitPoint> threads_wait_point() {
  return std::make_shared<ThreadsWaitPoint>();
}

}  // namespace ota
