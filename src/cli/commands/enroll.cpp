// otactl enroll ID: a one-time join code for a device.
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_enroll(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto ttl = context.arguments.duration("--ttl");
  if (!ttl) return ttl.error();
  const seconds lifetime = ttl->value_or(seconds(3600));
  const auto answer =
      context.api.post("/v1/enrolments", Json{{"device", id}, {"ttl_s", lifetime.count()}});
  if (!answer) return answer.error();
  const std::string code = text_at(*answer, "code");
  if (code.empty()) return fail(Errc::kInvalid, "the server's answer holds no join code");
  context.out.document(*answer);
  context.out.line("Join code for " + id + ", good once, until " + text_at(*answer, "expires") +
                   ":");
  context.out.line(code);
  // "-": a command line is seen by `ps` and kept by shells.
  context.out.line("On the device, which asks for the code: ota-agent join --server " +
                   context.api.where() + " --code - --dir DIR");
  return ExitCode::kDone;
}

}  // namespace

Command enroll_command() {
  return {.name = "enroll",
          .summary = "print a one-time join code for a device of the whitelist",
          .details =
              "The code holds the authority's fingerprint, so that the device knows the server "
              "before it\nsends anything. Give it to the device by a way that you trust.",
          .positionals = {{"ID", "the device, as in config/devices.json"}},
          .options = {{"--ttl", "TIME", "how long the code is good (1h)", {}, Kind::kDuration}},
          .examples = {{"otactl enroll iot-003", "good for an hour"},
                       {"otactl enroll iot-003 --ttl 10m", "good for ten minutes"}},
          .run = &run_enroll};
}

}  // namespace ota::cli
