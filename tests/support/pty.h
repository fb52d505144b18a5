// A program on a terminal of its own, read back through libvterm: what a person would see and type.
//
// Everything waits for a condition with a deadline; nothing sleeps. The child is killed when the
// object goes.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ota::test {

using std::chrono::milliseconds;

class Pty {
 public:
  struct Options {
    std::vector<std::string> command;
    std::map<std::string, std::string> environment;  // over the test's own; "" removes
    int columns = 80;
    int rows = 24;
  };
  explicit Pty(const Options& options);
  ~Pty();
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  pid_t pid() const { return pid_; }
  void send(std::string_view bytes);
  void resize(int columns, int rows);
  void signal(int number) const;
  // Closes the terminal, as a lost connection does.
  void hang_up();

  // Reads what comes until `done` says so; false after `patience`.
  bool until(const std::function<bool()>& done, milliseconds patience = milliseconds(10000));
  bool until_shown(std::string_view text, milliseconds patience = milliseconds(10000));
  bool until_gone(std::string_view text, milliseconds patience = milliseconds(10000));
  // Reads for this long, whatever comes.
  void read_for(milliseconds span);
  // Types `keys` again and again, and reads nothing, until the program takes none any more: it
  // waits for its terminal. False where it still does after `patience`.
  bool until_stalled(std::string_view keys, milliseconds patience = milliseconds(30000));
  // The child's wait status, without a byte being read meanwhile.
  std::optional<int> wait_end_unread(milliseconds patience);
  // The child's wait status, once it has ended.
  std::optional<int> wait_end(milliseconds patience = milliseconds(10000));

  // The screen's text, one line a row, blanks at ends removed.
  std::string screen() const;
  bool shows(std::string_view text) const { return screen().find(text) != std::string::npos; }
  // Every byte that came.
  const std::string& received() const { return received_; }
  std::chrono::steady_clock::time_point last_byte() const { return last_byte_; }
  // The modes (CSI ? n h) that were set and not reset, without the cursor and wrapping.
  std::vector<int> open_modes() const;
  bool cursor_shown() const;
  // Whether echo and line editing are on, as a shell wants them.
  bool cooked() const;

 private:
  struct Terminal;
  bool read_some(milliseconds patience);
  bool ended();
  std::unique_ptr<Terminal> terminal_;
  int master_ = -1;
  int slave_ = -1;  // kept open, so that its settings can be read after the child has ended
  pid_t pid_ = -1;
  std::optional<int> status_;
  std::string received_;
  std::chrono::steady_clock::time_point last_byte_;
};

// CPU time in milliseconds and voluntary context switches of a process' main thread, from /proc.
struct ThreadCost {
  long cpu_ms = 0;
  long wakeups = 0;
};
ThreadCost main_thread_cost(pid_t pid);
// Of all threads.
long process_cpu_ms(pid_t pid);
long resident_kib(pid_t pid);

}  // namespace ota::test
