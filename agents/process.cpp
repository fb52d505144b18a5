#include "agents/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/file.h"
#include "base/text.h"

namespace ota::agent {
namespace {

constexpr std::size_t kKeptOutput = 2048;
constexpr int kCannotExecute = 127;  // as a shell has it
constexpr int kLookAgainMs = 100;    // how late an interruption may be noticed

// In the child, between fork and exec: async-signal-safe calls only.
[[noreturn]] void become(const std::vector<char*>& arguments, int output) {
  ::setpgid(0, 0);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::close_range(STDERR_FILENO + 1, ~0U, 0);  // no connection or lock of ours
  ::execv(arguments[0], arguments.data());
  ::_exit(kCannotExecute);
}

void keep_tail(std::string& text, std::string_view more) {
  text += more;
  if (text.size() > kKeptOutput) text.erase(0, text.size() - kKeptOutput);
}

// Reads what there is; false at the end of the stream.
bool drain(int fd, std::string& output) {
  std::array<char, 1024> chunk{};
  while (true) {
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got > 0) {
      keep_tail(output, {chunk.data(), static_cast<std::size_t>(got)});
    } else if (got == 0) {
      return false;
    } else if (errno != EINTR) {
      return errno == EAGAIN;
    }
  }
}

std::string replaced(std::string word, std::string_view what, const std::string& with) {
  for (std::size_t at = word.find(what); at != std::string::npos;
       at = word.find(what, at + with.size())) {
    word.replace(at, what.size(), with);
  }
  return word;
}

}  // namespace

Result<ProgramEnd> run_program(const CommandLine& command, milliseconds timeout,
                               const std::atomic<bool>& interrupted) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno(errno, "pipe");
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& word : command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);

  const pid_t child = ::fork();
  if (child < 0) return fail_errno(errno, "start " + command[0]);
  if (child == 0) become(arguments, writing.get());
  writing.reset();
  ::setpgid(child, child);  // here too: whoever comes first

  ProgramEnd end;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  bool open = true;
  int status = 0;
  while (true) {
    if (open) {
      pollfd wait{reading.get(), POLLIN, 0};
      ::poll(&wait, 1, kLookAgainMs);
      open = drain(reading.get(), end.output);
    } else {
      ::poll(nullptr, 0, kLookAgainMs / 10);
    }
    const pid_t gone = ::waitpid(child, &status, WNOHANG);
    if (gone == child) break;
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (late || interrupted) {
      ::kill(-child, SIGKILL);
      ::waitpid(child, &status, 0);
      if (late) return fail(Errc::kTimeout, command[0] + " did not end in time");
      return fail(Errc::kUnavailable, command[0] + " was interrupted");
    }
  }
  drain(reading.get(), end.output);
  ::kill(-child, SIGKILL);  // what it left behind in its group
  end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  end.output = printable(end.output, kKeptOutput);
  if (end.status == kCannotExecute) return fail(Errc::kNotFound, command[0] + " cannot be started");
  return end;
}

CommandLine fill_in(const CommandLine& command, const std::string& image,
                    const std::string& version) {
  CommandLine filled;
  for (const std::string& word : command) {
    filled.push_back(replaced(replaced(word, "{image}", image), "{version}", version));
  }
  return filled;
}

}  // namespace ota::agent
