#include "console/curses_screen.h"

#include <curses.h>
#include <fcntl.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <term.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdio>

#include "base/file.h"
#include "console/terminal_guard.h"
#include "console/terminal_output.h"

#undef columns  // term.h has a macro of this name

namespace ota::console {
namespace {

constexpr std::string_view kBeginFrame = "\033[?2026h";
constexpr std::string_view kEndFrame = "\033[?2026l";
constexpr std::string_view kPasteOn = "\033[?2004h";
constexpr std::string_view kPasteOff = "\033[?2004l";
constexpr milliseconds kLastWords{200};

struct Palette {
  short low;   // of 8 colours
  short high;  // of 256
};
// In the order of Ink. Chosen to stay apart for red-green blindness; the words say it anyway.
constexpr std::array<Palette, kInkCount> kPalette{{{-1, -1},
                                                   {-1, 245},
                                                   {COLOR_CYAN, 80},
                                                   {COLOR_GREEN, 78},
                                                   {COLOR_BLUE, 75},
                                                   {COLOR_YELLOW, 221},
                                                   {COLOR_RED, 203},
                                                   {COLOR_CYAN, 73},
                                                   {COLOR_YELLOW, 179},
                                                   {COLOR_CYAN, 117}}};

std::string terminfo_string(const char* name) {
  const char* text = ::tigetstr(name);
  return text == nullptr || text == reinterpret_cast<const char*>(-1) ? std::string() : text;
}

// Padding such as "$<5>" has no meaning on a real terminal any more.
std::string without_padding(std::string text) {
  for (std::size_t at = text.find("$<"); at != std::string::npos; at = text.find("$<")) {
    const std::size_t end = text.find('>', at);
    text.erase(at, end == std::string::npos ? std::string::npos : end - at + 1);
  }
  return text;
}

bool is_modern(const std::string& term) {
  constexpr std::array<std::string_view, 10> kKnown{
      "xterm", "tmux", "screen", "rxvt", "foot", "kitty", "alacritty", "vte", "gnome", "konsole"};
  return std::any_of(kKnown.begin(), kKnown.end(),
                     [&](std::string_view name) { return term.starts_with(name); });
}

std::string to_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const std::string_view piece = text.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = (bits << 8) | (j < piece.size() ? static_cast<unsigned char>(piece[j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      out += j <= piece.size() ? kDigits[(bits >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

void update() {
  ::wnoutrefresh(stdscr);
  ::doupdate();
}

// Polled, never read: the loop's own signalfd takes the signal.
FileDescriptor watch_for_leaving() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT, SIGTSTP})
    sigaddset(&signals, signal);
  return FileDescriptor(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
}

class CursesScreen final : public Screen {
 public:
  explicit CursesScreen(const CursesOptions& options) : options_(options), tty_(options.tty) {}
  ~CursesScreen() override { close(); }

  Result<void> open();

  int input() const override { return tty_; }
  Size size() override { return size_; }
  milliseconds present(const Canvas& canvas) override;
  void resized() override;
  void forget() override { repaint_ = true; }
  void copy(std::string_view text) override {
    send("\033]52;c;" + to_base64(text.substr(0, kMostCopied)) + "\a");
  }
  void suspend() override;

 private:
  Size ask_size() const;
  void set_colours();
  void put_row(const Canvas& canvas, int y);
  // Runs a step of ncurses into the memfd; returns what it would have sent.
  template <class Step>
  std::string caught(const Step& step);
  // A frame that a waiting signal cut short is drawn anew.
  void send(std::string_view bytes);
  void give_back();
  void close();

  CursesOptions options_;
  int tty_;
  bool modern_ = false;
  bool colours_ = false;
  bool repaint_ = true;
  Size size_{80, 24};
  FILE* output_ = nullptr;
  FileDescriptor real_;  // the tty, kept while ncurses' descriptor is the memfd
  FileDescriptor out_;   // the same one for frames, never blocking
  FileDescriptor frame_;
  FileDescriptor leaving_;  // readable while a signal waits that takes the screen from us
  SCREEN* screen_ = nullptr;
  std::unique_ptr<TerminalGuard> guard_;
  Canvas shown_{{0, 0}, Charset::kUnicode};
};

Size CursesScreen::ask_size() const {
  winsize size{};
  if (::ioctl(tty_, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) {
    return size_;  // serial lines and some containers report 0x0: keep what we have
  }
  return {std::min<int>(size.ws_col, 1000), std::min<int>(size.ws_row, 500)};
}

Result<void> CursesScreen::open() {
  int problem = 0;
  if (::setupterm(options_.term.c_str(), tty_, &problem) != OK) {
    return fail(Errc::kUnavailable, "terminal type '" + options_.term + "' is not known here");
  }
  if (terminfo_string("cup").empty()) {
    return fail(Errc::kUnavailable, "terminal type '" + options_.term + "' cannot move its cursor");
  }
  modern_ = is_modern(options_.term);
  const bool modes = modern_ && options_.synchronized == CursesOptions::Synchronized::kAuto;
  std::string restore;
  if (modes) restore += kEndFrame;
  if (modern_) restore += kPasteOff;
  for (const char* name : {"sgr0", "rmkx", "cnorm", "rmcup"})
    restore += without_padding(terminfo_string(name));
  restore += "\r";
  if (terminfo_string("rmcup").empty()) restore += "\n";
  real_ = FileDescriptor(::fcntl(tty_, F_DUPFD_CLOEXEC, 3));
  out_ = open_output(tty_);
  frame_ = FileDescriptor(::memfd_create("frame", MFD_CLOEXEC));
  leaving_ = watch_for_leaving();
  output_ = ::fdopen(::fcntl(tty_, F_DUPFD_CLOEXEC, 3), "w");
  if (!real_ || !out_ || !frame_ || !leaving_ || output_ == nullptr)
    return fail_errno(errno, "opening the terminal");
  guard_ = std::make_unique<TerminalGuard>(out_.get(), restore, options_.log_file);
  if (auto entered = guard_->enter(); !entered) return entered;
  // The size comes from the terminal, whatever LINES and COLUMNS say.
  ::use_env(FALSE);
  ::use_tioctl(TRUE);
  // Without their handlers: ours are set, and the others are blocked.
  screen_ = ::newterm(options_.term.c_str(), output_, stdin);
  if (screen_ == nullptr) {
    guard_->leave();
    return fail(Errc::kUnavailable, "terminal type '" + options_.term + "' has too few abilities");
  }
  ::typeahead(-1);  // waiting keys must not stop an update half-way
  ::curs_set(0);
  ::leaveok(stdscr, TRUE);
  set_colours();
  guard_->set_raw();
  size_ = ask_size();
  ::resizeterm(size_.rows, size_.columns);
  if (modern_) send(kPasteOn);
  return boost::system::in_place_value;
}

void CursesScreen::set_colours() {
  if (options_.colour == CursesOptions::Colour::kNone || !::has_colors()) return;
  ::start_color();
  ::use_default_colors();
  for (std::size_t i = 1; i < kInkCount; ++i) {
    const Palette& palette = kPalette.at(i);
    ::init_pair(static_cast<short>(i), COLORS >= 256 ? palette.high : palette.low, -1);
  }
  colours_ = true;
}

void CursesScreen::put_row(const Canvas& canvas, int y) {
  for (int x = 0; x < canvas.size().columns; ++x) {
    const Cell& cell = canvas.at(x, y);
    if (cell.cells == 0) continue;
    attr_t attributes = A_NORMAL;
    if (cell.style.bold) attributes |= A_BOLD;
    if (cell.style.reverse) attributes |= A_REVERSE;
    if (!colours_ && cell.style.ink == Ink::kDim) attributes |= A_DIM;
    std::array<wchar_t, 1 + std::tuple_size_v<Marks> + 1> text{static_cast<wchar_t>(cell.point)};
    std::transform(cell.marks.begin(), cell.marks.end(), text.begin() + 1,
                   [](char32_t mark) { return static_cast<wchar_t>(mark); });
    cchar_t character{};
    const auto pair = colours_ ? static_cast<short>(cell.style.ink) : short{0};
    if (::setcchar(&character, text.data(), attributes, pair, nullptr) != OK) {
      text.at(1) = L'\0';  // a mark that this C library takes for a letter
      ::setcchar(&character, text.data(), attributes, pair, nullptr);
    }
    // The last cell of the screen is written and reported as an error: ncurses cannot move on from
    // it.
    mvadd_wch(y, x, &character);
  }
}

template <class Step>
std::string CursesScreen::caught(const Step& step) {
  const int descriptor = ::fileno(output_);
  ::dup2(frame_.get(), descriptor);
  step();
  ::dup2(real_.get(), descriptor);
  const off_t size = ::lseek(frame_.get(), 0, SEEK_CUR);
  std::string bytes(static_cast<std::size_t>(std::max<off_t>(size, 0)), '\0');
  const ssize_t got = ::pread(frame_.get(), bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  ::lseek(frame_.get(), 0, SEEK_SET);
  return bytes;
}

void CursesScreen::send(std::string_view bytes) {
  // A terminal that went away is found by the loop's poll.
  if (send_bytes(out_.get(), bytes, kNoLimit, leaving_.get()) != Sent::kAll) repaint_ = true;
}

milliseconds CursesScreen::present(const Canvas& canvas) {
  const bool fits = canvas.size() == shown_.size();
  if (!repaint_ && fits && canvas == shown_) return milliseconds(0);
  if (repaint_) ::clearok(curscr, TRUE);
  if (!fits || repaint_) ::werase(stdscr);
  for (int y = 0; y < canvas.size().rows; ++y) {
    bool same = fits && !repaint_;
    for (int x = 0; same && x < canvas.size().columns; ++x)
      same = canvas.at(x, y) == shown_.at(x, y);
    if (!same) put_row(canvas, y);
  }
  repaint_ = false;
  shown_ = canvas;
  std::string bytes = caught(update);
  if (bytes.empty()) return milliseconds(0);
  if (modern_ && options_.synchronized == CursesOptions::Synchronized::kAuto) {
    bytes.insert(0, kBeginFrame);
    bytes += kEndFrame;
  }
  const auto begin = std::chrono::steady_clock::now();
  send(bytes);
  return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begin);
}

void CursesScreen::resized() {
  const Size now = ask_size();
  size_ = now;
  // Also where it is the same: the terminal may have moved our cells about.
  ::resizeterm(now.rows, now.columns);
  repaint_ = true;
}

// What curses says at its end is worth no wait: the guard's own words restore the terminal as well.
void CursesScreen::give_back() {
  const std::string bytes = caught([] { ::endwin(); });
  send_bytes(out_.get(), bytes, kLastWords);
  guard_->leave();
}

void CursesScreen::suspend() {
  give_back();
  // As the terminal's ^Z does it: the whole group stops, and we with it where the default action is
  // unblocked.
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  struct sigaction ours {};
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGTSTP, &standard, &ours);
  ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
  ::kill(0, SIGTSTP);
  // -- stopped here until SIGCONT --
  ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  ::sigaction(SIGTSTP, &ours, nullptr);
  static_cast<void>(guard_->enter());
  resized();
  // ncurses takes its screen up again: the picture itself comes with the next frame.
  static_cast<void>(caught(update));
  guard_->set_raw();
  send(without_padding(terminfo_string("smcup")));
  send(without_padding(terminfo_string("civis")));
  if (modern_) send(kPasteOn);
  repaint_ = true;
}

void CursesScreen::close() {
  if (screen_ != nullptr) {
    give_back();
    ::delscreen(screen_);
    screen_ = nullptr;
  }
  if (output_ != nullptr) {
    ::fclose(output_);
    output_ = nullptr;
  }
}

}  // namespace

Result<std::unique_ptr<Screen>> open_curses_screen(const CursesOptions& options) {
  if (::isatty(options.tty) == 0)
    return fail(Errc::kUnavailable, "standard input or output is no terminal");
  auto screen = std::make_unique<CursesScreen>(options);
  if (auto opened = screen->open(); !opened) return opened.error();
  return std::unique_ptr<Screen>(std::move(screen));
}

ViewOptions choose_view_options(const std::string& term) {
  const char* codeset = ::nl_langinfo(CODESET);
  if (codeset == nullptr || std::string_view(codeset) != "UTF-8")
    return {Charset::kAscii, GraphStyle::kAscii};
  // The kernel's console has 512 glyphs at most: blocks, no Braille.
  if (term == "linux" || term.starts_with("vt")) return {Charset::kUnicode, GraphStyle::kBlocks};
  return {Charset::kUnicode, GraphStyle::kBraille};
}

}  // namespace ota::console
