#include "cli/passphrase.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxBytes = 1024;

// The terminal without echo, for as long as this lives.
class Silence {
 public:
  explicit Silence(int fd) : fd_(fd) {
    if (::tcgetattr(fd_, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd_, TCSAFLUSH, &silent) == 0;
  }
  Silence(const Silence&) = delete;
  Silence& operator=(const Silence&) = delete;
  ~Silence() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

Result<std::string> read_line(int fd) {
  std::string line;
  char c = 0;
  while (line.size() < kMaxBytes) {
    const ssize_t got = ::read(fd, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return usage_error("no passphrase was given");
    if (c == '\n') return line;
    line += c;
  }
  return fail(Errc::kLimit, "a passphrase of more than 1024 bytes");
}

Result<std::string> ask_once(int fd, const std::string& question) {
  const Silence silence(fd);
  if (auto asked = write_all(fd, question + ": "); !asked) return asked.error();
  auto line = read_line(fd);
  (void)write_all(fd, "\n");
  return line;
}

}  // namespace

Result<std::string> ask_passphrase(const std::string& what, Asked asked) {
  const FileDescriptor terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC));
  if (!terminal) {
    return usage_error("no terminal to ask for a passphrase; use --passphrase-file");
  }
  auto first = ask_once(terminal.get(), "Passphrase of " + what);
  if (!first || asked == Asked::kOnce) return first;
  auto second = ask_once(terminal.get(), "The same again");
  if (!second) return second;
  if (*first != *second) return fail(Errc::kInvalid, "the two passphrases differ");
  return first;
}

Result<void> check_passphrase_file(const Context& context) {
  if (!context.arguments.has("--passphrase-file")) return {};
  const auto read = passphrase_from_file(context.arguments.text("--passphrase-file"));
  return read ? Result<void>() : Result<void>(read.error());
}

Result<std::string> passphrase_from_file(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_errno(errno, path);
  if ((status.st_mode & 077U) != 0) {
    return fail(Errc::kDenied, path + " is open to others; chmod 600 it");
  }
  auto content = read_file(path, kMaxBytes);
  if (!content) return content;
  return content->substr(0, content->find('\n'));
}

}  // namespace ota::cli
