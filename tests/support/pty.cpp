#include "tests/support/pty.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <vterm.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>

#include "tests/support/wait.h"

namespace ota::test {
namespace {

using std::chrono::steady_clock;

void append_utf8(std::string& out, std::uint32_t point) {
  const auto byte = [&](std::uint32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0U | (point >> 6)), byte(0x80U | (point & 0x3fU));
  } else if (point < 0x10000) {
    byte(0xe0U | (point >> 12)), byte(0x80U | ((point >> 6) & 0x3fU)),
        byte(0x80U | (point & 0x3fU));
  } else {
    byte(0xf0U | (point >> 18)), byte(0x80U | ((point >> 12) & 0x3fU));
    byte(0x80U | ((point >> 6) & 0x3fU)), byte(0x80U | (point & 0x3fU));
  }
}

// Between fork and exec only what is async-signal-safe, but for the environment, which is the
// child's own.
[[noreturn]] void become(const Pty::Options& options, int slave) {
  ::setsid();
  ::ioctl(slave, TIOCSCTTY, 0);
  ::dup2(slave, 0);
  ::dup2(slave, 1);
  ::dup2(slave, 2);
  for (int fd = 3; fd < 256; ++fd)
    ::close(fd);
  sigset_t none;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, nullptr);
  for (const int number : {SIGPIPE, SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP})
    std::signal(number, SIG_DFL);
  for (const auto& [name, value] : options.environment) {
    if (value.empty()) {
      ::unsetenv(name.c_str());
    } else {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
  }
  std::vector<char*> arguments;
  for (const std::string& word : options.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

struct Pty::Terminal {
  Terminal(int rows, int columns) : vt(vterm_new(rows, columns)), screen(vterm_obtain_screen(vt)) {
    vterm_set_utf8(vt, 1);
    vterm_screen_enable_altscreen(screen, 1);
    vterm_screen_reset(screen, 1);
  }
  ~Terminal() { vterm_free(vt); }
  VTerm* vt;
  VTermScreen* screen;
};

Pty::Pty(const Options& options)
    : terminal_(std::make_unique<Terminal>(options.rows, options.columns)) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(options.columns);
  size.ws_row = static_cast<unsigned short>(options.rows);
  if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0)
    throw std::runtime_error("openpty");
  ::fcntl(master_, F_SETFL, O_NONBLOCK);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ == 0) become(options, slave_);
  last_byte_ = steady_clock::now();
}

Pty::~Pty() {
  if (!status_ && pid_ > 0) {
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  hang_up();
}

void Pty::hang_up() {
  if (slave_ >= 0) ::close(slave_);
  if (master_ >= 0) ::close(master_);
  slave_ = master_ = -1;
}

void Pty::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(master_, bytes.data(), bytes.size());
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    // The terminal's queue is full until the program reads it.
    if (written <= 0 && !read_some(milliseconds(100)) && errno != EAGAIN) return;
  }
}

void Pty::resize(int columns, int rows) {
  winsize size{};
  size.ws_col = static_cast<unsigned short>(columns);
  size.ws_row = static_cast<unsigned short>(rows);
  if (columns > 0 && rows > 0) vterm_set_size(terminal_->vt, rows, columns);
  ::ioctl(master_, TIOCSWINSZ, &size);
}

void Pty::signal(int number) const {
  ::kill(pid_, number);
}

bool Pty::read_some(milliseconds patience) {
  pollfd watched{master_, POLLIN, 0};
  if (master_ < 0 || ::poll(&watched, 1, static_cast<int>(patience.count())) <= 0) return false;
  std::array<char, 65536> bytes{};
  const ssize_t got = ::read(master_, bytes.data(), bytes.size());
  if (got <= 0) return false;
  last_byte_ = steady_clock::now();
  received_.append(bytes.data(), static_cast<std::size_t>(got));
  vterm_input_write(terminal_->vt, bytes.data(), static_cast<std::size_t>(got));
  vterm_screen_flush_damage(terminal_->screen);
  return true;
}

bool Pty::until(const std::function<bool()>& done, milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  while (!done()) {
    if (steady_clock::now() >= deadline) return false;
    read_some(milliseconds(20));
  }
  return true;
}

bool Pty::until_shown(std::string_view text, milliseconds patience) {
  return until([&] { return shows(text); }, patience);
}

