// otactl keys ...: where the signing keys are, and how changes get their signatures, on the
// server's side: they work on ROOT/state/keys and ROOT/firmware. The signer's side is
// keys_sign.cpp.
#include "base/file.h"
#include "cli/ask.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/passphrase.h"
#include "tuf/ceremony.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxFileBytes = 12000000;

Result<tuf::Ceremony> open_ceremony(const Context& context) {
  return tuf::Ceremony::open(context.root / "firmware", context.root / "state" / "keys",
                             context.clock);
}

Result<std::string> passphrase(const Context& context, const std::string& what, Asked asked) {
  if (context.arguments.has("--passphrase-file")) {
    return passphrase_from_file(context.arguments.text("--passphrase-file"));
  }
  return ask_passphrase(what, asked);
}

// A number between 1 and 16; `fallback` where it was not given.
Result<unsigned> small_number(const Context& context, std::string_view name, unsigned fallback) {
  const auto number = context.arguments.number(name);
  if (!number) return number.error();
  constexpr std::uint64_t kMost = 16;
  if (*number && (**number < 1 || **number > kMost)) {
    return usage_error(std::string(name) + " is 1 to 16");
  }
  return *number ? static_cast<unsigned>(**number) : fallback;
}

ExitCode report(Context& context, const tuf::Outcome& outcome) {
  context.out.document(Json{{"done", outcome}});
  for (const std::string& sentence : outcome)
    context.out.line(sentence, Tone::kGood);
  return ExitCode::kDone;
}

Result<ExitCode> rotate_roles(Context& context, const std::vector<std::string>& roles) {
  const auto keys = small_number(context, "--keys", 1);
  if (!keys) return keys.error();
  const auto threshold = small_number(context, "--threshold", 1);
  if (!threshold) return threshold.error();
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  std::vector<tuf::RoleChange> changes;
  std::string names;
  for (const std::string& role : roles) {
    changes.push_back({role, *threshold, *keys});
    names += (names.empty() ? "" : " and ") + role;
  }
  if (const auto code =
          unless_confirmed(context,
                           "Replace all keys of " + names + " by " + std::to_string(*keys) +
                               " new, of which " + std::to_string(*threshold) + " must sign?",
                           "Nothing was changed.")) {
    return *code;
  }
  const auto outcome = ceremony->rotate(changes);
  if (!outcome) return outcome.error();
  return report(context, *outcome);
}

Result<ExitCode> run_init(Context& context) {
  return rotate_roles(context, {"root", "targets"});
}
Result<ExitCode> run_rotate(Context& context) {
  return rotate_roles(context, {context.arguments.text("ROLE")});
}

Result<ExitCode> run_take_offline(Context& context) {
  if (auto good = check_passphrase_file(context); !good) return good.error();
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  const auto outcome = ceremony->take_offline(
      context.arguments.text("DIR"),
      [&](const std::string& name) { return passphrase(context, name, Asked::kTwice); });
  if (!outcome) return outcome.error();
  return report(context, *outcome);
}

Result<ExitCode> run_pending(Context& context) {
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  const auto pending = ceremony->pending();
  if (!pending) return pending.error();
  Json list = Json::array();
  if (pending->empty()) context.out.line("Nothing waits for signatures.");
  for (const tuf::PendingRole& role : *pending) {
    list.push_back({{"role", role.role},
                    {"version", role.version},
                    {"signatures", role.signatures},
                    {"threshold", role.threshold},
                    {"words", role.words}});
    context.out.line(role.role + ": " + std::to_string(role.signatures) + " of " +
                         std::to_string(role.threshold) + " signatures",
                     Tone::kWarning);
    for (const std::string& line : role.words)
      context.out.line("  " + line);
  }
  context.out.document(Json{{"pending", list}});
  return ExitCode::kDone;
}

Result<ExitCode> deliver(Context& context, const std::string& text) {
  if (!context.arguments.has("--out")) {
    context.out.json_text(text);
    return ExitCode::kDone;
  }
  const std::string path = context.arguments.text("--out");
  if (auto written = write_file_durably(path, text); !written) return written.error();
  return report(context, {"written to " + path});
}

