#include "anomaly/replay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "anomaly/csv_rows.h"
#include "anomaly/engine.h"
#include "anomaly/limit.h"
#include "anomaly/told.h"
#include "base/text.h"
#include "model/telemetry.h"

namespace ota::anomaly {
namespace {

using model::Level;

struct Column {
  std::string name;
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
  constexpr double kDigits = 1e12;
  constexpr double kRounding = 1e-3;  // of the product
  return std::floor(score * kDigits + kRounding) / kDigits;
}

// A number for people, in at most six digits.
std::string shown(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.4g", value);
  return text.data();
}

class Replay {
 public:
  Replay(const std::vector<std::string>& names, const ReplayOptions& options)
      : threshold_(options.thresholds.anomaly_score_threshold), reasons_(options.reasons) {
    for (const std::string& name : names) {
      Column& column = columns_.emplace_back();
      column.name = name;
      column.rule = rule_for(name, options.thresholds);
    }
    values_.resize(names.size());
  }

  // The line of one row, good until the next one.
  std::string_view judge(const CsvRow& row, ReplayRow& seen) {
    Level level = Level::kStable;
    bool first = true;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      Column& column = columns_[i];
      column.fresh = row.values[i].has_value();
      values_[i] = row.values[i].value_or(kNoReading);
      if (!column.fresh) continue;
      take(column, *row.values[i], row.at);
      if (std::exchange(first, false)) seen.first_value = column.value;
      level = std::max(level, column.limit.level());
    }
    const Judgement judgement = engine_.observe(row.at, values_, threshold_);
    told_.take(judgement, engine_);
    seen.stamp = row.stamp;
    seen.score = written(judgement.score);
    seen.rarity = judgement.rarity;
    seen.joint = judgement.joint;
    seen.alarm = judgement.alarm != Alarm::kNone;
    if (told_.open) level = std::max(level, Level::kWatch);
    write_line(seen, level, judgement);
    return line_;
  }

 private:
  static void take(Column& column, double value, WallTime at) {
    column.value = value;
    if (column.rule && !fits_limit(column.name, value)) {
      column.rule.reset();
      column.limit = {};
    }
    if (column.rule) column.limit.observe(*column.rule, value, at);
  }

  void write_line(const ReplayRow& seen, Level level, const Judgement& judgement) {
    std::array<char, 32> score{};
    std::snprintf(score.data(), score.size(), "%.12f", seen.score);
    line_.assign(seen.stamp);
    line_ += ',';
    line_ += score.data();
    line_ += ',';
    line_ += model::to_text(level);
    line_ += ',';
    const std::size_t start = line_.size();
    const auto add = [&](const std::string& text) {
      if (line_.size() != start) line_ += "; ";
      line_ += text;
    };
    for (const Column& column : columns_) {
      if (column.limit.level() == Level::kStable) continue;
      add(column.name + " " + shown(column.value) + " with a limit of " +
          shown(column.rule->limit));
    }
    const bool rare = judgement.counted >= engine_.tuning().bar * bars_of(threshold_);
    if (seen.alarm || (told_.open && rare)) {
      for (const std::uint16_t leader : judgement.lead())
        add(lead_of(leader));
      if (!seen.alarm) add("the alarm for it was given");
    }
    if (seen.alarm && judgement.alarm != Alarm::kNew) add(std::string(to_text(judgement.alarm)));
    if (reasons_ == Reasons::kAll) explain(seen, add);
    line_ += '\n';
  }

  // What the row was for the score, whatever it was.
  template <class Add>
  void explain(const ReplayRow& seen, const Add& add) const {
    if (told_.learning()) {
      add("learning " + std::to_string(told_.learnt) + " of " +
          std::to_string(Engine::kLearningRows));
      return;
    }
    add("S " + format_number(seen.rarity, 2) + " F " + format_number(seen.joint, 2) + " bar " +
        format_number(told_.bar, 2));
    if (!told_.open) return;
    add("incident " + std::to_string(told_.number) + " peak " + format_number(told_.peak, 2) +
        "; over after " + std::to_string(told_.rows_left) + " quiet rows");
  }

  // "cpu 97.1 as the mean of 5 readings where 31.2 +- 4.1 is usual (1 in 2100)".
  std::string lead_of(std::uint16_t index) const {
    std::string text;
    for (const char c : columns_[index].name)  // the line is a row of a CSV file too
      text += c == '"' ? '\'' : c == ',' ? ';' : c;
    const LeadTold lead = lead_told(engine_.metric(index), columns_[index].value, {});
    text += (is_distance(lead.by) ? " moved by " : " ") + shown(lead.seen);
    if (const auto words = size_words(lead.by); !words.empty()) text.append(" ").append(words);
    return text + " where " + shown(lead.centre) + " +- " + shown(lead.spread) + " is usual (" +
           one_in(lead.rarity) + ")";
  }

  double threshold_;
  Reasons reasons_;
  std::vector<Column> columns_;
  std::vector<double> values_;
  Engine engine_;
  ScoreTold told_;
  std::string line_;
};

}  // namespace

Result<ReplaySummary> replay(std::istream& in, const ReplayOptions& options) {
  auto rows = CsvRows::open(in);
  if (!rows) return rows.error();
  Replay engine(rows->columns(), options);
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
