// Characters and the cells that they take on a terminal.
//
// The width table is ours, not the C library's: wcwidth() follows the locale, so the same screen
// would have another layout under LANG=C. Every sign that the views draw has an ASCII stand-in
// here, and text that comes from outside is brought to ASCII by the same table. Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace ota::console {

// What the terminal can show.
enum class Charset : std::uint8_t { kUnicode, kAscii };

// One character of a UTF-8 text.
struct Glyph {
  char32_t point = 0;
  std::size_t bytes = 0;
  int cells = 0;  // 0 (combining), 1, or 2 (wide)
};

// The first character of `text`, which is not empty. Bytes that are no UTF-8, and controls, come
// back as U+FFFD, one byte at a time, so that a loop always ends.
Glyph first_glyph(std::string_view text);

int cells_of(char32_t point);
int cells_of(std::string_view text);

// The ASCII stand-in of a sign: one or more characters, "?" where there is none.
std::string_view ascii_for(char32_t point);

}  // namespace ota::console