bool Pty::until_gone(std::string_view text, milliseconds patience) {
  return until([&] { return !shows(text); }, patience);
}

void Pty::read_for(milliseconds span) {
  const auto deadline = steady_clock::now() + span;
  until([&] { return steady_clock::now() >= deadline; }, span);
}

bool Pty::until_stalled(std::string_view keys, milliseconds patience) {
  const auto unread = [&] {
    int bytes = 0;
    ::ioctl(slave_, FIONREAD, &bytes);
    return bytes;
  };
  return wait_until(
      [&] {
        if (::write(master_, keys.data(), keys.size()) <= 0) return false;
        return !wait_until([&] { return unread() == 0; }, std::chrono::seconds(2));
      },
      patience);
}

bool Pty::ended() {
  int status = 0;
  if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
  return status_.has_value();
}

std::optional<int> Pty::wait_end_unread(milliseconds patience) {
  wait_until([&] { return ended(); }, patience);
  return status_;
}

std::optional<int> Pty::wait_end(milliseconds patience) {
  until([&] { return ended(); }, patience);
  while (read_some(milliseconds(0))) {
  }
  return status_;
}

std::string Pty::screen() const {
  int rows = 0;
  int columns = 0;
  vterm_get_size(terminal_->vt, &rows, &columns);
  std::string out;
  for (int y = 0; y < rows; ++y) {
    std::string line;
    for (int x = 0; x < columns; ++x) {
      VTermScreenCell cell{};
      vterm_screen_get_cell(terminal_->screen, {y, x}, &cell);
      if (cell.chars[0] == UINT32_MAX) continue;  // the right half of a wide one
      append_utf8(line, cell.chars[0] == 0 ? ' ' : cell.chars[0]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::vector<int> Pty::open_modes() const {
  std::set<int> open;
  for (std::size_t at = received_.find("\033[?"); at != std::string::npos;
       at = received_.find("\033[?", at + 3)) {
    std::size_t end = at + 3;
    while (end < received_.size() &&
           ((received_[end] >= '0' && received_[end] <= '9') || received_[end] == ';'))
      ++end;
    if (end >= received_.size() || (received_[end] != 'h' && received_[end] != 'l')) continue;
    std::stringstream numbers(received_.substr(at + 3, end - at - 3));
    for (std::string number; std::getline(numbers, number, ';');) {
      const int mode = std::atoi(number.c_str());
      if (received_[end] == 'h') {
        open.insert(mode);
      } else {
        open.erase(mode);
      }
    }
  }
  open.erase(25);  // the cursor: on is how a shell wants it
  open.erase(7);   // wrapping, too
  return {open.begin(), open.end()};
}

bool Pty::cursor_shown() const {
  const std::size_t on = received_.rfind("\033[?25h");
  const std::size_t off = received_.rfind("\033[?25l");
  if (off == std::string::npos) return true;
  return on != std::string::npos && on > off;
}

bool Pty::cooked() const {
  termios settings{};
  if (::tcgetattr(slave_, &settings) != 0) return false;
  return (settings.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) &&
         (settings.c_iflag & ICRNL) != 0 && (settings.c_oflag & OPOST) != 0;
}

namespace {

long cpu_ms_of(const std::string& stat_path) {
  std::ifstream file(stat_path);
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::stringstream fields(text.substr(text.rfind(')') + 1));
  std::string field;
  long user = 0;
  long system = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i) {
    if (i == 14) user = std::atol(field.c_str());
    if (i == 15) system = std::atol(field.c_str());
  }
  return (user + system) * 1000 / ::sysconf(_SC_CLK_TCK);
}

long field_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return std::atol(line.c_str() + name.size());
  }
  return -1;
}

}  // namespace

ThreadCost main_thread_cost(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/task/" + std::to_string(pid);
  return {cpu_ms_of(folder + "/stat"), field_of(folder + "/status", "voluntary_ctxt_switches:")};
}

long process_cpu_ms(pid_t pid) {
  return cpu_ms_of("/proc/" + std::to_string(pid) + "/stat");
}

long resident_kib(pid_t pid) {
  return field_of("/proc/" + std::to_string(pid) + "/status", "VmRSS:");
}

}  // namespace ota::test
