// otactl ddi use: who takes updates on a device, its agent or its DDI client
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_ddi_use(Context& context) {
  const std::string id = context.arguments.text("ID");
  const std::string by = context.arguments.text("CLIENT");
  if (by != "agent" && by != "ddi" && by != "who-asks")
    return usage_error("CLIENT is agent, ddi or who-asks");
  const auto answer =
      context.api.post("/v1/devices/" + url_escape(id) + "/ddi-use", Json{{"by", by}});
  if (!answer) return answer.error();
  context.out.document(Json{{"device", id}, {"updates_by", by}});
  context.out.line("DONE: updates of " + id + " go to " +
                       (by == "agent" ? "its ota-agent"
                        : by == "ddi" ? "its DDI client"
                                      : "whoever of the two asks for them"),
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command ddi_use_command() {
  return {.name = "ddi use",
          .summary = "say who takes updates on a device: its ota-agent or its DDI client",
          .details =
              "Without a word it is who asks for them; where both ask at once, neither gets "
              "one until you have said which one counts.",
          .positionals = {{"ID", "the device"}, {"CLIENT", "agent, ddi or who-asks"}},
          .options = {},
          .examples = {{"otactl ddi use press-07 agent", "a DDI token was made for it by mistake"}},
          .run = &run_ddi_use};
}

}  // namespace ota::cli
