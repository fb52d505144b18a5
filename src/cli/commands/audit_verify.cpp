// otactl audit verify: is the chain of events whole?
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"
#include "store/audit_chain.h"

namespace ota::cli {
namespace {

Result<Json> offline(Context& context) {
  const auto store = open_local_store(context);
  if (!store) return store.error();
  store::ChainVerifier verifier;
  store::EventQuery query;
  query.limit = 10000;
  while (true) {
    const auto events = (*store)->events(query);
    if (!events) return events.error();
    for (const model::Event& event : *events) {
      if (const auto fault = verifier.check(event)) {
        return Json{{"ok", false}, {"seq", fault->seq}, {"what", fault->what}};
      }
      query.after = event.seq;
    }
    if (events->size() < query.limit) break;
  }
  return Json{{"ok", true}, {"events", verifier.verified()}, {"head", verifier.head()}};
}

Result<ExitCode> run_audit_verify(Context& context) {
  const auto answer = context.arguments.has("--offline")
                          ? offline(context)
                          : context.api.get("/v1/audit/verify", seconds(300));
  if (!answer) return answer.error();
  context.out.document(*answer);
  if (is_set(*answer, "ok")) {
    context.out.line("INTACT: " + std::to_string(count_at(*answer, "events")) + " events, head " +
                         text_at(*answer, "head"),
                     Tone::kGood);
    return ExitCode::kDone;
  }
  context.out.line(
      "BROKEN: event " + std::to_string(count_at(*answer, "seq")) + ": " + text_at(*answer, "what"),
      Tone::kBad);
  return ExitCode::kError;
}

}  // namespace

Command audit_verify_command() {
  return {.name = "audit verify",
          .summary = "check the chain of events: nothing edited, dropped or reordered",
          .details = "Exit 1 where the chain is broken; the first wrong event is named.",
          .positionals = {},
          .options = {{"--offline", "", "read the database itself; the console must not run"}},
          .examples = {{"otactl audit verify", "by the running console"},
                       {"otactl audit verify --offline --root /mnt/backup", "of a copy"}},
          .run = &run_audit_verify};
}

}  // namespace ota::cli
