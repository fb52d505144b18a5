// otactl replay: a recorded series through the anomaly engine. Needs no server.
#include "anomaly/replay.h"

#include <charconv>
#include <fstream>

#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/series_chart.h"
#include "config/config.h"

namespace ota::cli {
namespace {

Result<double> threshold(Context& context, double configured) {
  if (!context.arguments.has("--threshold")) return configured;
  const std::string given = context.arguments.text("--threshold");
  double value = 0;
  const auto [end, problem] = std::from_chars(given.data(), given.data() + given.size(), value);
  if (problem != std::errc() || end != given.data() + given.size() || !(value > 0 && value < 1)) {
    return fail(Errc::kInvalid, "--threshold " + given + ": not a number between 0 and 1");
  }
  return value;
}

Result<ExitCode> run_replay(Context& context) {
  const std::string file = context.arguments.text("FILE");
  const std::string out_file = context.arguments.text("--out");
  const bool chart_wanted = context.arguments.has("--chart");
  anomaly::ReplayOptions options;
  options.thresholds = config::load(context.root).value.thresholds;
  const auto limit = threshold(context, options.thresholds.anomaly_score_threshold);
  if (!limit) return limit.error();
  options.thresholds.anomaly_score_threshold = *limit;
  if (context.arguments.has("--strict")) options.bad_rows = anomaly::BadRows::kStop;

  std::ifstream from_file;
  if (file != "-") {
    from_file.open(file, std::ios::binary);
    if (!from_file) return fail_errno(errno, file);
  }
  std::ofstream to_file;
  if (!out_file.empty()) {
    to_file.open(out_file, std::ios::binary | std::ios::trunc);
    if (!to_file) return fail_errno(errno, out_file);
  }
  std::istream& in = file == "-" ? context.in : from_file;
  SeriesChart chart;
  options.write = [&](std::string_view line) {
    if (to_file.is_open()) {
      to_file << line;
    } else if (!chart_wanted) {
      context.out.raw(line);
      if (in.rdbuf()->in_avail() <= 0) context.out.flush();  // whoever feeds us waits for it
    }
  };
  options.complain = [&](std::string_view problem) {
    context.out.problem(file + ", " + std::string(problem) + "; skipped", "");
  };
  options.observe = [&](const anomaly::ReplayRow& row) {
    if (!chart_wanted) return;
    chart.add(row.first_value, row.alarm ? SeriesChart::Mark::kAlarm : SeriesChart::Mark::kNone);
  };
  const auto summary = anomaly::replay(in, options);
  if (!summary) return summary.error().within(file);
  if (to_file.is_open() && !to_file.flush()) return fail(Errc::kIo, out_file);
  if (chart_wanted) context.out.raw(chart.draw());
  if (to_file.is_open() || chart_wanted) {
    context.out.line(std::to_string(summary->rows) + " rows, " + std::to_string(summary->alarms) +
                     " alarms, " + std::to_string(summary->bad_rows) + " bad rows");
  }
  return ExitCode::kDone;
}

}  // namespace

Command replay_command() {
  return {
      .name = "replay",
      .summary = "judge a recorded series row by row",
      .details =
          "Columns: timestamp and any numeric ones; cpu, mem, disk and temp are held to the "
          "limits of thresholds.json too. One line for each row: "
          "timestamp,anomaly_score,level,reason. Bad rows are named and skipped.",
      .positionals = {{"FILE", "a CSV file; - for standard input"}},
      .options = {{"--out", "FILE", "write the lines there"},
                  {"--threshold", "T", "score from which it is an alarm (configured: 0.5)"},
                  {"--chart", "", "draw the first column with its alarms"},
                  {"--strict", "", "end at the first bad row"}},
      .examples = {{"otactl replay cpu.csv --chart", "where would it have raised an alarm?"},
                   {"otactl replay - --threshold 0.6", "rows from a pipe, judged as they come"}},
      .run = &run_replay};
}

}  // namespace ota::cli
