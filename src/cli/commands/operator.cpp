// otactl operator list, operator revoke: which certificates may do what this program does
#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_list(Context& context) {
  const auto answer = context.api.get("/v1/operators");
  if (!answer) return answer.error();
  Table table({{"OPERATOR"}, {"ROLE"}, {"CERTIFICATE"}, {"ENDS"}});
  for (const Json& entry : list_at(*answer, "operators")) {
    for (const Json& certificate : list_at(entry, "serials")) {
      table.add({printable(text_at(entry, "name")), printable(text_at(entry, "role")),
                 printable(text_at(certificate, "serial")),
                 printable(text_at(certificate, "ends"))});
    }
  }
  context.out.document(*answer);
  context.out.table(table);
  return ExitCode::kDone;
}

Result<ExitCode> run_revoke_operator(Context& context) {
  const std::string name = context.arguments.text("NAME");
  if (const auto code = unless_confirmed(
          context, "Withdraw every certificate of " + name + "? Copies elsewhere end.")) {
    return *code;
  }
  const auto answer =
      context.api.post("/v1/operators/" + url_escape(name) + "/revoke", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"revoked", name}});
  context.out.line("REVOKED: every certificate of " + name + "; the new one is in state/pki",
                   Tone::kGood);
  return ExitCode::kDone;
}

}  // namespace

Command operator_list_command() {
  return {.name = "operator list",
          .summary = "which operators' certificates rule",
          .details = "",
          .positionals = {},
          .options = {},
          .examples = {{"otactl operator list", "name, serial and end of each"}},
          .run = &run_list};
}

Command operator_revoke_command() {
  return {.name = "operator revoke",
          .summary = "withdraw an operator's certificates; a new one with a new key is made",
          .details =
              "Whoever copied state/pki/operator.key is out at once. Other machines from "
              "which you work need the new operator.crt and operator.key.",
          .positionals = {{"NAME", "the operator, as operator list shows it"}},
          .options = {{"--yes", "", "do not ask"}},
          .examples = {{"otactl operator revoke operator", "a laptop was stolen"}},
          .run = &run_revoke_operator};
}

}  // namespace ota::cli
