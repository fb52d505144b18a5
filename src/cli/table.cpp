#include "cli/table.h"

#include <algorithm>

#include "base/assert.h"

namespace ota::cli {

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells) {
  OTA_ASSERT(cells.size() == columns_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::text(Paint paint) const {
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    std::size_t width = width_of(columns_[c].title);
    for (const auto& row : rows_)
      width = std::max(width, width_of(row[c]));
    widths.push_back(width);
  }
  const auto padded = [&](std::size_t c, std::string_view cell) {
    const std::string blanks(widths[c] - width_of(cell), ' ');
    if (columns_[c].align == Align::kRight) return blanks + std::string(cell);
    return c + 1 == columns_.size() ? std::string(cell) : std::string(cell) + blanks;
  };
  std::string out;
  for (std::size_t c = 0; c < columns_.size(); ++c)
    out += (c == 0 ? "" : "  ") + padded(c, columns_[c].title);
  out += '\n';
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string cell = padded(c, row[c]);
      line += (c == 0 ? "" : "  ") + (paint ? paint(c, row[c], cell) : cell);
    }
    // An empty last cell leaves no trailing blanks.
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

}  // namespace ota::cli
