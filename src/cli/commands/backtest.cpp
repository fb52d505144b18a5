// otactl backtest: what would other thresholds have decided over the stored history?
#include "fleet/backtest.h"

#include "base/file.h"
#include "cli/commands/all.h"
#include "cli/format.h"
#include "cli/history.h"
#include "config/config.h"
#include "gate/record.h"

namespace ota::cli {
namespace {

Result<model::Thresholds> read_thresholds(const std::string& file) {
  const auto text = read_file(file, config::kMaxFileBytes);
  if (!text) return text.error();
  const auto parsed = config::parse_thresholds(*text, file);
  if (!parsed.ok()) return fail(Errc::kInvalid, parsed.problems.front().text());
  return parsed.value;
}

struct Differences {
  Json levels = Json::array();
  Json decisions = Json::array();
  std::uint64_t minutes = 0;
  std::uint64_t decided = 0;
  std::uint64_t unreadable = 0;  // decisions without a record that this engine can make again
};

Result<void> compare_minutes(History& history, const std::string& device, const Span& span,
                             const fleet::BacktestThresholds& thresholds, Differences& found) {
  const auto minutes = history.minutes(device, span);
  if (!minutes) return minutes.error().within(device);
  found.minutes += minutes->size();
  for (const fleet::LevelChange& change : fleet::compare_levels(*minutes, thresholds)) {
    found.levels.push_back({{"device", device},
                            {"from", format_rfc3339(change.from, Fraction::kNone)},
                            {"to", format_rfc3339(change.to, Fraction::kNone)},
                            {"now", change.now},
                            {"then", change.then},
                            {"reason", change.reason}});
  }
  return {};
}

Result<void> compare_decisions(Context& context, History& history, const Span& span,
                               const model::Thresholds& then, Differences& found) {
  const auto events = history.events("gate.", span);
  if (!events) return events.error();
  const auto wanted = context.arguments.list("ID");
  for (const Json& event : *events) {
    const std::string device = text_at(event, "source");
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), device) == wanted.end())
      continue;
    ++found.decided;
    const Json& record = object_at(object_at(event, "data"), "record");
    const auto was = gate::recompute(record);
    const auto would = gate::recompute_under(record, then);
    if (!was || !would || !was->decision || !would->decision) {
      ++found.unreadable;
      continue;
    }
    if (was->decision->headline == would->decision->headline) continue;
    found.decisions.push_back(
        {{"event", count_at(event, "seq")},
         {"device", device},
         {"at", text_at(event, "at")},
         {"now", was->decision->headline},
         {"then", would->decision->headline},
         {"reason", was->verdict.level > would->verdict.level ? was->verdict.sentence
                                                              : would->verdict.sentence}});
  }
  return {};
}

void print_differences(Output& out, const Differences& found, WallTime now) {
  if (!found.levels.empty()) {
    Table table({{"DEVICE"}, {"FROM"}, {"TO"}, {"NOW"}, {"THEN"}, {"REASON"}});
    for (const Json& change : found.levels) {
      table.add({text_at(change, "device"), time_text(stamp_at(change, "from"), now),
                 time_text(stamp_at(change, "to"), now), text_at(change, "now"),
                 text_at(change, "then"), text_at(change, "reason")});
    }
    out.table(table);
    out.line("");
  }
  for (const Json& change : found.decisions) {
    out.line("#" + std::to_string(count_at(change, "event")) + " " + text_at(change, "device") +
             " " + time_text(stamp_at(change, "at"), now));
    out.line("  now:  " + text_at(change, "now"));
    out.line("  then: " + text_at(change, "then") + " (" + text_at(change, "reason") + ")");
  }
  const bool none = found.levels.empty() && found.decisions.empty();
  out.line((none ? "No difference"
                 : std::to_string(found.levels.size()) + " stretches and " +
                       std::to_string(found.decisions.size()) + " decisions differ") +
           ": " + std::to_string(found.minutes) + " minutes, by their means, and " +
           std::to_string(found.decided) + " decisions looked at");
  if (found.unreadable > 0) {
    out.line(std::to_string(found.unreadable) +
                 " decisions have no record that this engine can make again",
             Tone::kWarning);
  }
}

Result<ExitCode> run_backtest(Context& context) {
  const auto span = span_of(context);
  if (!span) return span.error();
  const auto then = read_thresholds(context.arguments.text("--thresholds"));
  if (!then) return then.error();
  const model::Thresholds now = config::load(context.root).value.thresholds;
  auto history = History::open(context);
  if (!history) return history.error();
  std::vector<std::string> devices = context.arguments.list("ID");
  if (devices.empty()) {
    auto all = history->devices();
    if (!all) return all.error();
    devices = std::move(*all);
  }
  Differences found;
  for (const std::string& device : devices) {
    const auto done = compare_minutes(*history, device, *span, {now, *then}, found);
    if (!done) return done.error();
  }
  const auto done = compare_decisions(context, *history, *span, *then, found);
  if (!done) return done.error();
  context.out.document({{"levels", found.levels},
                        {"decisions", found.decisions},
                        {"minutes", found.minutes},
                        {"decided", found.decided},
                        {"unreadable", found.unreadable}});
  print_differences(context.out, found, context.clock.wall());
  return ExitCode::kDone;
}

}  // namespace

Command backtest_command() {
  return {
      .name = "backtest",
      .summary = "what would other thresholds have decided over the stored history?",
      .details =
          "Two answers: the stretches in which a device's level would differ, judged by the means "
          "of its stored minutes, and the decisions whose answer would, made again of their "
          "records. Nothing is changed. The same thresholds give no difference.",
      .positionals = {{"ID", "devices; none: all", Positional::Count::kAny}},
      .options = {{"--thresholds",
                   "FILE",
                   "the other thresholds.json, such as a copy with your edits",
                   {},
                   Kind::kText,
                   Option::Need::kRequired},
                  {"--from", "TIME", "a time, or how long ago: 24h (all there is)"},
                  {"--to", "TIME", "the end (now)"},
                  {"--offline", "", "read the database itself; the console must not run"}},
      .examples = {{"otactl backtest --thresholds new.json --from 7d",
                    "whom would the new limits have blocked?"}},
      .run = &run_backtest};
}

}  // namespace ota::cli
