// otactl logs: the security log, and its follower.
#include <algorithm>
#include <optional>

#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

// Short, since an interrupt is seen between two polls; an event is answered at once all the same.
constexpr seconds kPoll{2};
constexpr std::uint64_t kPage = 1000;  // the server's largest answer

std::string filters(const Arguments& arguments) {
  std::string out;
  for (const char* name : {"severity", "source", "kind"}) {
    const std::string option = std::string("--") + name;
    if (arguments.has(option)) {
      out += std::string("&") + name + "=" + url_escape(arguments.text(option));
    }
  }
  return out;
}

void print_event(Context& context, const Json& event) {
  context.out.record(event);
  context.out.line(event_line(event, context.clock.wall()), tone_of(text_at(event, "severity")));
}

// The newest events that pass the filters, oldest first; `last` is where to go on.
Result<Json> newest(Context& context, std::uint64_t count, std::optional<std::uint64_t> before,
                    std::uint64_t& last) {
  std::string query = "/v1/events?order=newest&limit=" + std::to_string(count);
  if (before) query += "&before=" + std::to_string(*before);
  const auto page = context.api.get(query + filters(context.arguments));
  if (!page) return page.error();
  Json events = list_at(*page, "events");
  std::reverse(events.begin(), events.end());
  last = events.empty() ? 0 : count_at(events.back(), "seq");
  return events;
}

Result<ExitCode> follow(Context& context, std::uint64_t after) {
  bool away = false;
  while (!context.interrupted()) {
    const auto page =
        context.api.get("/v1/events?after=" + std::to_string(after) +
                            "&wait=" + std::to_string(kPoll.count()) + filters(context.arguments),
                        kPoll + seconds(15));
    if (!page) {
      if (context.interrupted()) break;
      if (page.error().code != Errc::kUnavailable && page.error().code != Errc::kTimeout) {
        return page.error();
      }
      if (!away) context.out.problem(page.error().text(), "Trying again until it answers.");
      away = true;
      context.wait(seconds(1));
      continue;
    }
    away = false;
    for (const Json& event : list_at(*page, "events")) {
      print_event(context, event);
      after = std::max(after, count_at(event, "seq"));
    }
    context.out.flush();
  }
  return ExitCode::kDone;
}

Result<ExitCode> run_logs(Context& context) {
  const auto limit = context.arguments.number("--limit");
  if (!limit) return limit.error();
  const auto before = context.arguments.number("--before");
  if (!before) return before.error();
  std::uint64_t last = 0;
  const std::uint64_t count = limit->value_or(100);
  if (count < 1 || count > kPage) {
    context.out.problem("--limit takes 1 to " + std::to_string(kPage),
                        "Older ones: --before SEQ. All of the log: otactl state export FILE");
    return ExitCode::kUsage;
  }
  const auto events = newest(context, count, *before, last);
  if (!events) return events.error();
  for (const Json& event : *events)
    print_event(context, event);
  context.out.flush();
  if (!context.arguments.has("--follow")) {
    if (events->empty()) context.out.line("No events.");
    return ExitCode::kDone;
  }
  return follow(context, last);
}

}  // namespace

Command logs_command() {
  return {.name = "logs",
          .summary = "the security log: decisions, jobs, enrolments, refusals",
          .details = "With --json each event is one line.",
          .positionals = {},
          .options = {{"--follow", "", "go on with what is new until interrupted"},
                      {"--severity",
                       "LEVEL",
                       "at least this severe",
                       {"info", "notice", "warning", "error"}},
                      {"--source", "ID", "only events about this device or address"},
                      {"--kind", "PREFIX", "only kinds that begin so: gate, job, enrol, auth"},
                      {"--limit", "N", "the newest N (100; at most 1000)", {}, Kind::kNumber},
                      {"--before",
                       "SEQ",
                       "only events before number SEQ: the page before",
                       {},
                       Kind::kNumber,
                       Option::Need::kOptional,
                       {"--follow"}}},
          .examples = {{"otactl logs", "the newest hundred"},
                       {"otactl logs --follow --severity warning", "live, what matters"},
                       {"otactl logs --kind gate.block --source iot-002",
                        "every refusal of one device"},
                       {"otactl logs --before 4201 --limit 1000", "what stood before event 4201"}},
          .run = &run_logs};
}

}  // namespace ota::cli
