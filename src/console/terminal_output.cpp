#include "console/terminal_output.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>

namespace ota::console {
namespace {

// The terminal itself, also where it was opened as /dev/tty.
unsigned device_of(int tty) {
  unsigned device = 0;
  return ::ioctl(tty, TIOCGDEV, &device) == 0 ? device : 0;
}

}  // namespace

FileDescriptor open_output(int tty) {
  const unsigned wanted = device_of(tty);
  for (const std::string& path :
       {"/proc/self/fd/" + std::to_string(tty), std::string("/dev/tty")}) {
    FileDescriptor opened(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (opened && device_of(opened.get()) == wanted) return opened;
  }
  return FileDescriptor(::fcntl(tty, F_DUPFD_CLOEXEC, 3));
}

Sent send_bytes(int fd, std::string_view bytes, milliseconds limit, int interrupt) {
  using std::chrono::steady_clock;
  const auto begin = steady_clock::now();
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    if (written >= 0 || errno == EINTR) continue;
    if (errno != EAGAIN) return Sent::kGone;
    int patience = -1;
    if (limit >= milliseconds(0)) {
      const auto left = limit - std::chrono::floor<milliseconds>(steady_clock::now() - begin);
      if (left <= milliseconds(0)) return Sent::kLate;
      patience = static_cast<int>(left.count());
    }
    // poll() ignores a descriptor of -1.
    std::array<pollfd, 2> watched{{{fd, POLLOUT, 0}, {interrupt, POLLIN, 0}}};
    ::poll(watched.data(), watched.size(), patience);
    if (watched[1].revents != 0) return Sent::kInterrupted;
  }
  return Sent::kAll;
}

}  // namespace ota::console
