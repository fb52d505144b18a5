#include "tests/support/tty_writes.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>

namespace ota::test {
namespace {

bool is_terminal(pid_t pid, std::uint64_t fd) {
  std::error_code error;
  const auto target = std::filesystem::read_symlink(
      "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(fd), error);
  return target.string().starts_with("/dev/pts/") || target == "/dev/tty";
}

bool enters_write(pid_t pid) {
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return false;
  return info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_write &&
         is_terminal(pid, info.entry.args[0]);
}

// Which signal goes on to the program after a stop that is not a system call's.
int signal_of(int status) {
  return (status >> 16) == 0 ? WSTOPSIG(status) : 0;
}

}  // namespace

long count_tty_writes(Pty& pty, milliseconds span) {
  using std::chrono::steady_clock;
  const pid_t pid = pty.pid();
  if (::ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) != 0)
    throw std::system_error(errno, std::generic_category(), "ptrace");
  ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
  const auto deadline = steady_clock::now() + span;
  long writes = 0;
  bool leaving = false;
  for (;;) {
    if (!leaving && steady_clock::now() >= deadline) {
      leaving = true;
      ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
    }
    int status = 0;
    if (::waitpid(pid, &status, __WALL | WNOHANG) != pid) {
      pty.read_for(milliseconds(1));
      continue;
    }
    if (!WIFSTOPPED(status)) return writes;
    const bool call = WSTOPSIG(status) == (SIGTRAP | 0x80);
    if (call && enters_write(pid)) ++writes;
    const int signal = call ? 0 : signal_of(status);
    if (leaving) {  // whatever it stopped for
      ::ptrace(PTRACE_DETACH, pid, nullptr, signal);
      return writes;
    }
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, signal);
  }
}

}  // namespace ota::test
