#include "anomaly/replay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include "anomaly/csv_rows.h"
#include "anomaly/limit.h"
#include "anomaly/metric_model.h"
#include "anomaly/score.h"
#include "base/text.h"
#include "model/telemetry.h"

namespace ota::anomaly {
namespace {

using model::Level;

struct Column {
  std::string name;
  MetricModel model;
  Surprise surprise;
  std::optional<LimitRule> rule;
  LimitWatch limit;
  double value = 0;
  bool fresh = false;  // in the row at hand
};

std::optional<LimitRule> rule_for(const std::string& column, const model::Thresholds& thresholds) {
  const auto metric = model::parse_metric(column);
  if (!metric) return std::nullopt;
  LimitRule rule = limit_rule(thresholds, *metric);
  // Recorded rows are minutes apart, so no gap is too long to speak for what was between them.
  rule.longest_gap = milliseconds::max();
  return rule;
}

// Whether a column of that name can mean what the limit is about: a percentage, with room for
// rounding, or degrees Celsius. It is bytes, a count or a share of many cores otherwise.
bool fits_limit(const std::string& column, double value) {
  constexpr double kMostPercent = 110;
  constexpr double kColdest = -60;
  constexpr double kHottest = 200;
  if (model::parse_metric(column) == model::Metric::kTemp) {
    return value >= kColdest && value <= kHottest;
  }
  return value >= 0 && value <= kMostPercent;
}

// As it is written: cut, so that what is below the threshold stays below it in print.
double written(double score) {
  constexpr double kDigits = 1e6;
  return std::floor(score * kDigits) / kDigits;
}

// A number for people, in at most six digits.
std::string shown(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

std::string one_in(double surprise) {
  constexpr double kSure = 9;
  return "1 in " + format_number(std::pow(10.0, std::min(surprise, kSure)), 0);
}

class Replay {
 public:
  Replay(const std::vector<std::string>& names, const model::Thresholds& thresholds)
      : threshold_(thresholds.anomaly_score_threshold) {
    for (const std::string& name : names) {
      Column& column = columns_.emplace_back();
      column.name = name;
      column.rule = rule_for(name, thresholds);
    }
    surprises_.reserve(names.size());
  }

  // The line for this row; valid until the next.
  const std::string& judge(const CsvRow& row, ReplayRow& seen) {
    surprises_.clear();
    worst_ = nullptr;
    Level level = Level::kStable;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Column& column = columns_[i];
      column.fresh = row.values[i].has_value();
      if (!column.fresh) continue;
      take(column, *row.values[i], row.at);
      if (surprises_.size() == 1) seen.first_value = column.value;
      level = std::max(level, column.limit.level());
    }
    const double raw = written(score_of(joint_.observe(surprises_)));
    seen.stamp = row.stamp;
    seen.score = written(filter_.filter(raw, threshold_));
    seen.alarm = seen.score >= threshold_;
    if (raw >= threshold_) level = std::max(level, Level::kWatch);
    write_line(seen, level, raw >= threshold_);
    return line_;
  }

 private:
  void take(Column& column, double value, WallTime at) {
    column.value = value;
    column.surprise = column.model.observe(value, at);
    if (column.rule && !fits_limit(column.name, value)) {
      column.rule.reset();
      column.limit = {};
    }
    if (column.rule) column.limit.observe(*column.rule, value, at);
    surprises_.push_back(column.surprise.combined());
    if (worst_ == nullptr || column.surprise.combined() > worst_->surprise.combined()) {
      worst_ = &column;
    }
  }

  void write_line(const ReplayRow& seen, Level level, bool unusual) {
    std::array<char, 32> score{};
    std::snprintf(score.data(), score.size(), "%.6f", seen.score);
    line_.assign(seen.stamp);
    line_ += ',';
    line_ += score.data();
    line_ += ',';
    line_ += model::to_text(level);
    line_ += ',';
    bool first = true;
    for (const Column& column : columns_) {
      if (column.limit.level() == Level::kStable) continue;
      line_ += first ? "" : "; ";
      first = false;
      line_ +=
          column.name + " " + shown(column.value) + " with a limit of " + shown(column.rule->limit);
    }
    if (unusual && worst_ != nullptr) {
      line_ += first ? "" : "; ";
      append_worst();
      if (!seen.alarm) line_ += "; the alarm for it was given";
    }
    line_ += '\n';
  }

  // The most surprising column, and at most two others that are at least half as much so.
  void append_worst() {
    constexpr std::size_t kMost = 3;
    const double enough = worst_->surprise.combined() / 2;
    std::vector<const Column*> shown_columns;
    for (const Column& column : columns_) {
      if (column.fresh && column.surprise.combined() >= enough) shown_columns.push_back(&column);
    }
    std::stable_sort(shown_columns.begin(), shown_columns.end(), [](const auto* a, const auto* b) {
      return a->surprise.combined() > b->surprise.combined();
    });
    const std::size_t further = shown_columns.size() - std::min(kMost, shown_columns.size());
    shown_columns.resize(shown_columns.size() - further);
    for (const Column* column : shown_columns) {
      if (column != shown_columns.front()) line_ += "; ";
      append_unusual(*column);
    }
    if (further > 0) line_ += "; " + std::to_string(further) + " more";
  }

  void append_unusual(const Column& column) {
    for (const char c : column.name)  // the line is a row of a CSV file too
      line_ += c == '"' ? '\'' : c == ',' ? ';' : c;
    line_ += " " + shown(column.value) + " where " + shown(column.model.expected()) + " +- " +
             shown(column.model.spread()) + " is usual (" +
             one_in(std::max(column.surprise.level, column.surprise.context)) + ")";
  }

  double threshold_;
  std::vector<Column> columns_;
  std::vector<double> surprises_;
  const Column* worst_ = nullptr;
  JointModel joint_;
  AlarmFilter filter_;
  std::string line_;
};

}  // namespace

Result<ReplaySummary> replay(std::istream& in, const ReplayOptions& options) {
  auto rows = CsvRows::open(in);
  if (!rows) return rows.error();
  Replay engine(rows->columns(), options.thresholds);
  ReplaySummary summary;
  options.write("timestamp,anomaly_score,level,reason\n");
  CsvRow row;
  for (;;) {
    const auto more = rows->next(row);
    if (!more) {
      if (options.bad_rows == BadRows::kStop) return more.error();
      ++summary.bad_rows;
      options.complain(more.error().context);
      continue;
    }
    if (!*more) return summary;
    if (!rows->notice().empty()) {
      if (options.bad_rows == BadRows::kStop) return fail(Errc::kInvalid, rows->notice());
      if (options.note) options.note(rows->notice());
    }
    ReplayRow seen;
    options.write(engine.judge(row, seen));
    ++summary.rows;
    if (seen.alarm) ++summary.alarms;
    if (options.observe) options.observe(seen);
  }
}

}  // namespace ota::anomaly
