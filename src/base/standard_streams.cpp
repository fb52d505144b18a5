#include "base/standard_streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <initializer_list>

namespace ota {

// As gnulib's stdopen does it: the lowest free descriptor is the one that is missing.
void open_standard_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The wrong way round, so that a read or a write fails and is noticed.
    const int opened = ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    if (opened >= 0 && opened != fd) ::close(opened);
  }
}

int end_standard_output(const char* program, int code) {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  if (std::fflush(stdout) == 0 && !failed_before) return code;
  const int why = errno;
  if (why != EPIPE && !reader_gone(STDOUT_FILENO)) {
    std::fprintf(stderr, "%s: standard output: %s; what it should hold is not complete\n", program,
                 why != 0 ? std::strerror(why) : "a write failed");
  }
  return code == 0 ? 1 : code;
}

bool reader_gone(int fd) {
  pollfd entry{fd, 0, 0};
  return ::poll(&entry, 1, 0) > 0 && (entry.revents & (POLLERR | POLLHUP)) != 0;
}

}  // namespace ota
