// Graphs of filled areas over time, in Braille dots, in blocks or in ASCII.
//
// Two steps, both pure: resample() brings readings to one value for each dot column of a time
// window, and leaves a gap where there is no fresh reading; plot() fills an area from it. A gap
// stays blank: old data never looks live.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "console/canvas.h"
#include "fleet/snapshot.h"

namespace ota::console {

enum class GraphStyle : std::uint8_t {
  kBraille,  // 2 by 4 dots a cell
  kBlocks,   // 1 by 8
  kAscii,    // 1 by 4, drawn as . : #
};

// Dot columns that a cell has in this style.
int dots_per_cell(GraphStyle style);

struct Window {
  WallTime end;
  milliseconds span{};
  double alarm_score = 1;  // from which a reading is an alarm

  WallTime begin() const { return end - span; }
};

struct Column {
  std::optional<double> value;  // the highest reading of the column's time; none: a gap
  bool critical = false;        // the verdict was
  bool alarm = false;           // the anomaly score reached its threshold: an incident began
};

// The readings of one metric as `count` columns over the window. A reading stands until the next
// one, but at most three times the usual distance of readings.
std::vector<Column> resample(std::span<const fleet::HistoryPoint> history, model::Metric metric,
                             const Window& window, int count);

struct Scale {
  double low = 0;
  double high = 100;
  std::optional<double> limit;  // drawn as a line
};

// Takes from `older` what `columns` have no reading for: the stored minutes behind the readings
// that are in memory. Both of the same window and number.
void fill_gaps(std::vector<Column>& columns, std::span<const Column> older);

// Fills the area from its bottom; columns go from left to right, dots_per_cell() of them a cell. An
// alarm is a ▲ in the top row of its cell.
void plot(const Area& area, std::span<const Column> columns, const Scale& scale, GraphStyle style);

// The columns as one row of text, one cell each: "▁▂▅█", blanks for gaps.
void sparkline(const Area& area, int x, int y, std::span<const Column> columns, const Scale& scale,
               Style style);

struct Extent {
  double now = 0;
  WallTime at;  // of `now`
  double low = 0;
  double mean = 0;
  double high = 0;
};
// Over the readings within the window; none where there are none. `now` is the newest one.
std::optional<Extent> extent_of(std::span<const fleet::HistoryPoint> history, model::Metric metric,
                                const Window& window);

}  // namespace ota::console
