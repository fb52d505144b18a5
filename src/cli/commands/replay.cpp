// otactl replay: a recorded series through the anomaly engine. Needs no server.
#include "anomaly/replay.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/history.h"
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
    return usage_error("--threshold " + given + ": not a number between 0 and 1");
  }
  return value;
}

// The stored minutes of a device as the series that they are: their means, a column for each
// metric.
Result<std::string> stored_series(Context& context, const std::string& device) {
  const auto span = span_of(context);
  if (!span) return span.error();
  auto history = History::open(context);
  if (!history) return history.error();
  const auto minutes = history->minutes(device, *span);
  if (!minutes) return minutes.error();
  if (minutes->empty()) return fail(Errc::kNotFound, "no stored minutes of " + device);
  std::set<std::string> names;
  for (const fleet::Minute& minute : *minutes) {
    for (const auto& [name, range] : minute.extra)
      names.insert(name);
  }
  std::string csv = "timestamp";
  for (const auto& [metric, word] : model::kMetricWords)
    csv += "," + std::string(word);
  for (const std::string& name : names)
    csv += "," + name;
  csv += '\n';
  for (const fleet::Minute& minute : *minutes) {
    if (minute.samples == 0) continue;
    csv += format_rfc3339(minute.at, Fraction::kNone);
    for (const auto& value : minute.values)
      csv += "," + (value ? format_number(value->mean, 2) : "");
    for (const std::string& name : names) {
      const auto found = std::find_if(minute.extra.begin(), minute.extra.end(),
                                      [&](const auto& extra) { return extra.first == name; });
      csv += "," + (found != minute.extra.end() ? format_number(found->second.mean, 2) : "");
    }
    csv += '\n';
  }
  return csv;
}

Result<ExitCode> run_replay(Context& context) {
  const bool stored = context.arguments.has("--device");
  const std::string file =
      stored ? context.arguments.text("--device") : context.arguments.text("FILE");
  if (stored == context.arguments.has("FILE")) {
    context.out.problem("a FILE or --device ID is to be replayed, one of them",
                        "otactl replay cpu.csv; otactl replay --device iot-001 --from 24h");
    return ExitCode::kUsage;
  }
  const std::string out_file = context.arguments.text("--out");
  const bool chart_wanted = context.arguments.has("--chart");
  anomaly::ReplayOptions options;
  options.thresholds = config::load(context.root).value.thresholds;
  const auto limit = threshold(context, options.thresholds.anomaly_score_threshold);
  if (!limit) return limit.error();
  options.thresholds.anomaly_score_threshold = *limit;
  if (context.arguments.has("--strict")) options.bad_rows = anomaly::BadRows::kStop;
  if (context.arguments.has("--explain")) options.reasons = anomaly::Reasons::kAll;

  std::ifstream from_file;
  std::istringstream from_store;
  if (stored) {
    auto series = stored_series(context, file);
    if (!series) return series.error();
    from_store.str(std::move(*series));
  } else if (file != "-") {
    from_file.open(file, std::ios::binary);
    if (!from_file) return fail_errno(errno, file);
  }
  std::ofstream to_file;
  if (!out_file.empty()) {
    std::error_code none;  // that one of them does not exist is no problem here
    if (std::filesystem::equivalent(file, out_file, none)) {
      return usage_error("--out " + out_file + ": is the file that is read");
    }
    to_file.open(out_file, std::ios::binary | std::ios::trunc);
    if (!to_file) return fail_errno(errno, out_file);
  }
  std::istream& in = stored        ? static_cast<std::istream&>(from_store)
                     : file == "-" ? context.in
                                   : from_file;
  SeriesChart chart;
  options.write = [&](std::string_view line) {
    if (to_file.is_open()) {
      to_file << line;
    } else if (!chart_wanted) {
      context.out.raw(line);
      if (in.rdbuf()->in_avail() <= 0) context.out.flush();   // whoever feeds us waits for it
      if (context.out.lost()) in.setstate(std::ios::eofbit);  // nobody reads it: enough
    }
  };
  options.complain = [&](std::string_view problem) {
    context.out.problem(file + ", " + std::string(problem) + "; skipped", "");
  };
  options.note = [&](std::string_view what) {
    context.out.problem(file + ", " + std::string(what) + "; no metric until it holds a number",
                        "");
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
          "Columns: timestamp and any numeric ones, parted by commas, semicolons or tabs; cpu, "
          "mem, disk and temp are held to the "
          "limits of thresholds.json too, as long as they hold percentages and degrees. One line "
          "for "
          "each row: timestamp,anomaly_score,level,reason; the score reaches the threshold once "
          "for "
          "each incident. Times: 2026-01-31 14:05:00, RFC 3339, or a count since 1970 in seconds "
          "or "
          "finer. Bad rows are named and skipped; a column without numbers is left out.",
      .positionals = {{"FILE", "a CSV file; - for standard input", Positional::Count::kOptional}},
      .options = {{"--device", "ID",
                   "replay the stored minutes of this device instead, by their means"},
                  {"--from", "TIME", "of them: a time, or how long ago: 24h (all there is)"},
                  {"--to", "TIME", "of them: the end (now)"},
                  {"--offline", "", "of them: read the database itself; the console must not run"},
                  {"--out", "FILE", "write the lines there"},
                  {"--threshold", "T", "score from which it is an alarm (configured: 0.5)"},
                  {"--chart", "", "draw the first column with its alarms"},
                  {"--explain", "", "give S, F, bar and incident of each row as reasons too"},
                  {"--strict", "", "end at the first bad row"}},
      .examples = {{"otactl replay cpu.csv --chart", "where would it have raised an alarm?"},
                   {"otactl replay --device iot-001 --from 24h --chart",
                    "and of a device's own past"},
                   {"otactl replay - --threshold 0.6", "rows from a pipe, judged as they come"}},
      .run = &run_replay};
}

}  // namespace ota::cli
