// A terminal driven by ncursesw: its terminfo, its diff, its colours; one write() a frame.
//
// ncurses 6.4 sends a frame in as many write() calls as it moves the cursor (265 for a graph at
// 200x50), which is the tearing that users see. So it gets a descriptor of its own, and while it
// updates that descriptor is a memfd: the frame is then sent in one piece, inside synchronized
// output where the terminal is likely to know it. curses.h stays inside the .cpp: its macros take
// common words. Thread: UI only.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "console/graph.h"
#include "console/screen.h"
#include "console/views/scene.h"

namespace ota::console {

struct CursesOptions {
  int tty = 0;
  std::string term;  // the terminal's type
  enum class Colour : std::uint8_t { kAuto, kNone } colour = Colour::kAuto;
  enum class Synchronized : std::uint8_t { kAuto, kOff } synchronized = Synchronized::kAuto;
  std::filesystem::path log_file;  // where standard output and error go meanwhile
};

// Takes the terminal; it is given back when the screen is destroyed. kUnavailable where there is
// none, or where its type cannot move the cursor.
Result<std::unique_ptr<Screen>> open_curses_screen(const CursesOptions& options);

// What this terminal and locale can show.
ViewOptions choose_view_options(const std::string& term);

}  // namespace ota::console
