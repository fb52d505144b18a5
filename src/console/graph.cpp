#include "console/graph.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ota::console {
namespace {

using fleet::HistoryPoint;

std::optional<float> value_of(const HistoryPoint& point, model::Metric metric) {
  return point.values[static_cast<std::size_t>(metric)];
}

// The usual distance between two readings: the median of the last ones, so that an outage does not
// stretch it.
milliseconds usual_distance(std::span<const HistoryPoint> history) {
  std::vector<milliseconds> distances;
  for (std::size_t i = history.size(); i-- > 1 && distances.size() < 63;) {
    distances.push_back(history[i].at - history[i - 1].at);
  }
  if (distances.empty()) return milliseconds(1000);
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return std::clamp(*middle, milliseconds(100), milliseconds(60000));
}

int filled_dots(const std::optional<double>& value, const Scale& scale, int dots) {
  if (!value) return 0;
  const double share = (*value - scale.low) / (scale.high - scale.low);
  // A reading at the bottom still shows one dot: it is a reading and no gap.
  return std::clamp(static_cast<int>(std::lround(share * dots)), 1, dots);
}

// `dots` filled from below in one dot column of a Braille cell; side 0 is the left one.
char32_t braille_column(int side, int dots) {
  constexpr std::array<std::array<char32_t, 5>, 2> kBits{
      {{0x00, 0x40, 0x44, 0x46, 0x47}, {0x00, 0x80, 0xa0, 0xb0, 0xb8}}};
  return kBits.at(static_cast<std::size_t>(side))
      .at(static_cast<std::size_t>(std::clamp(dots, 0, 4)));
}

constexpr std::array<char32_t, 9> kEighths{U' ', U'▁', U'▂', U'▃', U'▄', U'▅', U'▆', U'▇', U'█'};
constexpr std::array<char32_t, 5> kAsciiFill{U' ', U'.', U':', U'#', U'#'};

int dots_high(GraphStyle style) {
  return style == GraphStyle::kBlocks ? 8 : 4;
}

// What stands in a cell whose dot columns reach `reach` dots above the cell's bottom.
char32_t cell_sign(GraphStyle style, int left, int right) {
  switch (style) {
    case GraphStyle::kBraille:
      return left <= 0 && right <= 0 ? U' '
                                     : 0x2800 + braille_column(0, left) + braille_column(1, right);
    case GraphStyle::kBlocks:
      return kEighths.at(static_cast<std::size_t>(std::clamp(left, 0, 8)));
    case GraphStyle::kAscii:
      return kAsciiFill.at(static_cast<std::size_t>(std::clamp(left, 0, 4)));
  }
  return U' ';
}

}  // namespace

int dots_per_cell(GraphStyle style) {
  return style == GraphStyle::kBraille ? 2 : 1;
}

std::vector<Column> resample(std::span<const HistoryPoint> history, model::Metric metric,
                             const Window& window, int count) {
  std::vector<Column> columns(static_cast<std::size_t>(std::max(count, 0)));
  if (columns.empty() || history.empty() || window.span.count() <= 0) return columns;
  const WallTime begin = window.end - window.span;
  const double width = static_cast<double>(window.span.count()) / count;
  const milliseconds hold = 3 * usual_distance(history);
  const auto column_of = [&](WallTime at) {
    return static_cast<long>(std::floor(static_cast<double>((at - begin).count()) / width));
  };
  for (std::size_t i = 0; i < history.size(); ++i) {
    const HistoryPoint& point = history[i];
    const auto value = value_of(point, metric);
    if (!value || point.at > window.end) continue;
    const WallTime next = i + 1 < history.size() ? history[i + 1].at : window.end;
    const WallTime until = std::min({next, point.at + hold, window.end});
    const long first = std::max(0L, column_of(point.at));
    const long last = std::min<long>(
        count - 1, std::max(column_of(point.at), column_of(until - milliseconds(1))));
    for (long c = first; c <= last; ++c) {
      Column& column = columns[static_cast<std::size_t>(c)];
      column.value = std::max<double>(column.value.value_or(*value), *value);
      column.critical = column.critical || point.level == model::Level::kCritical;
      if (c == first && static_cast<double>(point.score) >= window.alarm_score) column.alarm = true;
    }
  }
  return columns;
}

void fill_gaps(std::vector<Column>& columns, std::span<const Column> older) {
  for (std::size_t i = 0; i < std::min(columns.size(), older.size()); ++i) {
    if (!columns[i].value) columns[i] = older[i];
  }
}

void plot(const Area& area, std::span<const Column> columns, const Scale& scale, GraphStyle style) {
  if (area.empty()) return;
  const int high = dots_high(style);
  const int per_cell = dots_per_cell(style);
  const int dots = area.rows() * high;
  int limit_row = -1;
  if (scale.limit && *scale.limit >= scale.low && *scale.limit <= scale.high) {
    limit_row = area.rows() - 1 - (filled_dots(scale.limit, scale, dots) - 1) / high;
  }
  const auto reach = [&](int cell, int side) {
    const auto index = to_index(cell * per_cell + side);
    return index < columns.size() ? filled_dots(columns[index].value, scale, dots) : 0;
  };
  for (int x = 0; x < area.columns(); ++x) {
    const int left = reach(x, 0);
    const int right = per_cell == 2 ? reach(x, 1) : left;
    bool critical = false;
    bool alarm = false;
    for (int side = 0; side < per_cell; ++side) {
      const auto index = to_index(x * per_cell + side);
      if (index >= columns.size()) continue;
      critical = critical || columns[index].critical;
      alarm = alarm || columns[index].alarm;
    }
    for (int y = 0; y < area.rows(); ++y) {
      const int below = (area.rows() - 1 - y) * high;
      const char32_t sign = cell_sign(style, left - below, right - below);
      if (sign != U' ') {
        area.set(x, y, sign, {critical ? Ink::kBad : Ink::kGraph});
      } else if (y == limit_row) {
        area.set(x, y, U'┈', {Ink::kLimit});
      }
    }
    if (alarm) area.set(x, 0, U'▲', bold(Ink::kWarn));
  }
}

void sparkline(const Area& area, int x, int y, std::span<const Column> columns, const Scale& scale,
               Style style) {
  for (const Column& column : columns) {
    if (column.value) {
      area.set(x, y, kEighths.at(static_cast<std::size_t>(filled_dots(column.value, scale, 8))),
               style);
    }
    ++x;
  }
}

std::optional<Extent> extent_of(std::span<const HistoryPoint> history, model::Metric metric,
                                const Window& window) {
  Extent extent;
  double sum = 0;
  std::size_t count = 0;
  for (const HistoryPoint& point : history) {
    const auto value = value_of(point, metric);
    if (!value || point.at > window.end || point.at < window.end - window.span) continue;
    extent.now = *value;
    extent.at = point.at;
    extent.low = count == 0 ? *value : std::min<double>(extent.low, *value);
    extent.high = count == 0 ? *value : std::max<double>(extent.high, *value);
    sum += *value;
    ++count;
  }
  if (count == 0) return std::nullopt;
  extent.mean = sum / static_cast<double>(count);
  return extent;
}

}  // namespace ota::console
