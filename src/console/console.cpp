#include "console/console.h"

#include <unistd.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "console/app.h"
#include "console/curses_screen.h"
#include "console/script.h"

namespace ota::console {
namespace {

std::string environment(const char* name) {
  const char* value =
      std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets variables
  return value == nullptr ? std::string() : value;
}

int run_on(Screen& screen, Backend& backend, const Clock& clock, const ViewOptions& view,
           Driver* driver) {
  const auto inbox = std::make_shared<Inbox>();
  backend.on_change([inbox] { inbox->notify(); });
  Ui ui(backend, inbox, clock, view);
  App app(ui, screen, inbox, clock);
  const int code = app.run(driver);
  backend.on_change(nullptr);
  return code;
}

int run_script(const Options& options, Backend& backend, const Clock& clock) {
  const auto steps = read_script(options.script);
  if (!steps) {
    std::fprintf(stderr, "ota-console: %s\n", steps.error().text().c_str());
    return 2;
  }
  MemoryScreen screen(options.script_size);
  ScriptDriver driver(*steps, screen);
  const bool ascii = options.signs == Options::Signs::kAscii;
  ViewOptions view = ascii ? ViewOptions{Charset::kAscii, GraphStyle::kAscii} : ViewOptions{};
  view.access = options.access;
  return run_on(screen, backend, clock, view, &driver);
}

}  // namespace

int run(const Options& options, Backend& backend, const Clock& clock) {
  std::setlocale(LC_CTYPE, "");
  if (!options.script.empty()) return run_script(options, backend, clock);
  CursesOptions curses;
  curses.tty = STDIN_FILENO;
  curses.term = environment("TERM");
  if (!environment("NO_COLOR").empty()) curses.colour = CursesOptions::Colour::kNone;
  if (options.synchronized == Options::Synchronized::kOff) {
    curses.synchronized = CursesOptions::Synchronized::kOff;
  }
  curses.log_file = options.log_file;
  const bool terminals = ::isatty(STDIN_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0;
  auto screen = terminals ? open_curses_screen(curses)
                          : Result<std::unique_ptr<Screen>>(fail(
                                Errc::kUnavailable, "standard input or output is no terminal"));
  if (!screen) {
    std::fprintf(stderr,
                 "ota-console: %s\n"
                 "Without a terminal: `ota-console --headless` serves, `otactl watch` shows the "
                 "fleet line by line.\n",
                 screen.error().context.c_str());
    return 2;
  }
  ViewOptions view = choose_view_options(curses.term);
  if (options.signs == Options::Signs::kAscii) view = {Charset::kAscii, GraphStyle::kAscii};
  view.access = options.access;
  return run_on(**screen, backend, clock, view, nullptr);
}

}  // namespace ota::console
