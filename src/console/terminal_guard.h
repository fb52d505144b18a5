// Gives the terminal back, whatever ends the program: a return, a signal, a crash, an abort, a
// stack overflow, a sanitizer's report.
//
// While the guard is entered, a constant string and the old termios lie ready, and handlers of the
// fatal signals write them (write and tcsetattr are async-signal-safe), say one line and let the
// signal have its way. SIGKILL alone cannot be caught: `ota-console --reset-tty` repairs the screen
// after it. Standard output and error go to a log file meanwhile, so that nothing that a library
// prints paints the screen.
//
// One guard a process: a signal handler can reach its state only through a global. Thread: UI only.
#pragma once

#include <termios.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/result.h"

namespace ota::console {

// Blocks the signals that the UI reads from its signalfd, in this thread and in all that it starts,
// and sets the locale of characters. Call first of all in main(), before any thread is there.
void block_signals();

// The signals that block_signals() blocks; for a child, or for the signalfd.
const sigset_t& ui_signals();

// Gives the calling thread an alternate stack for the handlers, without which a stack overflow
// cannot restore the terminal. The UI's thread gets one by itself; other threads may.
void protect_thread();

class TerminalGuard {
 public:
  // `restore` brings the terminal's modes back; at most 256 bytes.
  TerminalGuard(int tty, std::string restore, std::filesystem::path log_file);
  ~TerminalGuard();
  TerminalGuard(const TerminalGuard&) = delete;
  TerminalGuard& operator=(const TerminalGuard&) = delete;

  // Raw keys, output to the log. Errors leave the terminal as it was.
  Result<void> enter();
  // The terminal as it was before enter().
  void leave();
  // Raw keys again, where curses has set its own.
  void set_raw();

 private:
  int tty_;
  std::string restore_;
  std::filesystem::path log_file_;
  termios raw_{};
  FileDescriptor old_output_;
  FileDescriptor old_error_;
};

// Writes what brings any usual terminal out of the modes that a console killed by SIGKILL left.
void reset_terminal(int tty);

}  // namespace ota::console
