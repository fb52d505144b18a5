// otactl audit verify: is the log of events whole, its end included? Or: does this proof hold?
#include <charconv>

#include "audit/log_key.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"
#include "cli/log_source.h"
#include "pki/x509.h"
#include "store/audit_head.h"
#include "store/log_import.h"
#include "store/log_signer.h"
#include "store/log_verify.h"
#include "tuf/journal.h"

namespace ota::cli {
namespace {

constexpr std::size_t kMaxFile = 1U << 20;

Json broken_at(std::uint64_t seq, std::string what) {
  return Json{{"ok", false}, {"seq", seq}, {"what", std::move(what)}};
}

Result<Json> verify_log_here(const Context& context) {
  const auto store = open_local_store(context);
  if (!store) return store.error();
  const auto report = store::verify_log(**store, store::read_checkpoint(context.root / "state"));
  if (!report) return report.error();
  const auto imports = store::imports_of(**store);
  if (!imports) return imports.error();
  Json out = store::log_json(*report);
  out["imports"] = store::imports_json(*imports);
  return out;
}

// A checkpoint that was kept elsewhere: the log must go on from it.
Result<Json> hold_against(Context& context, const std::string& note, Json answer) {
  auto source = LogSource::open(context);
  if (!source) return source.error();
  const auto verifier = source->verifier();
  if (!verifier) return verifier.error();
  const auto kept = audit::open_checkpoint(note, *verifier);
  if (!kept) return kept.error().within("the kept checkpoint");
  const std::uint64_t size = count_at(answer, "events");
  if (kept->size > size) {
    return broken_at(size + 1, "event " + std::to_string(kept->size) +
                                   " is missing: the log ends before the kept checkpoint");
  }
  const auto root = source->tree(size).root_at(kept->size);
  if (!root) return root.error();
  if (*root != kept->root) {
    return broken_at(kept->size, "the log up to event " + std::to_string(kept->size) +
                                     " is not the one of the kept checkpoint: it was replaced");
  }
  return answer;
}

// A head of the chain that a program before the tree signed.
Result<Json> hold_against_chain(Context& context, const std::string& document, Json answer) {
  const auto pem = read_file(context.root / "state/pki/authority.crt", pki::kMaxPemBytes);
  if (!pem) return pem.error();
  const auto authority = pki::parse_certificate(*pem);
  if (!authority) return authority.error();
  const auto kept = store::AuditHead::parse(document);
  if (!kept) return kept.error();
  if (!pki::signed_by(authority->get(), store::signed_text(*kept), kept->signature))
    return fail(Errc::kDenied, "the kept head's signature is not by this root's authority");
  auto history = LogSource::open(context);
  if (!history) return history.error();
  const std::uint64_t index = kept->seq - 1;
  const std::uint64_t size = count_at(answer, "events");
  const std::string name = "event " + std::to_string(kept->seq);
  if (kept->seq > size)
    return broken_at(size + 1, name + " is missing: the log ends before the kept head");
  const std::uint64_t n = index / audit::kTileWidth;
  const auto bundle = history->file({std::nullopt, n, audit::tile_width(size, 0, n)});
  if (!bundle) return bundle.error().within(name);
  const auto entries = audit::entries_of(*bundle);
  if (!entries) return entries.error();
  const auto json = parse_json(entries->at(static_cast<std::size_t>(index % audit::kTileWidth)));
  if (!json || text_at(*json, "hash") != kept->hash)
    return broken_at(kept->seq, name + " is not the one of the kept head: the chain was replaced");
  return answer;
}

Result<Json> verify_any(Context& context) {
  const bool is_offline = context.arguments.has("--offline");
  auto answer =
      is_offline ? verify_log_here(context) : context.api.get("/v1/audit/verify", seconds(300));
  const std::string kept_file = context.arguments.text("--head");
  if (!answer || !is_set(*answer, "ok") || kept_file.empty()) return answer;
  const auto kept = read_file(kept_file, kMaxFile);
  if (!kept) return kept.error();
  return kept->starts_with('{') ? hold_against_chain(context, *kept, *answer)
                                : hold_against(context, *kept, *answer);
}

// Neither server nor database is asked.
Result<ExitCode> verify_proof(Context& context) {
  const auto text = read_file(context.arguments.text("--proof"), kMaxFile);
  if (!text) return text.error();
  const auto proof = audit::EntryProof::parse(*text);
  if (!proof) return proof.error();
  std::filesystem::path key = context.arguments.text("--log");
  if (key.empty()) key = context.root / "state" / audit::kLogVerifierFile;
  const auto verifier = audit::read_log_verifier(key);
  if (!verifier) return verifier.error();
  const auto held = audit::verify_entry(*proof, proof->extra, *verifier);
  if (!held) {
    context.out.document(Json{{"ok", false}, {"what", held.error().text()}});
    context.out.line("NOT PROVEN: " + held.error().text(), Tone::kBad);
    return ExitCode::kError;
  }
  context.out.document(Json{{"ok", true},
                            {"event", proof->index + 1},
                            {"origin", held->origin},
                            {"size", held->size},
                            {"entry", proof->extra}});
  context.out.line("PROVEN: event " + std::to_string(proof->index + 1) + " of " + held->origin +
                       " (" + std::to_string(held->size) + " events)",
                   Tone::kGood);
  context.out.line(proof->extra);
  return ExitCode::kDone;
}

// Each import of a state; false where nobody has acknowledged one of them.
bool tell_imports(Context& context, const Json& answer) {
  bool all_seen = true;
  for (const Json& entry : list_at(answer, "imports")) {
    const std::string number = std::to_string(count_at(entry, "seq"));
    const std::string by = text_at(entry, "acknowledged_by");
    const std::string actor = text_at(entry, "actor", "");
    all_seen = all_seen && !by.empty();
    context.out.line("IMPORT: event " + number + " by " + (actor.empty() ? "nobody known" : actor) +
                         ": " + text_at(entry, "message"),
                     by.empty() ? Tone::kBad : Tone::kPlain);
    context.out.line(by.empty() ? "  nobody has seen to it: otactl audit acknowledge " + number
                                : "  acknowledged by " + by);
  }
  return all_seen;
}

std::optional<std::uint64_t> parse_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<ExitCode> run_acknowledge_import(Context& context) {
  const auto number_given = parse_number(context.arguments.text("EVENT"));
  if (!number_given) return usage_error("EVENT is an event's number");
  const std::string number = std::to_string(*number_given);
  if (context.arguments.has("--offline")) {
    const auto store = open_local_store(context);
    if (!store) return store.error();
    auto word =
        store::acknowledgement(**store, *number_given, tuf::local_actor(), context.clock.wall());
    if (!word) return word.error();
    if (auto done = store::write_down(**store, std::move(*word)); !done) return done.error();
  } else {
    const auto answer = context.api.post("/v1/audit/imports/" + url_escape(number) + "/acknowledge",
                                         Json::object());
    if (!answer) return answer.error();
  }
  context.out.document(Json{{"acknowledged", number}});
  context.out.line("ACKNOWLEDGED: the import of event " + number, Tone::kGood);
  return ExitCode::kDone;
}

Result<ExitCode> run_audit_verify(Context& context) {
  if (context.arguments.has("--proof")) return verify_proof(context);
  const auto answer = verify_any(context);
  if (!answer) return answer.error();
  context.out.document(*answer);
  if (is_set(*answer, "ok")) {
    context.out.line("INTACT: " + std::to_string(count_at(*answer, "events")) + " events, root " +
                         text_at(*answer, "head"),
                     Tone::kGood);
    const std::uint64_t first = count_at(*answer, "first");
    if (first > 1) {
      context.out.line("events 1 to " + std::to_string(first - 1) +
                       " have left by their age; their hashes are there");
    }
    context.out.line("signed until event " + std::to_string(count_at(*answer, "signed_until")) +
                     " by " + text_at(*answer, "origin"));
    return tell_imports(context, *answer) ? ExitCode::kDone : ExitCode::kError;
  }
  context.out.line(
      "BROKEN: event " + std::to_string(count_at(*answer, "seq")) + ": " + text_at(*answer, "what"),
      Tone::kBad);
  return ExitCode::kError;
}

}  // namespace

Command audit_verify_command() {
  return {
      .name = "audit verify",
      .summary = "check the log of events: nothing edited, dropped, put in, moved or cut off",
      .details =
          "Exit 1 where the log is broken; the first wrong event is named. Imports of a state are "
          "told, and until each is acknowledged the exit is 1 as well. The console signs "
          "the log's head each second in which there is news (state/audit-checkpoint), so that "
          "a cut at the end shows; a copy of that file, kept elsewhere, shows more. With "
          "--proof it verifies a file of `audit prove` and asks neither server nor database.",
      .positionals = {},
      .options = {{"--offline", "", "read the database itself; the console must not run"},
                  {"--head", "FILE",
                   "hold the log against this kept checkpoint (or audit-head.json) as well"},
                  {"--proof", "FILE", "verify this proof instead"},
                  {"--log", "VKEYFILE",
                   "with --proof: the log's key (state/audit-log.vkey of the root)"}},
      .examples = {{"otactl audit verify", "by the running console"},
                   {"otactl audit verify --head /mnt/safe/audit-checkpoint",
                    "against a checkpoint that was kept elsewhere"},
                   {"otactl audit verify --offline --root /mnt/backup", "of a copy"},
                   {"otactl audit verify --proof event-4318.tlog-proof --log safe.vkey",
                    "on any host"}},
      .run = &run_audit_verify};
}

Command audit_acknowledge_command() {
  return {.name = "audit acknowledge",
          .summary = "say that you have seen to an import that audit verify tells of",
          .details = "Written into the log with your name.",
          .positionals = {{"EVENT", "the import's number"}},
          .options = {{"--offline", "", "in the database itself; the console must not run"}},
          .examples = {{"otactl audit acknowledge 4318", "after you have asked who restored what"}},
          .run = &run_acknowledge_import};
}

}  // namespace ota::cli
