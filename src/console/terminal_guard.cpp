#include "console/terminal_guard.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <clocale>
#include <csignal>
#include <cstring>
#include <memory>
#include <string_view>

#include "console/terminal_output.h"

// Of the sanitizers' runtime, where the program has one: called before a report ends the program,
// which raises no signal.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*called)());  // NOLINT
// Of UBSan's: beside AddressSanitizer, g++'s has a runtime of its own, that calls nobody and would
// end by _exit(). So its report raises SIGABRT.
extern "C" const char* __ubsan_default_options() {  // NOLINT
  return "abort_on_error=1";
}

namespace ota::console {
namespace {

// What the handlers need. Written before `active` is set and after it is cleared; read by handlers
// alone.
struct Rescue {
  std::atomic<bool> active{false};
  int tty = -1;
  termios before{};
  std::array<char, 256> restore{};
  std::size_t restore_size = 0;
};
Rescue rescue;  // NOLINT: a signal handler has no other way to its state

constexpr std::array kFatal{SIGSEGV, SIGBUS, SIGILL,  SIGFPE, SIGABRT, SIGQUIT,
                            SIGTRAP, SIGSYS, SIGTERM, SIGHUP, SIGINT};

// For a terminal that reads slowly: whoever ends the program waits for it.
constexpr milliseconds kRestorePatience{500};

// Async-signal-safe.
void give_back() {
  if (!rescue.active.exchange(false)) return;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);  // from the background tcsetattr would stop us
  sigset_t before;
  ::pthread_sigmask(SIG_BLOCK, &stop, &before);
  const std::string_view restore(rescue.restore.data(), rescue.restore_size);
  if (send_bytes(rescue.tty, restore, kRestorePatience) == Sent::kLate) {
    // Nobody has read the picture: it makes room for what ends it.
    ::tcflush(rescue.tty, TCOFLUSH);
    send_bytes(rescue.tty, restore, milliseconds(0));
  }
  ::tcsetattr(rescue.tty, TCSANOW, &rescue.before);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Gives the terminal back and says on it what ended the program. Async-signal-safe.
void give_back_and_say(std::string_view ended_by) {
  if (!rescue.active.load()) return;
  const int tty = rescue.tty;
  give_back();
  for (const std::string_view part : {std::string_view("ota-console: ended by "), ended_by,
                                      std::string_view("; its log says more\r\n")})
    send_bytes(tty, part, milliseconds(0));
}

void on_fatal(int signal) {
  std::array<char, 10> words{'s', 'i', 'g', 'n', 'a', 'l', ' '};
  std::size_t size = 7;
  if (signal >= 10) words.at(size++) = static_cast<char>('0' + signal / 10);
  words.at(size++) = static_cast<char>('0' + signal % 10);
  give_back_and_say({words.data(), size});
  // SA_RESETHAND: the default is in force again, and the core dump shows the place of the fault.
  ::raise(signal);
}

void on_sanitizer_report() {
  give_back_and_say("a sanitizer's report");
}

void install_handlers() {
  struct sigaction action {};
  action.sa_handler = on_fatal;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND | SA_NODEFER);
  sigemptyset(&action.sa_mask);
  for (const int signal : kFatal) {
    ::sigaction(signal, &action, nullptr);
  }
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(on_sanitizer_report);
  }
}

// On a first start the log's folder is not there yet: who else makes it runs beside the screen.
// Whatever fails, nothing may paint the screen.
FileDescriptor open_log(const std::filesystem::path& file) {
  if (!file.empty()) {
    static_cast<void>(make_directories(file.parent_path(), 0700));
    FileDescriptor log(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (log) return log;
  }
  return FileDescriptor(::open("/dev/null", O_WRONLY | O_CLOEXEC));
}

}  // namespace

const sigset_t& ui_signals() {
  static const sigset_t kSignals = [] {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : {SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGHUP, SIGINT})
      sigaddset(&set, signal);
    return set;
  }();
  return kSignals;
}

