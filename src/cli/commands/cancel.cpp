// otactl cancel: stop an update that has not been installed yet
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/selection.h"
#include "model/job.h"

namespace ota::cli {
namespace {

// What became of it: "cancelled", or "asked" where the device has the order already and may be too
// far to stop.
Result<std::string> cancel_one(Context& context, const std::string& job) {
  const bool force = context.arguments.has("--force");
  const std::string path = "/v1/jobs/" + url_escape(job);
  const auto answer = context.api.post(path + (force ? "/force-quit" : "/cancel"), Json::object());
  if (!answer) return answer.error();
  const auto now = context.api.get(path);
  if (now && text_at(*now, "state") == "cancelled") {
    context.out.line("CANCELLED: " + job, Tone::kGood);
    return std::string("cancelled");
  }
  context.out.line("ASKED: the device is told to stop " + job + "; its answer: otactl trace " + job,
                   Tone::kGood);
  return std::string("asked");
}

// The running jobs of the devices that are meant.
Result<std::vector<std::string>> jobs_of_selected(Context& context) {
  const auto rows = filtered_devices(context);
  if (!rows) return rows.error();
  std::vector<std::string> jobs;
  for (const Json& row : *rows) {
    const auto state = model::parse_job_state(text_at(row, "job_state"));
    if (state && !model::is_final(*state)) jobs.push_back(text_at(row, "job"));
  }
  if (jobs.empty()) return fail(Errc::kNotFound, "no update is running on a device that is left");
  return jobs;
}

Result<ExitCode> run_cancel(Context& context) {
  std::vector<std::string> jobs = context.arguments.list("JOB");
  const bool by_filter = has_filter(context.arguments);
  if (jobs.empty() == !by_filter) {
    return usage_error("which updates? name jobs, or say whose: " + filter_names());
  }
  if (by_filter) {
    auto found = jobs_of_selected(context);
    if (!found) return found.error();
    jobs = std::move(*found);
    if (const auto code =
            unless_confirmed(context, "Cancel " + std::to_string(jobs.size()) + " updates?")) {
      return *code;
    }
  }
  if (jobs.size() == 1) {
    const auto became = cancel_one(context, jobs.front());
    if (!became) return became.error();
    context.out.document(Json{{*became, jobs.front()}});
    return ExitCode::kDone;
  }
  Json results = Json::array();
  ExitCode code = ExitCode::kDone;
  bool nobody_answers = false;
  for (const std::string& job : jobs) {
    if (ends_early(context, nobody_answers, jobs.size() - results.size(), "were not cancelled")) {
      code = ExitCode::kError;
      break;
    }
    Json result{{"job", job}};
    if (const auto became = cancel_one(context, job)) {
      result["became"] = *became;
    } else {
      result["problem"] = became.error().text();
      context.out.line("REFUSED: " + job + ": " + became.error().text(), Tone::kBad);
      code = ExitCode::kError;
      nobody_answers = became.error().code == Errc::kUnavailable;
    }
    context.out.flush();
    results.push_back(std::move(result));
  }
  context.out.document(Json{{"results", std::move(results)}});
  return code;
}

}  // namespace

Command cancel_command() {
  return {.name = "cancel",
          .summary = "stop an update that has not been installed yet",
          .details = "",
          .positionals = {{"JOB", "the jobs; none: those of the devices that the filters leave",
                           Positional::Count::kAny}},
          .options = with_filter_options(
              {{"--force", "", "end it here, whatever the device does (DDI devices)"},
               {"--yes", "", "do not ask"}}),
          .examples = {{"otactl cancel job-000042", "the device keeps what it runs"},
                       {"otactl cancel --group floor", "what runs there; asked once"},
                       {"otactl cancel --force job-000042", "a DDI device that never answers"}},
          .run = &run_cancel};
}

}  // namespace ota::cli
