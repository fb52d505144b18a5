// otactl ddi ...: devices that speak hawkBit's DDI.
#include "base/text.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/format.h"

namespace ota::cli {
namespace {

Result<ExitCode> run_ddi_token(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto answer =
      context.api.post("/v1/devices/" + url_escape(id) + "/ddi-token", Json::object());
  if (!answer) return answer.error();
  const std::string token = text_at(*answer, "token");
  if (token.empty()) return fail(Errc::kInvalid, "the server's answer holds no token");
  context.out.document(*answer);
  context.out.line("TargetToken of " + id + ", shown this once; any one before is void:");
  context.out.line(token);
  context.out.line("SWUpdate: -u \"-t default -u https://HOST:PORT -i " + id +
                   " -k TOKEN\"; RAUC: " + "auth_token = TOKEN");
  return ExitCode::kDone;
}

Result<ExitCode> run_ddi_ask(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto answer =
      context.api.post("/v1/devices/" + url_escape(id) + "/ddi-attributes", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"asked", id}});
  context.out.line("ASKED: " + id + " sends its attributes at its next poll", Tone::kGood);
  return ExitCode::kDone;
}

Result<ExitCode> run_ddi_waiting(Context& context) {
  const auto answer = context.api.get("/v1/ddi");
  if (!answer) return answer.error();
  context.out.document(*answer);
  const std::string listen = text_at(*answer, "listen");
  context.out.line(listen.empty() ? "DDI is not served: set ddi.listen in config/console.json"
                                  : "DDI is served on " + listen);
  context.out.line(is_set(*answer, "gateway_token")
                       ? "A gateway token is in force."
                       : "Gateway tokens are off: otactl ddi gateway-token makes one.");
  const WallTime now = context.clock.wall();
  Table table({{"WAITS"}, {"CLIENT"}, {"ADDRESS"}, {"FIRST"}, {"SEEN"}, {"TO DO"}});
  for (const Json& entry : list_at(*answer, "waiting")) {
    const std::string id = printable(text_at(entry, "id"), 63);
    table.add(
        {id, dash(printable(text_at(entry, "client"), 40)),
         dash(printable(text_at(entry, "address"), 45)), age_of(entry, "first_seen", now),
         age_of(entry, "last_seen", now),
         is_set(entry, "listed") ? "otactl ddi accept " + id : "list it in config/devices.json"});
  }
  if (table.empty()) {
    context.out.line("Nobody waits.");
  } else {
    context.out.table(table);
  }
  return ExitCode::kDone;
}

Result<ExitCode> run_ddi_accept(Context& context) {
  const std::string id = context.arguments.text("ID");
  const auto answer =
      context.api.post("/v1/ddi/waiting/" + url_escape(id) + "/accept", Json::object());
  if (!answer) return answer.error();
  context.out.document(Json{{"accepted", id}});
  context.out.line("ACCEPTED: " + id, Tone::kGood);
  return ExitCode::kDone;
}

Result<ExitCode> run_ddi_gateway_token(Context& context) {
  const bool off = context.arguments.has("--off");
  const std::string question = off ? "Turn gateway tokens off? Devices that use one are cut off."
                                   : "Make a gateway token? Any one before is void.";
  if (const auto code = unless_confirmed(context, question)) return *code;
  const auto answer = context.api.post("/v1/ddi/gateway-token", Json{{"on", !off}});
  if (!answer) return answer.error();
  if (off) {
    context.out.document(Json{{"gateway_token", false}});
    context.out.line("OFF: no gateway token is taken any more", Tone::kGood);
    return ExitCode::kDone;
  }
  context.out.document(*answer);
  context.out.line("GatewayToken, shown this once; any one before is void:");
  context.out.line(text_at(*answer, "token"));
  context.out.line("An id that uses it waits until: otactl ddi accept ID");
  return ExitCode::kDone;
}

}  // namespace

Command ddi_token_command() {
  return {.name = "ddi token",
          .summary = "make a device's token for DDI and show it once",
          .details =
              "The device must be in config/devices.json. Only the token's hash is stored; "
              "a lost one is replaced.",
          .positionals = {{"ID", "the device"}},
          .options = {},
          .examples = {{"otactl ddi token press-07", "for SWUpdate's -k or RAUC's auth_token"}},
          .run = &run_ddi_token};
}

Command ddi_ask_command() {
  return {.name = "ddi ask",
          .summary = "ask a DDI device for its attributes at its next poll",
          .details = "",
          .positionals = {{"ID", "the device"}},
          .options = {},
          .examples = {{"otactl ddi ask press-07", "after somebody changed it by hand"}},
          .run = &run_ddi_ask};
}

Command ddi_waiting_command() {
  return {.name = "ddi waiting",
          .summary = "ids that spoke with the gateway token and wait to be accepted",
          .details = "",
          .positionals = {},
          .options = {},
          .examples = {{"otactl ddi waiting", "and what to do for each"}},
          .run = &run_ddi_waiting};
}

Command ddi_accept_command() {
  return {.name = "ddi accept",
          .summary = "take a whitelisted id from the waiting list",
          .details = "From then on the gateway token may speak for it.",
          .positionals = {{"ID", "the device"}},
          .options = {},
          .examples = {{"otactl ddi accept press-07", "it is in config/devices.json already"}},
          .run = &run_ddi_accept};
}

Command ddi_gateway_token_command() {
  return {.name = "ddi gateway-token",
          .summary = "make the one token that gateways speak with, or turn it off",
          .details =
              "It is off at first. Ids that use it and are not accepted are put on the "
              "waiting list, never further.",
          .positionals = {},
          .options = {{"--off", "", "take none any more"}, {"--yes", "", "do not ask"}},
          .examples = {{"otactl ddi gateway-token", "shown once"},
                       {"otactl ddi gateway-token --off", "devices that use it get 401"}},
          .run = &run_ddi_gateway_token};
}

}  // namespace ota::cli
