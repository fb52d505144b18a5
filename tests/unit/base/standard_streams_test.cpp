// In children, since it is about the descriptors that a process has.
#include "base/standard_streams.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include "tests/support/catch.h"

using namespace ota;

namespace {

// The exit status of `body` in a process of its own.
template <class Body>
int in_child(Body body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

}  // namespace

TEST_CASE("a standard output that was closed is not the next file that is opened", "[base]") {
  const int status = in_child([] {
    ::close(STDOUT_FILENO);
    open_standard_streams();
    const int next = ::open("/dev/null", O_RDWR);
    const bool writable = ::write(STDOUT_FILENO, "x", 1) == 1;
    return next > STDERR_FILENO && !writable ? 0 : 1;
  });
  CHECK(status == 0);
}

TEST_CASE("a program whose standard output is full or closed does not end with a success",
          "[base]") {
  const auto ends_on = [](const char* path, int code) {
    return in_child([=] {
      const int file = ::open(path, O_WRONLY);
      if (file < 0) return 99;
      ::dup2(file, STDOUT_FILENO);
      ::close(STDERR_FILENO);
      std::fputs("an answer", stdout);
      return end_standard_output("test", code);
    });
  };
  CHECK(ends_on("/dev/full", 0) == 1);
  CHECK(ends_on("/dev/full", 3) == 3);
  CHECK(ends_on("/dev/null", 0) == 0);
}

TEST_CASE("a reader that has closed its end of a pipe is known to be gone", "[base]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  CHECK_FALSE(reader_gone(ends[1]));
  ::close(ends[0]);
  CHECK(reader_gone(ends[1]));
  ::close(ends[1]);
}
