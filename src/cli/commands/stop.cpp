// otactl stop and resume: no update starts anywhere until an operator takes that back.
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_stop(Context& context) {
  const auto answer = context.api.post("/v1/stop", {{"reason", context.arguments.text("REASON")}});
  if (!answer) return answer.error();
  context.out.document(*answer);
  const Json& stop = object_at(*answer, "stop");
  const std::uint64_t cancelled = count_at(*answer, "cancelled");
  if (is_set(*answer, "was_stopped")) {
    context.out.line("STOPPED already by " + text_at(stop, "actor") + " at " + text_at(stop, "at") +
                         ": " + text_at(stop, "reason"),
                     Tone::kWarning);
  } else {
    context.out.line("STOPPED: no update starts until otactl resume", Tone::kWarning);
  }
  if (cancelled > 0) {
    context.out.line(std::to_string(cancelled) +
                     (cancelled == 1
                          ? " update is asked to stop; a device that has started its new "
                            "image goes on"
                          : " updates are asked to stop; devices that have started "
                            "their new image go on"));
  }
  if (is_set(*answer, "saved")) return ExitCode::kDone;
  context.out.line("NOT SAVED: " + text_at(*answer, "problem") +
                       "; it holds while this server runs, and is saved when that is mended",
                   Tone::kBad);
  return ExitCode::kError;
}

Result<ExitCode> run_resume(Context& context) {
  const auto answer = context.api.post("/v1/resume", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"resumed", true}});
  context.out.line("RESUMED: updates may start again; what was cancelled is pushed anew",
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command stop_command() {
  return {.name = "stop",
          .summary = "stop all updates at once: none starts, what is not installed is cancelled",
          .details =
              "A device that has already started its new image goes on, and so does every "
              "rollback. It holds over restarts of the server, for every push and every "
              "device over DDI, until otactl resume.",
          .positionals = {{"REASON", "why, for those who meet it"}},
          .options = {},
          .examples = {{"otactl stop \"2.1.6 drains batteries\"",
                        "each screen says so, with your name"}},
          .run = &run_stop};
}

Command resume_command() {
  return {.name = "resume",
          .summary = "let updates start again after a stop",
          .details = "",
          .positionals = {},
          .options = {},
          .examples = {{"otactl resume", "what the stop cancelled has to be pushed again"}},
          .run = &run_resume};
}

}  // namespace ota::cli
