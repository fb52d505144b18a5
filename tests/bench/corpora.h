// The labelled public telemetry and how a detector is judged on it (the rules of score.py in
// shared/telemetry), for benchmarks.
//
// The data is not part of the repository. It is looked for in $OTA_TELEMETRY, then in
// ../shared/telemetry and ../../shared/telemetry; `gzip` unpacks it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace ota::bench {

using Event = std::pair<std::size_t, std::size_t>;  // first and last row, both in it

struct Series {
  std::string name;
  std::size_t metrics = 0;
  std::size_t start = 0;  // the first row that is judged
  std::vector<WallTime> times;
  std::vector<double> values;  // row by row; NaN where a row lacks the metric
  std::vector<Event> events;
  std::size_t rows() const { return times.size(); }
};

struct Corpus {
  std::string name;
  std::size_t late = 0;  // rows after an event in which an alarm is still for it
  std::vector<Series> series;
};

// In the order of their names; nothing where the data is not there.
std::optional<std::vector<Corpus>> load_corpora();

// What alarms amount to. Of NAB its standard profile, 100 being perfect; of the others F1 of found
// events, with precision found / (found + false alarms).
struct Tally {
  std::size_t found = 0;
  std::size_t events = 0;
  std::size_t false_alarms = 0;
  double nab = 0;                   // NAB's raw score
  double days = 0;                  // judged
  std::vector<std::size_t> delays;  // of found events: rows from their first one

  void add(const Corpus& corpus, const Series& series, const std::vector<std::size_t>& alarms);
  double value(const Corpus& corpus) const;
};

}  // namespace ota::bench
