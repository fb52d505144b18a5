// Columns that fit: a narrow screen drops the least important ones whole and never cuts a number.
// Pure.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "console/canvas.h"

namespace ota::console {

// As a column's priority: not shown, however much room there is.
inline constexpr int kHidden = -1;

struct TableColumn {
  std::string_view title;
  int width = 0;
  int priority = 0;  // 0 is never dropped; the highest goes first
  enum class Align : unsigned char { kLeft, kRight } align = Align::kLeft;
  int grows = 0;  // up to this much wider where there is room
};

class Table {
 public:
  Table(std::vector<TableColumn> columns, int left, int width) : columns_(std::move(columns)) {
    for (const TableColumn& column : columns_)
      shown_.push_back(column.priority != kHidden);
    while (needed() > width - left && drop_one()) {
    }
    int spare = std::max(0, width - left - needed());
    // Room that is left goes to the columns of words at the right first.
    for (std::size_t i = columns_.size(); i-- > 0;) {
      const int more = shown_[i] ? std::min(columns_[i].grows, spare) : 0;
      columns_[i].width += more;
      spare -= more;
    }
    int x = left;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      place_.push_back(x);
      if (shown_[i]) x += columns_[i].width + 1;
    }
  }

  void header(const Area& area, int y) const {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      cell(area, y, i, columns_[i].title, {Ink::kDim});
  }
  // Nothing where the column is not shown.
  void cell(const Area& area, int y, std::size_t column, std::string_view text,
            Style style = {}) const {
    if (!shown_.at(column)) return;
    const TableColumn& spec = columns_[column];
    if (spec.align == TableColumn::Align::kRight && cells_of(text) <= spec.width) {
      area.put_right(place_[column] + spec.width, y, text, style);
    } else {
      area.put(place_[column], y, text, style, spec.width);
    }
  }
  bool shows(std::size_t column) const { return shown_.at(column); }
  int place(std::size_t column) const { return place_.at(column); }
  int width(std::size_t column) const { return columns_.at(column).width; }

 private:
  int needed() const {
    int sum = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (shown_[i]) sum += columns_[i].width + 1;
    }
    return sum - 1;
  }
  bool drop_one() {
    std::size_t worst = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!shown_[i] || columns_[i].priority == 0) continue;
      if (worst == columns_.size() || columns_[i].priority > columns_[worst].priority) worst = i;
    }
    if (worst == columns_.size()) return false;
    shown_[worst] = false;
    return true;
  }

  std::vector<TableColumn> columns_;
  std::vector<bool> shown_;
  std::vector<int> place_;
};

}  // namespace ota::console
