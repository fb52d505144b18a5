// otactl jobs: updates that run and that have ended.
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_jobs(Context& context) {
  const auto limit = context.arguments.number("--limit");
  if (!limit) return limit.error();
  std::string path = "/v1/jobs?limit=" + std::to_string(limit->value_or(100));
  if (context.arguments.has("--device")) {
    path += "&device=" + url_escape(context.arguments.text("--device"));
  }
  const auto answer = context.api.get(path);
  if (!answer) return answer.error();
  context.out.document(*answer);
  const Json& jobs = list_at(*answer, "jobs");
  if (jobs.empty()) {
    context.out.line("No jobs.");
  } else {
    context.out.table(job_table(jobs, context.clock.wall()));
  }
  return ExitCode::kDone;
}

}  // namespace

Command jobs_command() {
  return {.name = "jobs",
          .summary = "updates that run and that have ended, newest first",
          .details = "",
          .positionals = {},
          .options = {{"--device", "ID", "only jobs of this device"},
                      {"--limit", "N", "at most so many (100)", {}, Kind::kNumber}},
          .examples = {{"otactl jobs", "the newest of all devices"},
                       {"otactl jobs --device iot-001", "of one device"}},
          .run = &run_jobs};
}

}  // namespace ota::cli
