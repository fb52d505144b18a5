// otactl logs: the security log, and its follower.
#include <algorithm>
#include <vector>

#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

constexpr seconds kPoll{30};
constexpr std::uint64_t kPage = 1000;

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

// The newest `count` events that pass the filters. The API reads forward only, so it starts `count`
// before the end and goes further back where the filters leave too few.
Result<Json> newest(Context& context, std::uint64_t count, std::uint64_t& last) {
  const auto head = context.api.get("/v1/events?limit=1&after=" + std::to_string(~0ULL >> 2));
  if (!head) return head.error();
  last = count_at(*head, "last");
  std::uint64_t reach = count;
  while (true) {
    const std::uint64_t start = last > reach ? last - reach : 0;
    std::vector<Json> found;
    std::uint64_t after = start;
    while (after < last) {
      const auto page = context.api.get("/v1/events?after=" + std::to_string(after) + "&limit=" +
                                        std::to_string(kPage) + filters(context.arguments));
      if (!page) return page.error();
      const Json& events = list_at(*page, "events");
      found.insert(found.end(), events.begin(), events.end());
      if (events.size() < kPage) break;
      after = count_at(events.back(), "seq");
    }
    if (found.size() >= count || start == 0) {
      const auto skip = found.size() > count ? found.size() - count : 0;
      return Json(
          std::vector<Json>(found.begin() + static_cast<std::ptrdiff_t>(skip), found.end()));
    }
    reach *= 4;
  }
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
    after = std::max(after, count_at(*page, "last"));
    context.out.flush();
  }
  return ExitCode::kDone;
}

Result<ExitCode> run(Context& context) {
  const auto limit = context.arguments.number("--limit");
  if (!limit) return limit.error();
  std::uint64_t last = 0;
  const auto events = newest(context, std::max<std::uint64_t>(limit->value_or(100), 1), last);
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
                      {"--limit", "N", "the newest N (100)"}},
          .examples = {{"otactl logs", "the newest hundred"},
                       {"otactl logs --follow --severity warning", "live, what matters"},
                       {"otactl logs --kind gate.block --source iot-002",
                        "every refusal of one device"}},
          .run = &run};
}

}  // namespace ota::cli
