#include "console/glyphs.h"

#include <utf8proc.h>

#include <array>
#include <utility>

namespace ota::console {
namespace {

constexpr char32_t kReplacement = 0xfffd;

// As the first one of `text`: its length in bytes; 0 where they are no UTF-8.
std::size_t decode(std::string_view text, char32_t& point) {
  utf8proc_int32_t decoded = 0;
  const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                       static_cast<utf8proc_ssize_t>(text.size()), &decoded);
  if (length <= 0) return 0;
  point = static_cast<char32_t>(decoded);
  return static_cast<std::size_t>(length);
}

// Whether it may be drawn at all. Controls act on the terminal, formats (Cf) reorder or hide what
// stands beside them, and what is not assigned has no width that two programs would agree on.
bool is_shown(char32_t point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(point))) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    default:
      return true;
  }
}

// What nearly all of a screen is made of, and needs no table: letters and digits, frames, bars, and
// the dots of graphs (the last two blocks of Unicode's, each a cell wide and never marked).
bool is_printable_ascii(char byte) {
  return byte >= 0x20 && byte < 0x7f;
}
bool is_drawing(char32_t point) {
  return (point >= 0x2500 && point <= 0x259f) || (point >= 0x2800 && point <= 0x28ff);
}

// Above all letters of ASCII and Latin-1, which are most of a screen and need no table.
constexpr char32_t kFirstMark = 0x300;

constexpr std::array<std::pair<char32_t, std::string_view>, 52> kAscii{{
    {U'─', "-"},  {U'━', "="},  {U'│', "|"},  {U'┌', "+"},  {U'┐', "+"},  {U'└', "+"},
    {U'┘', "+"},  {U'├', "+"},  {U'┤', "+"},  {U'┬', "+"},  {U'┴', "+"},  {U'┼', "+"},
    {U'┈', "-"},  {U'▸', ">"},  {U'▾', "v"},  {U'▲', "^"},  {U'▼', "v"},  {U'█', "#"},
    {U'▓', "#"},  {U'▒', ":"},  {U'░', "."},  {U'▁', "_"},  {U'▂', "_"},  {U'▃', "."},
    {U'▄', "."},  {U'▅', ":"},  {U'▆', ":"},  {U'▇', "#"},  {U'✓', "+"},  {U'✗', "x"},
    {U'•', "*"},  {U'·', "."},  {U'…', "~"},  {U'→', "->"}, {U'←', "<-"}, {U'–', "-"},
    {U'—', "-"},  {U'‘', "'"},  {U'’', "'"},  {U'“', "\""}, {U'”', "\""}, {U'°', " deg "},
    {U'±', "+-"}, {U'×', "x"},  {U'≥', ">="}, {U'≤', "<="}, {U'≠', "!="}, {U'µ', "u"},
    {U'ä', "ae"}, {U'ö', "oe"}, {U'ü', "ue"}, {U'ß', "ss"},
}};

}  // namespace

Glyph first_glyph(std::string_view text) {
  Glyph glyph;
  if (text.empty()) return {kReplacement, 1, 1};
  if (is_printable_ascii(text.front())) {
    glyph.point = static_cast<unsigned char>(text.front());
    glyph.bytes = 1;
    glyph.cells = 1;
  } else {
    glyph.bytes = decode(text, glyph.point);
    if (glyph.bytes == 0) return {kReplacement, 1, 1};
    if (is_drawing(glyph.point)) {
      glyph.cells = 1;
      return glyph;
    }
    if (!is_shown(glyph.point)) return {kReplacement, glyph.bytes, 1};
    glyph.cells = cells_of(glyph.point);
  }
  std::size_t count = 0;
  while (glyph.bytes < text.size()) {
    char32_t next = 0;
    const std::string_view rest = text.substr(glyph.bytes);
    if (static_cast<unsigned char>(rest.front()) < 0x80) break;
    const std::size_t length = decode(rest, next);
    if (length == 0 || next < kFirstMark || !is_shown(next) || cells_of(next) > 0) break;
    if (count < glyph.marks.size()) glyph.marks.at(count++) = next;
    glyph.bytes += length;
  }
  return glyph;
}

int cells_of(char32_t point) {
  if (point < kFirstMark) return 1;
  return utf8proc_charwidth(static_cast<utf8proc_int32_t>(point));
}

int cells_of(std::string_view text) {
  int cells = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    cells += glyph.cells;
    text.remove_prefix(glyph.bytes);
  }
  return cells;
}

std::string_view ascii_for(char32_t point) {
  for (const auto& [sign, stand_in] : kAscii) {
    if (sign == point) return stand_in;
  }
  return "?";
}

}  // namespace ota::console
