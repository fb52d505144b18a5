// otactl trace JOB: one update from the operator's word to its end, step by step, with the events
// that belong to it.
#include <algorithm>
#include <vector>

#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"
#include "model/failure_code.h"

namespace ota::cli {
namespace {

struct Line {
  WallTime at;
  std::string text;
};

// Events about the job's device in the time of the job, or that name the job.
bool belongs(const Json& event, const Json& job) {
  if (text_at(object_at(event, "data"), "job") == text_at(job, "id")) return true;
  const WallTime at = stamp_at(event, "at");
  const WallTime end = std::max(stamp_at(job, "updated"), stamp_at(job, "watch_until"));
  return at >= stamp_at(job, "created") - seconds(1) && at <= end + seconds(1);
}

Result<Json> events_of(Context& context, const Json& job) {
  Json found = Json::array();
  std::uint64_t after = 0;
  constexpr std::size_t kPage = 1000;
  while (true) {
    const auto page = context.api.get("/v1/events?limit=1000&after=" + std::to_string(after) +
                                      "&source=" + url_escape(text_at(job, "device")));
    if (!page) return page.error();
    const Json& events = list_at(*page, "events");
    for (const Json& event : events) {
      if (belongs(event, job)) found.push_back(event);
    }
    if (events.size() < kPage) return found;
    after = count_at(events.back(), "seq");
  }
}

void print(Context& context, const Json& job, const Json& events) {
  std::vector<Line> lines;
  for (const Json& step : list_at(job, "steps")) {
    const std::string detail = text_at(step, "detail");
    lines.push_back({stamp_at(step, "at"),
                     "step   " + text_at(step, "state") + (detail.empty() ? "" : ": " + detail)});
  }
  for (const Json& event : events) {
    lines.push_back({stamp_at(event, "at"),
                     "event  " + text_at(event, "kind") + ": " + text_at(event, "message")});
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.at < b.at; });
  const WallTime start = stamp_at(job, "created");
  context.out.line(text_at(job, "id") + ": " + text_at(job, "device") + " to v" +
                       text_at(object_at(job, "release"), "version") + ", asked for by " +
                       dash(text_at(job, "actor")) + ": " + text_at(job, "state"),
                   tone_of(text_at(job, "state")));
  const model::FailureCode* code = model::find_failure_code(text_at(job, "error_code"));
  if (code != nullptr && text_at(job, "state") != "succeeded") {
    context.out.line(std::string(code->word) + ": " + std::string(code->sentence) +
                     (code->remedy.empty() ? "" : " " + std::string(code->remedy)));
  }
  for (const Line& line : lines) {
    const double after =
        std::chrono::duration<double>(std::max(line.at - start, milliseconds(0))).count();
    std::string stamp = "+" + format_number(after, 2) + " s";
    stamp.resize(std::max<std::size_t>(stamp.size(), 11), ' ');
    context.out.line(stamp + line.text);
  }
}

Result<ExitCode> run_trace(Context& context) {
  const auto job = context.api.get("/v1/jobs/" + url_escape(context.arguments.text("JOB")));
  if (!job) return job.error();
  const auto events = events_of(context, *job);
  if (!events) return events.error();
  context.out.document(Json{{"job", *job}, {"events", *events}});
  print(context, *job, *events);
  return ExitCode::kDone;
}

}  // namespace

Command trace_command() {
  return {.name = "trace",
          .summary = "one update step by step, with the events that belong to it",
          .details = "",
          .positionals = {{"JOB", "the job"}},
          .options = {},
          .examples = {{"otactl trace job-000042", "where did the time go, why did it end so"}},
          .run = &run_trace};
}

}  // namespace ota::cli
