#include "main/audit_desk.h"

#include <utility>

#include "pki/authority.h"

namespace ota::main {
namespace {

constexpr milliseconds kSignEvery{60000};  // what is younger could be cut unseen

}  // namespace

AuditDesk::AuditDesk(const std::filesystem::path& root, store::Store& store,
                     const pki::Authority& authority, const Clock& clock, Record record)
    : clock_(clock),
      record_(std::move(record)),
      keeper_(
          root / "state" / store::kAuditHeadFile, store,
          [&authority](std::string_view text) { return authority.sign(text); },
          [&authority](std::string_view text, std::string_view signature) {
            return authority.signed_by_it(text, signature);
          }) {}

void AuditDesk::open(Origin origin) {
  if (origin == Origin::kImported) {
    return record_(model::Severity::kNotice, "audit.imported",
                   "the state was replaced by an import; the audit chain goes on from there");
  }
  const auto wrong = keeper_.check();
  if (!wrong && wrong.error().code == Errc::kNotFound) {
    if (origin == Origin::kFirstRun) return;
    record_(model::Severity::kWarning, "audit.no-head",
            "the audit chain had no signed head; it is signed from now on");
  } else if (!wrong) {
    record_(model::Severity::kError, "audit.unreadable", wrong.error().text());
  } else if (*wrong) {
    record_(model::Severity::kError, "audit.cut", **wrong);
  }
}

void AuditDesk::sign() {
  next_ = clock_.mono() + kSignEvery;
  if (const auto done = keeper_.sign(clock_.wall()); !done) {
    record_(model::Severity::kError, "audit.sign-failed",
            "the audit chain's head was not signed: " + done.error().text());
  }
}

void AuditDesk::sign_if_due() {
  if (clock_.mono() >= next_) sign();
}

void AuditDesk::sign_last() {
  const auto last = keeper_.sign(clock_.wall());
  static_cast<void>(last);
}

}  // namespace ota::main
