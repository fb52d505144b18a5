// The picture of a screen as a grid of cells, and the areas that views draw into.
//
// A view never touches a terminal: it draws here, and a Screen brings the grid to a tty, to a file
// or to a test. What lies outside of an area is dropped, a wide character is never cut in half, and
// a Canvas of Charset::kAscii holds ASCII alone, whatever was drawn. Thread: one at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "console/glyphs.h"

namespace ota::console {

// What a cell means; the theme gives it a colour. Nothing is told by colour alone.
enum class Ink : std::uint8_t {
  kText,
  kDim,     // rules, units, what is secondary
  kTitle,   // tab bar, headings
  kGood,    // ONLINE, pass, succeeded
  kBusy,    // UPDATING, progress
  kWarn,    // watch, ROLLBACK
  kBad,     // BLOCKED, FAILED, errors
  kGraph,   // the filled area of a graph
  kLimit,   // its threshold line
  kAccent,  // keys in hints
};
inline constexpr std::size_t kInkCount = 10;

struct Style {
  Ink ink = Ink::kText;
  bool bold = false;
  bool reverse = false;
  bool operator==(const Style&) const = default;
};
constexpr Style bold(Ink ink = Ink::kText) {
  return {ink, true, false};
}
constexpr Style reversed(Ink ink = Ink::kText) {
  return {ink, false, true};
}

struct Cell {
  char32_t point = U' ';
  Marks marks{};
  Style style;
  std::uint8_t cells = 1;  // 2: wide; 0: the right half of the wide one before
  bool operator==(const Cell&) const = default;
};

struct Size {
  int columns = 0;
  int rows = 0;
  bool operator==(const Size&) const = default;
};

class Canvas {
 public:
  Canvas(Size size, Charset charset);

  Size size() const { return size_; }
  Charset charset() const { return charset_; }
  // (0, 0) is the upper left; both must be inside.
  const Cell& at(int x, int y) const;
  // One character; nothing happens outside. Wide where it takes two cells and both are inside.
  void set(int x, int y, char32_t point, Style style) { set(x, y, point, Marks{}, style); }
  void set(int x, int y, char32_t point, const Marks& marks, Style style);
  // The row as UTF-8, blanks at its end removed.
  std::string row(int y) const;
  // All rows, each with a line feed.
  std::string text() const;
  bool operator==(const Canvas&) const = default;

 private:
  Cell& cell(int x, int y);
  void blank_wide(int x, int y);
  Size size_;
  Charset charset_;
  std::vector<Cell> cells_;
};

// A rectangle of a canvas with coordinates of its own. Cheap to copy; the canvas outlives it.
class Area {
 public:
  explicit Area(Canvas& canvas);

  int columns() const { return size_.columns; }
  int rows() const { return size_.rows; }
  Charset charset() const { return canvas_->charset(); }
  bool empty() const { return size_.columns <= 0 || size_.rows <= 0; }

  // The part from (x, y), cut to what is inside of this one.
  Area part(int x, int y, int columns, int rows) const;

  void set(int x, int y, char32_t point, Style style = {}, const Marks& marks = {}) const;
  // Draws from (x, y) in at most `cells` cells (less where the area ends); what does not fit ends
  // in an ellipsis. Returns the column behind the last cell drawn.
  int put(int x, int y, std::string_view text, Style style = {}, int cells = 1 << 16) const;
  // The same, ending before column `end`.
  void put_right(int end, int y, std::string_view text, Style style = {}) const;
  void fill(int y, char32_t point, Style style = {}) const;
  void clear() const;
  // A row of ─ with a title at the left and a note at the right.
  void rule(int y, std::string_view title, std::string_view note = {}) const;
  // Gives the row's cells this look and keeps their characters.
  void highlight(int y) const;

 private:
  Area(Canvas& canvas, int x, int y, Size size) : canvas_(&canvas), x_(x), y_(y), size_(size) {}
  Canvas* canvas_;
  int x_ = 0;
  int y_ = 0;
  Size size_;
};

// A count or position on the screen, which is not negative, as an index.
constexpr std::size_t to_index(int position) {
  return static_cast<std::size_t>(position);
}

// Blanks behind `text` up to `cells`, or before it: for columns.
std::string pad(std::string_view text, int cells);
std::string pad_left(std::string_view text, int cells);

}  // namespace ota::console
