#include "console/glyphs.h"

#include <algorithm>
#include <array>
#include <utility>

namespace ota::console {
namespace {

constexpr char32_t kReplacement = 0xfffd;

struct Span {
  char32_t first;
  char32_t last;
};

// Unicode 15: East_Asian_Width W and F, and emoji that terminals draw wide; neighbouring blocks
// joined.
constexpr std::array<Span, 33> kWide{{
    {0x1100, 0x115f}, {0x231a, 0x231b}, {0x2329, 0x232a}, {0x23e9, 0x23ec}, {0x23f0, 0x23f0},
    {0x23f3, 0x23f3}, {0x25fd, 0x25fe}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267f, 0x267f},
    {0x2693, 0x2693}, {0x26a1, 0x26a1}, {0x26aa, 0x26ab}, {0x26bd, 0x26be}, {0x26c4, 0x26c5},
    {0x26ce, 0x26ce}, {0x26d4, 0x26d4}, {0x26ea, 0x26ea}, {0x26f2, 0x26f5}, {0x26fa, 0x26fd},
    {0x2705, 0x2705}, {0x270a, 0x270b}, {0x2728, 0x2728}, {0x274c, 0x274c}, {0x2753, 0x2757},
    {0x2795, 0x2797}, {0x2b1b, 0x2b1c}, {0x2e80, 0x303e}, {0x3041, 0xa4cf}, {0xa960, 0xa97c},
    {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0xfe30, 0xfe6f},
}};
constexpr std::array<Span, 4> kWideHigh{
    {{0xff00, 0xff60}, {0xffe0, 0xffe6}, {0x1f000, 0x1faff}, {0x20000, 0x3fffd}}};

// General categories Mn and Me of the scripts that names are written in; others count as one cell.
constexpr std::array<Span, 14> kCombining{{{0x0300, 0x036f},
                                           {0x0483, 0x0489},
                                           {0x0591, 0x05bd},
                                           {0x0610, 0x061a},
                                           {0x064b, 0x065f},
                                           {0x0670, 0x0670},
                                           {0x0900, 0x0902},
                                           {0x093c, 0x093c},
                                           {0x0e31, 0x0e31},
                                           {0x0e34, 0x0e3a},
                                           {0x1ab0, 0x1aff},
                                           {0x1dc0, 0x1dff},
                                           {0x20d0, 0x20ff},
                                           {0xfe00, 0xfe0f}}};

template <std::size_t N>
bool within(const std::array<Span, N>& spans, char32_t point) {
  return std::any_of(spans.begin(), spans.end(),
                     [&](const Span& span) { return point >= span.first && point <= span.last; });
}

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
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const Glyph broken{kReplacement, 1, 1};
  const unsigned char lead = byte(0);
  if (lead < 0x20 || lead == 0x7f) return broken;
  if (lead < 0x80) return {lead, 1, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length == 0 || lead > 0xf4 || text.size() < length) return broken;
  char32_t point = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return broken;
    point = (point << 6) | (byte(i) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  const bool control = point < 0xa0;
  const bool reorders = (point >= 0x200b && point <= 0x200f) ||
                        (point >= 0x2028 && point <= 0x202e) ||
                        (point >= 0x2060 && point <= 0x206f) || point == 0x61c || point == 0xfeff;
  if (point < kLeast.at(length) || point > 0x10ffff || surrogate || control || reorders) {
    return {kReplacement, length, 1};
  }
  return {point, length, cells_of(point)};
}

int cells_of(char32_t point) {
  if (point < 0x300) return 1;
  if (within(kCombining, point)) return 0;
  if (point >= 0x1100 && (within(kWide, point) || within(kWideHigh, point))) return 2;
  return 1;
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
