// Text that comes from outside, made safe to show and to store. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ota {

// The text with everything removed that could act on a terminal or reorder a line: C0 and C1
// controls, DEL, ESC sequences' introducers, bidirectional controls, zero-width and line
// separators, invalid UTF-8 (each replaced by '?'), and cut to at most `max_bytes` at a character's
// border. Tabs and line feeds become blanks.
std::string printable(std::string_view text, std::size_t max_bytes = 1024);

// True where the text is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most
// U+10FFFF).
bool is_utf8(std::string_view text);

std::vector<std::string> split(std::string_view text, char separator);
// The lines of `text`, without their line ends.
std::vector<std::string> lines_of(std::string_view text);

// "17", "1.5", "-": a number with at most `decimals` digits after the point.
std::string format_number(double value, int decimals);
// "512 B", "4.0 KiB", "12.5 MiB".
std::string format_bytes(unsigned long long count);

}  // namespace ota
