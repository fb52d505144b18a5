// otactl watch: the plain dashboard: one line for each thing that changes, for logs, dumb terminals
// and screen readers.
#include <map>
#include <utility>

#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/fetch.h"
#include "cli/format.h"
#include "model/event_kind.h"
#include "model/time_json.h"

namespace ota::cli {
namespace {

// What a line is printed for. Numbers alone (CPU 12 % -> 13 %) are no news.
std::string news_of(const Json& row) {
  std::string out = text_at(row, "state") + ", verdict " + text_at(row, "level");
  if (const std::string label = text_at(row, "label"); !label.empty()) out += " (" + label + ")";
  out += ", " + version_of(object_at(object_at(row, "facts"), "confirmed"));
  const std::string job = text_at(row, "job");
  if (!job.empty()) out += ", " + job + " " + text_at(row, "job_state");
  return out;
}

std::string values_of(const Json& row) {
  return "cpu " + metric_of(row, "cpu", " %") + ", mem " + metric_of(row, "mem", " %") + ", disk " +
         metric_of(row, "disk", " %") + ", temp " + metric_of(row, "temp", " C");
}

class Watcher {
 public:
  explicit Watcher(Context& context) : context_(context) {}

  Result<void> look() {
    const auto rows = fetch_devices(context_.api);
    if (!rows) return rows.error();
    if (std::exchange(away_, false))
      tell(model::event_kind::kServerBack, "server", "answers again", Tone::kGood);
    std::map<std::string, std::string> now;
    for (const Json& row : *rows) {
      const std::string id = text_at(row, "id");
      const std::string news = news_of(row);
      if (const auto old = seen_.find(id); old == seen_.end() || old->second != news) {
        context_.out.record(row);
        say(id, news + "; " + values_of(row), tone_of(text_at(row, "state")));
      }
      now[id] = news;
    }
    for (const auto& [id, news] : seen_) {
      if (!now.contains(id))
        tell(model::event_kind::kDeviceGone, id, "gone from the whitelist", Tone::kWarning);
    }
    seen_ = std::move(now);
    return events();
  }

  void server_away(const Error& error) {
    if (std::exchange(away_, true)) return;
    tell(model::event_kind::kServerAway, "server", error.text() + "; what was last seen may be old",
         Tone::kBad);
  }

 private:
  // What the server sends no document for: in JSON an object in the shape of its events.
  void tell(const char* kind, const std::string& who, const std::string& what, Tone tone) {
    context_.out.record(Json{{"kind", kind},
                             {"source", who},
                             {"at", model::time_json(context_.clock.wall())},
                             {"message", what}});
    say(who, what, tone);
  }

  void say(const std::string& who, const std::string& what, Tone tone) {
    const WallTime now = context_.clock.wall();
    context_.out.line(time_text(now, now) + "  " + who + ": " + what, tone);
    context_.out.flush();
  }

  // Refusals and failures since the last look.
  Result<void> events() {
    if (!started_) {
      const auto head = context_.api.get("/v1/events?order=newest&limit=1");
      if (!head) return head.error();
      const Json& events = list_at(*head, "events");
      after_ = events.empty() ? 0 : count_at(events.front(), "seq");
      started_ = true;
      return {};
    }
    const auto page =
        context_.api.get("/v1/events?severity=notice&after=" + std::to_string(after_));
    if (!page) return page.error();
    for (const Json& event : list_at(*page, "events")) {
      context_.out.record(event);
      say("log", text_at(event, "severity") + ": " + text_at(event, "message"),
          tone_of(text_at(event, "severity")));
      after_ = std::max(after_, count_at(event, "seq"));
    }
    return {};
  }

  Context& context_;
  std::map<std::string, std::string> seen_;
  std::uint64_t after_ = 0;
  bool started_ = false;
  bool away_ = false;
};

Result<ExitCode> run_watch(Context& context) {
  const auto interval = context.arguments.duration("--every");
  if (!interval) return interval.error();
  const auto rounds = context.arguments.number("--rounds");
  if (!rounds) return rounds.error();
  Watcher watcher(context);
  for (std::uint64_t round = 0; !context.interrupted(); ++round) {
    if (*rounds && round == **rounds) break;
    if (round > 0) context.wait(interval->value_or(seconds(1)));
    if (context.interrupted()) break;
    const auto looked = watcher.look();
    if (looked) continue;
    const bool passing =
        looked.error().code == Errc::kUnavailable || looked.error().code == Errc::kTimeout;
    if (round == 0 || !passing) return looked.error();
    watcher.server_away(looked.error());
  }
  return ExitCode::kDone;
}

}  // namespace

Command watch_command() {
  return {.name = "watch",
          .summary = "the plain dashboard: a line for each change, until interrupted",
          .details = "",
          .positionals = {},
          .options = {{"--every", "TIME", "look so often (1s)", {}, Kind::kDuration},
                      {"--rounds", "N", "end after so many looks", {}, Kind::kNumber}},
          .examples = {{"otactl watch", "on a dumb terminal or with a screen reader"},
                       {"otactl watch --every 10s >> fleet.log", "into a file"}},
          .run = &run_watch};
}

}  // namespace ota::cli
