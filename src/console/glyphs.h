// Characters and the cells that they take on a terminal.
//
// What is one character to a reader may be several code points: a letter and its marks, an emoji
// and its variation selector. They stay together in one cell. Which code point marks another one,
// and how wide it is, says utf8proc, whose tables do not follow the locale as the C library's
// wcwidth() does: the same screen would have another layout under LANG=C. What stands for itself on
// a terminal (each emoji of a sequence joined by U+200D, each half of a flag) takes cells of its
// own here too, as terminals disagree on more, and a layout must not.
//
// Every sign that the views draw has an ASCII stand-in here, and text that comes from outside is
// brought to ASCII by the same table. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ota::console {

// What the terminal can show.
enum class Charset : std::uint8_t { kUnicode, kAscii };

// The marks of a character, 0 where there is none; more than ncurses takes in a cell are left out.
using Marks = std::array<char32_t, 4>;

// One character of a UTF-8 text.
struct Glyph {
  char32_t point = 0;
  std::size_t bytes = 0;  // with its marks
  int cells = 0;          // 0 (a mark without its letter), 1, or 2 (wide)
  Marks marks{};
};

// The first character of `text`, which is not empty, with the marks that follow it. Bytes that are
// no UTF-8, controls, and what reorders or hides come back as U+FFFD, one code point (of broken
// text: one byte) at a time, so that a loop always ends.
Glyph first_glyph(std::string_view text);

int cells_of(char32_t point);
int cells_of(std::string_view text);

// The ASCII stand-in of a sign: one or more characters, "?" where there is none.
std::string_view ascii_for(char32_t point);

}  // namespace ota::console
