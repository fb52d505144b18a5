#include "console/inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace ota::console {

Inbox::Inbox() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void Inbox::wake() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the UI is woken anyway.
  [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

void Inbox::post(std::function<void()> function) {
  const MutexLock lock(mutex_);
  functions_.push_back(std::move(function));
  if (!std::exchange(posted_, true)) wake();
}

void Inbox::notify() {
  const MutexLock lock(mutex_);
  changed_ = true;
  if (std::exchange(armed_, false)) wake();
}

void Inbox::run() {
  std::vector<std::function<void()>> functions;
  {
    const MutexLock lock(mutex_);
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
    posted_ = false;
    functions.swap(functions_);
  }
  for (const auto& function : functions) {
    function();
  }
}

bool Inbox::arm() {
  const MutexLock lock(mutex_);
  armed_ = !changed_;
  return changed_;
}

void Inbox::take_changes() {
  const MutexLock lock(mutex_);
  changed_ = false;
  armed_ = false;
}

}  // namespace ota::console
