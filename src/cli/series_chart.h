// A series of any length as a picture of fixed size, for a terminal or a log: bars from the least
// to the greatest value of each column, and a caret under each column with an alarm.
//
// Columns are merged in pairs when they run out, so memory does not grow with the series. ASCII
// only. Thread: one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ota::cli {

class SeriesChart {
 public:
  enum class Mark { kNone, kAlarm };
  void add(double value, Mark mark);
  // Lines with their line feeds; empty for an empty series.
  std::string draw() const;

 private:
  struct Bucket {
    double least = 0;
    double greatest = 0;
    std::uint64_t rows = 0;
    Mark mark = Mark::kNone;
    void merge(const Bucket& other);
  };
  std::vector<Bucket> buckets_;
  std::uint64_t rows_each_ = 1;
};

}  // namespace ota::cli
