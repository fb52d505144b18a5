// otactl renew: let a device whose certificate has ended fetch a new one by itself
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_renew(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto given = context.arguments.duration("--for");
  if (!given) return given.error();
  const seconds time = given->value_or(std::chrono::days(7));
  const auto answer = context.api.post("/v1/devices/" + url_escape(id) + "/allow-renewal",
                                       Json{{"ttl_s", time.count()}});
  if (!answer) return answer.error();
  context.out.document(Json{{"renewal_allowed", id}, {"for_s", time.count()}});
  context.out.line("ALLOWED: " + id + " may renew its certificate within " + format_age(time) +
                       ", with the key that it enrolled with",
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command renew_command() {
  return {.name = "renew",
          .summary = "let a device whose certificate has ended fetch a new one by itself",
          .details =
              "A device that was off for longer than its certificate's term cannot renew it "
              "any more. Its key is still its own: with this word it fetches a new "
              "certificate when it calls next, without hands on it.",
          .positionals = {{"ID", "the device"}},
          .options = {{"--for", "TIME", "how long the word holds (7d)"}},
          .examples = {{"otactl renew iot-002", "it was in a drawer for a year"}},
          .run = &run_renew};
}

}  // namespace ota::cli
