// A table of text with aligned columns, for people and for `column`-like tools.
//
// Widths are counted in characters, not bytes. The last column is never padded. Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ota::cli {

enum class Align { kLeft, kRight };

class Table {
 public:
  struct Column {
    std::string_view title;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns);

  // A row has a cell for each column; cells hold no escape sequences and no line ends.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  // The lines, the title first. `paint`, where given, colours a whole padded cell afterwards, so
  // that the escapes do not count as width.
  using Paint = std::string (*)(std::size_t column, const std::string& value,
                                const std::string& padded);
  std::string text(Paint paint = nullptr) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Characters of well-formed UTF-8.
std::size_t width_of(std::string_view text);

}  // namespace ota::cli
