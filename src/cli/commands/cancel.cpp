// otactl cancel: stop an update that has not been installed yet
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_cancel(Context& context) {
  const std::string id = context.arguments.text("JOB");
  const bool force = context.arguments.has("--force");
  const auto answer = context.api.post(
      "/v1/jobs/" + url_escape(id) + (force ? "/force-quit" : "/cancel"), Json::object());
  if (!answer) return answer.error();
  // A device that has the order already is asked, and may be too far to stop.
  const auto job = context.api.get("/v1/jobs/" + url_escape(id));
  if (job && text_at(*job, "state") == "cancelled") {
    context.out.document(Json{{"cancelled", id}});
    context.out.line("CANCELLED: " + id, Tone::kGood);
    return ExitCode::kDone;
  }
  context.out.document(Json{{"asked", id}});
  context.out.line("ASKED: the device is told to stop " + id + "; its answer: otactl trace " + id,
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command cancel_command() {
  return {.name = "cancel",
          .summary = "stop an update that has not been installed yet",
          .details = "",
          .positionals = {{"JOB", "the job"}},
          .options = {{"--force", "", "end it here, whatever the device does (DDI devices)"}},
          .examples = {{"otactl cancel job-000042", "the device keeps what it runs"},
                       {"otactl cancel --force job-000042", "a DDI device that never answers"}},
          .run = &run_cancel};
}

}  // namespace ota::cli
