#include "console/canvas.h"

#include <algorithm>

#include "base/assert.h"

namespace ota::console {
namespace {

void append_utf8(std::string& out, char32_t point) {
  const auto byte = [&](char32_t value) { out += static_cast<char>(value); };
  if (point < 0x80) {
    byte(point);
  } else if (point < 0x800) {
    byte(0xc0 | (point >> 6)), byte(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    byte(0xe0 | (point >> 12)), byte(0x80 | ((point >> 6) & 0x3f)), byte(0x80 | (point & 0x3f));
  } else {
    byte(0xf0 | (point >> 18)), byte(0x80 | ((point >> 12) & 0x3f));
    byte(0x80 | ((point >> 6) & 0x3f)), byte(0x80 | (point & 0x3f));
  }
}

void append_utf8(std::string& out, char32_t point, const Marks& marks) {
  append_utf8(out, point);
  for (const char32_t mark : marks) {
    if (mark != 0) append_utf8(out, mark);
  }
}

// The text as this charset can show it: what is left is drawn one character a glyph.
std::string shown_in(Charset charset, std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    if (charset == Charset::kAscii && glyph.point >= 0x80) {
      out += ascii_for(glyph.point);
    } else if (glyph.point == 0xfffd) {
      out += '?';
    } else if (glyph.cells > 0) {
      append_utf8(out, glyph.point, charset == Charset::kAscii ? Marks{} : glyph.marks);
    }
    text.remove_prefix(glyph.bytes);
  }
  return out;
}

}  // namespace

Canvas::Canvas(Size size, Charset charset)
    : size_{std::max(size.columns, 0), std::max(size.rows, 0)},
      charset_(charset),
      cells_(static_cast<std::size_t>(size_.columns) * static_cast<std::size_t>(size_.rows)) {}

const Cell& Canvas::at(int x, int y) const {
  OTA_ASSERT(x >= 0 && y >= 0 && x < size_.columns && y < size_.rows);
  return cells_[static_cast<std::size_t>(y) * static_cast<std::size_t>(size_.columns) +
                static_cast<std::size_t>(x)];
}

Cell& Canvas::cell(int x, int y) {
  return const_cast<Cell&>(at(x, y));
}

// A cell of a wide character is about to be overwritten: its other half must not stay behind.
void Canvas::blank_wide(int x, int y) {
  Cell& old = cell(x, y);
  if (old.cells == 2 && x + 1 < size_.columns) cell(x + 1, y) = Cell{U' ', {}, old.style, 1};
  if (old.cells == 0 && x > 0) cell(x - 1, y) = Cell{U' ', {}, old.style, 1};
}

void Canvas::set(int x, int y, char32_t point, const Marks& marks, Style style) {
  if (x < 0 || y < 0 || x >= size_.columns || y >= size_.rows) return;
  if (charset_ == Charset::kAscii && point >= 0x80) {
    point = static_cast<char32_t>(ascii_for(point).front());
  }
  const int cells = cells_of(point);
  if (cells == 0) return;
  if (cells == 2 && x + 1 >= size_.columns) return set(x, y, U' ', style);
  blank_wide(x, y);
  cell(x, y) = Cell{point, marks, style, static_cast<std::uint8_t>(cells)};
  if (cells == 2) {
    blank_wide(x + 1, y);
    cell(x + 1, y) = Cell{U' ', {}, style, 0};
  }
}

std::string Canvas::row(int y) const {
  std::string out;
  for (int x = 0; x < size_.columns; ++x) {
    const Cell& here = at(x, y);
    if (here.cells > 0) append_utf8(out, here.point, here.marks);
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

std::string Canvas::text() const {
  std::string out;
  for (int y = 0; y < size_.rows; ++y) {
    out += row(y) + '\n';
  }
  return out;
}

Area::Area(Canvas& canvas) : canvas_(&canvas), size_(canvas.size()) {}

Area Area::part(int x, int y, int columns, int rows) const {
  const int left = std::clamp(x, 0, std::max(size_.columns, 0));
  const int top = std::clamp(y, 0, std::max(size_.rows, 0));
  const int right = std::clamp(x + columns, left, std::max(size_.columns, left));
  const int bottom = std::clamp(y + rows, top, std::max(size_.rows, top));
  return {*canvas_, x_ + left, y_ + top, {right - left, bottom - top}};
}

void Area::set(int x, int y, char32_t point, Style style, const Marks& marks) const {
  if (x < 0 || y < 0 || x + cells_of(point) > size_.columns || y >= size_.rows) return;
  canvas_->set(x_ + x, y_ + y, point, marks, style);
}

int Area::put(int x, int y, std::string_view text, Style style, int cells) const {
  if (y < 0 || y >= size_.rows || x < 0) return x;
  const std::string shown = shown_in(charset(), text);
  const int room = std::min(cells, size_.columns - x);
  if (room <= 0) return x;
  const bool cut = cells_of(shown) > room;
  const int end = x + (cut ? room - 1 : room);
  std::string_view rest = shown;
  while (!rest.empty()) {
    const Glyph glyph = first_glyph(rest);
    if (x + glyph.cells > end) break;
    set(x, y, glyph.point, style, glyph.marks);
    x += glyph.cells;
    rest.remove_prefix(glyph.bytes);
  }
  if (cut) set(x++, y, U'…', style);
  return x;
}

void Area::put_right(int end, int y, std::string_view text, Style style) const {
  const int cells = cells_of(shown_in(charset(), text));
  put(std::max(0, end - cells), y, text, style, std::max(0, std::min(cells, end)));
}

void Area::fill(int y, char32_t point, Style style) const {
  for (int x = 0; x < size_.columns; ++x) {
    set(x, y, point, style);
  }
}

void Area::clear() const {
  for (int y = 0; y < size_.rows; ++y) {
    fill(y, U' ');
  }
}

void Area::rule(int y, std::string_view title, std::string_view note) const {
  fill(y, U'─', {Ink::kDim});
  int used = 1;
  if (!title.empty()) {
    used = put(1, y, " " + std::string(title) + " ", bold(Ink::kTitle), size_.columns - 2);
  }
  const int needed = cells_of(note) + 2;
  if (!note.empty() && used + needed + 1 < size_.columns) {
    put(size_.columns - 1 - needed, y, " " + std::string(note) + " ", {Ink::kDim});
  }
}

void Area::highlight(int y) const {
  if (y < 0 || y >= size_.rows) return;
  for (int x = 0; x < size_.columns; ++x) {
    const Cell here = canvas_->at(x_ + x, y_ + y);
    if (here.cells == 0) continue;
    Style style = here.style;
    style.reverse = true;
    canvas_->set(x_ + x, y_ + y, here.point, here.marks, style);
  }
}

std::string pad(std::string_view text, int cells) {
  std::string out(text);
  const int missing = cells - cells_of(text);
  if (missing > 0) out.append(static_cast<std::size_t>(missing), ' ');
  return out;
}

std::string pad_left(std::string_view text, int cells) {
  const int missing = cells - cells_of(text);
  return missing > 0 ? std::string(static_cast<std::size_t>(missing), ' ') + std::string(text)
                     : std::string(text);
}

}  // namespace ota::console