void block_signals() {
  std::setlocale(LC_CTYPE, "");
  ::pthread_sigmask(SIG_BLOCK, &ui_signals(), nullptr);
  // A peer that goes away is an error of the write, and no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
}

void protect_thread() {
  // 64 KiB: the handlers need little, but a sanitizer's report wants room.
  constexpr std::size_t kSize = 64U << 10;
  struct Stack {
    std::unique_ptr<char[]> memory = std::make_unique<char[]>(kSize);
    Stack() {
      stack_t stack{};
      stack.ss_sp = memory.get();
      stack.ss_size = kSize;
      ::sigaltstack(&stack, nullptr);
    }
    ~Stack() {
      stack_t off{};
      off.ss_flags = SS_DISABLE;
      ::sigaltstack(&off, nullptr);
    }
  };
  static thread_local const Stack kStack;
  static_cast<void>(kStack);
}

TerminalGuard::TerminalGuard(int tty, std::string restore, std::filesystem::path log_file)
    : tty_(tty), restore_(std::move(restore)), log_file_(std::move(log_file)) {}

TerminalGuard::~TerminalGuard() {
  leave();
}

Result<void> TerminalGuard::enter() {
  if (rescue.active.load()) return fail(Errc::kConflict, "the terminal is in use");
  if (::tcgetattr(tty_, &rescue.before) != 0)
    return fail_errno(errno, "reading the terminal's settings");
  protect_thread();
  rescue.tty = tty_;
  rescue.restore_size = std::min(restore_.size(), rescue.restore.size());
  std::memcpy(rescue.restore.data(), restore_.data(), rescue.restore_size);
  rescue.active.store(true);
  install_handlers();
  raw_ = rescue.before;
  raw_.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR | IXON | ISTRIP);
  raw_.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ECHONL | IEXTEN);
  // ^C and ^Z come as keys; ^\ stays a signal: the way out of a console that hangs.
  raw_.c_cc[VINTR] = _POSIX_VDISABLE;
  raw_.c_cc[VSUSP] = _POSIX_VDISABLE;
  raw_.c_cc[VMIN] = 1;
  raw_.c_cc[VTIME] = 0;
  set_raw();
  if (const FileDescriptor target = open_log(log_file_)) {
    old_output_ = FileDescriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3));
    old_error_ = FileDescriptor(::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    ::dup2(target.get(), STDOUT_FILENO);
    ::dup2(target.get(), STDERR_FILENO);
  }
  return boost::system::in_place_value;
}

void TerminalGuard::set_raw() {
  // Without waiting for what was sent: how output is treated does not change.
  ::tcsetattr(tty_, TCSANOW, &raw_);
}

void TerminalGuard::leave() {
  give_back();
  if (old_output_) ::dup2(old_output_.get(), STDOUT_FILENO);
  if (old_error_) ::dup2(old_error_.get(), STDERR_FILENO);
  old_output_.reset();
  old_error_.reset();
}

void reset_terminal(int tty) {
  constexpr std::string_view kReset =
      "\033[?2026l\033[?2004l\033[?1000l\033[?1002l\033[?1003l\033[?1006l\033[?1l\033>\033[?7h\033["
      "r\033[0m\033(B"
      "\033[?25h\033[?1049l\r";
  static_cast<void>(write_all(tty, kReset));
  termios settings{};
  if (::tcgetattr(tty, &settings) != 0) return;
  settings.c_iflag |= ICRNL | IXON | BRKINT;
  settings.c_oflag |= OPOST | ONLCR;
  settings.c_lflag |= ICANON | ECHO | ECHOE | ECHOK | ISIG | IEXTEN;
  settings.c_cc[VINTR] = 3;
  settings.c_cc[VSUSP] = 26;
  ::tcsetattr(tty, TCSADRAIN, &settings);
}

}  // namespace ota::console
