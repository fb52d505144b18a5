#include "cli/series_chart.h"

#include "base/text.h"
#include "tests/support/catch.h"

using ota::cli::SeriesChart;

TEST_CASE("a chart has the same width for ten rows and for a million, and marks its alarms",
          "[cli]") {
  CHECK(SeriesChart().draw().empty());
  for (const int rows : {1, 10, 1000, 1000000}) {
    SeriesChart chart;
    for (int i = 0; i < rows; ++i) {
      chart.add(i, i == rows - 1 ? SeriesChart::Mark::kAlarm : SeriesChart::Mark::kNone);
    }
    const auto lines = ota::lines_of(chart.draw());
    REQUIRE(lines.size() >= 11);
    for (const auto& line : lines)
      CHECK(line.size() <= 76);
    CHECK(lines[10].back() == '^');
  }
}

TEST_CASE("a constant series is drawn", "[cli]") {
  SeriesChart chart;
  for (int i = 0; i < 5; ++i)
    chart.add(7, SeriesChart::Mark::kNone);
  CHECK(chart.draw().find('#') != std::string::npos);
}
