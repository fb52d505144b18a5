// otactl audit verify: is the chain of events whole, its end included?
#include "base/file.h"
#include "base/text.h"
#include "cli/commands/all.h"
#include "cli/context.h"
#include "cli/local_store.h"
#include "pki/x509.h"
#include "store/audit_head.h"

namespace ota::cli {
namespace {

// The authority that signs the heads, as this root knows it.
Result<pki::CertificatePtr> authority_of(const Context& context) {
  const auto pem = read_file(context.root / "state/pki/authority.crt", pki::kMaxPemBytes);
  if (!pem) return pem.error();
  return pki::parse_certificate(*pem);
}

Result<Json> verify_offline(const Context& context, X509* authority) {
  const auto store = open_local_store(context);
  if (!store) return store.error();
  const auto report = store::verify_audit(
      **store, store::read_audit_head(context.root / "state" / store::kAuditHeadFile),
      [&](std::string_view text, std::string_view signature) {
        return pki::signed_by(authority, text, signature);
      });
  if (!report) return report.error();
  return store::audit_json(*report);
}

Result<Json> broken_at(std::uint64_t seq, std::string what) {
  return Json{{"ok", false}, {"seq", seq}, {"what", std::move(what)}};
}

// Holds the running console's chain against a head that was kept elsewhere.
Result<Json> verify_against(Context& context, const store::AuditHead& kept, X509* authority) {
  const std::string name = "event " + std::to_string(kept.seq);
  if (!pki::signed_by(authority, store::signed_text(kept), kept.signature)) {
    return fail(Errc::kDenied, "the kept head's signature is not by this root's authority");
  }
  auto answer = context.api.get("/v1/audit/verify", seconds(300));
  if (!answer || !is_set(*answer, "ok")) return answer;
  const auto page =
      context.api.get("/v1/events?limit=1&after=" + std::to_string(kept.seq - 1), seconds(60));
  if (!page) return page.error();
  const Json& events = list_at(*page, "events");
  if (events.empty()) {
    return broken_at(kept.seq, name + " is missing: the chain ends before the kept head");
  }
  if (text_at(events.front(), "hash") != kept.hash) {
    return broken_at(kept.seq, name + " is not the one of the kept head: the chain was replaced");
  }
  return answer;
}

Result<Json> verify_any(Context& context) {
  const std::string kept_file = context.arguments.text("--head");
  const bool is_offline = context.arguments.has("--offline");
  if (!is_offline && kept_file.empty()) return context.api.get("/v1/audit/verify", seconds(300));
  const auto authority = authority_of(context);
  if (!authority) return authority.error();
  if (is_offline) return verify_offline(context, authority->get());
  const auto kept = store::read_audit_head(kept_file);
  if (!kept) return kept.error();
  return verify_against(context, *kept, authority->get());
}

Result<ExitCode> run_audit_verify(Context& context) {
  const auto answer = verify_any(context);
  if (!answer) return answer.error();
  context.out.document(*answer);
  if (is_set(*answer, "ok")) {
    context.out.line("INTACT: " + std::to_string(count_at(*answer, "events")) + " events, head " +
                         text_at(*answer, "head"),
                     Tone::kGood);
    context.out.line("signed until event " + std::to_string(count_at(*answer, "signed_until")) +
                     " at " + text_at(*answer, "signed_at"));
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
          .summary = "check the chain of events: nothing edited, dropped, reordered or cut off",
          .details =
              "Exit 1 where the chain is broken; the first wrong event is named. The console "
              "signs the chain's head once a minute (state/audit-head.json), so that a cut "
              "at the end shows; a copy of that file, kept elsewhere, shows more.",
          .positionals = {},
          .options = {{"--offline", "", "read the database itself; the console must not run"},
                      {"--head", "FILE", "hold the chain against this kept head as well"}},
          .examples = {{"otactl audit verify", "by the running console"},
                       {"otactl audit verify --head /mnt/safe/audit-head.json",
                        "against a head that was kept elsewhere"},
                       {"otactl audit verify --offline --root /mnt/backup", "of a copy"}},
          .run = &run_audit_verify};
}

}  // namespace ota::cli