Result<ExitCode> run_request(Context& context) {
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  const auto request = ceremony->request(context.arguments.text("ROLE"));
  if (!request) return request.error();
  return deliver(context, *request);
}

Result<ExitCode> run_submit(Context& context) {
  const auto signature = read_file(context.arguments.text("FILE"), kMaxFileBytes);
  if (!signature) return signature.error();
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  const auto outcome = ceremony->submit(*signature);
  if (!outcome) return outcome.error();
  return report(context, *outcome);
}

Result<ExitCode> run_discard(Context& context) {
  auto ceremony = open_ceremony(context);
  if (!ceremony) return ceremony.error();
  const auto outcome = ceremony->discard(context.arguments.text("ROLE"));
  if (!outcome) return outcome.error();
  return report(context, *outcome);
}

const std::vector<Option> kAmounts{
    {"--threshold", "M", "so many of them must sign (1)", {}, Kind::kNumber},
    {"--keys", "N", "so many new keys (1)", {}, Kind::kNumber},
    {"--yes", "", "do not ask"}};
const Option kPassphrase{"--passphrase-file", "FILE", "its first line, instead of asking"};
const Option kOut{"--out", "FILE", "write it there instead of to standard output"};

}  // namespace

Command keys_init_command() {
  return {.name = "keys init",
          .summary = "new root and targets keys, of which a number must sign together",
          .details =
              "The present keys sign the change. Take the new ones away with keys "
              "take-offline; until then whoever has the server can publish.",
          .positionals = {},
          .options = kAmounts,
          .examples = {{"otactl keys init --threshold 2 --keys 3", "two of three people"}},
          .run = &run_init};
}
Command keys_rotate_command() {
  return {.name = "keys rotate",
          .summary = "replace the keys of one role",
          .details =
              "With the root keys away, the change waits for their signatures. A model's role "
              "(model-MODEL) gets keys of its own this way; it needs the targets signatures.",
          .positionals = {{"ROLE", "root, targets, snapshot, timestamp, director or model-MODEL"}},
          .options = kAmounts,
          .examples = {{"otactl keys rotate timestamp", "after the server was broken into"}},
          .run = &run_rotate};
}
Command keys_take_offline_command() {
  return {.name = "keys take-offline",
          .summary = "move the root and targets keys out of the server, each encrypted",
          .details = "Every file is read back and must sign before its key is erased here.",
          .positionals = {{"DIR", "where they go, such as a memory stick"}},
          .options = {kPassphrase},
          .examples = {{"otactl keys take-offline /media/stick", "asks a passphrase for each"}},
          .run = &run_take_offline};
}
Command keys_pending_command() {
  return {.name = "keys pending",
          .summary = "what waits for signatures, in words",
          .details = "",
          .positionals = {},
          .options = {},
          .examples = {{"otactl keys pending", "what would be published"}},
          .run = &run_pending};
}
Command keys_request_command() {
  return {.name = "keys request",
          .summary = "the file to carry to those who sign",
          .details = "",
          .positionals = {{"ROLE", "root, targets or model-MODEL"}},
          .options = {kOut},
          .examples = {{"otactl keys request targets --out targets.request", "for the stick"}},
          .run = &run_request};
}
Command keys_submit_command() {
  return {.name = "keys submit",
          .summary = "take a signature in; with enough of them the change is published",
          .details = "",
          .positionals = {{"FILE", "the signature"}},
          .options = {},
          .examples = {{"otactl keys submit 1.signature", "one of two"}},
          .run = &run_submit};
}
Command keys_discard_command() {
  return {.name = "keys discard",
          .summary = "drop a change that waits for signatures",
          .details = "",
          .positionals = {{"ROLE", "root, targets or model-MODEL"}},
          .options = {},
          .examples = {{"otactl keys discard targets", "the release was a mistake"}},
          .run = &run_discard};
}

}  // namespace ota::cli
