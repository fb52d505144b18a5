#include "http/mailbox.h"

#include <utility>

namespace ota::http {

void Mailbox::post(Work work) {
  const MutexLock lock(mutex_);
  if (!wake_) return;  // `work` dies after the lock is gone: it may post from its destructor
  waiting_.push_back(std::move(work));
  if (waiting_.size() == 1) wake_();
}

void Mailbox::run() {
  {
    const MutexLock lock(mutex_);
    running_.swap(waiting_);
  }
  for (Work& work : running_) {
    work();
    work = nullptr;
  }
  running_.clear();
}

void Mailbox::close() {
  std::vector<Work> dropped;
  const MutexLock lock(mutex_);
  wake_ = nullptr;
  dropped.swap(waiting_);
}

}  // namespace ota::http
