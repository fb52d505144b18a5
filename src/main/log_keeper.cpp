#include "main/log_keeper.h"

#include <utility>

#include "audit/log_key.h"
#include "model/event_kind.h"
#include "pki/authority.h"
#include "store/audit_head.h"
#include "store/event_document.h"

namespace ota::main {
namespace {

constexpr std::chrono::hours kLookForOld{1};

}  // namespace

Result<std::unique_ptr<LogKeeper>> LogKeeper::make(const std::filesystem::path& root,
                                                   store::Store& store,
                                                   const pki::Authority& authority,
                                                   const Clock& clock, Record record) {
  const std::filesystem::path state = root / "state";
  auto key = audit::read_or_make_log_key(state);
  if (!key) return key.error().within("the key of the log of events");
  return std::unique_ptr<LogKeeper>(new LogKeeper(state, store, authority, clock, std::move(record),
                                                  store::LogSigner(state, store, std::move(*key))));
}

LogKeeper::LogKeeper(std::filesystem::path state, store::Store& store,
                     const pki::Authority& authority, const Clock& clock, Record record,
                     store::LogSigner signer)
    : state_(std::move(state)),
      store_(store),
      authority_(authority),
      clock_(clock),
      clock_jump_(clock),
      record_(std::move(record)),
      signer_(std::move(signer)) {}

void LogKeeper::tell(model::Severity severity, std::string_view kind, std::string message,
                     Json data) {
  model::Event event;
  event.severity = severity;
  event.kind = kind;
  event.source = "server";
  event.message = std::move(message);
  event.data = std::move(data);
  record_(std::move(event));
}

void LogKeeper::open(Origin origin) {
  const auto standing = signer_.look();
  if (!standing) {
    return tell(model::Severity::kError, model::event_kind::kAuditUnreadable,
                standing.error().text());
  }
  using Kind = store::LogStanding::Kind;
  switch (standing->kind) {
    case Kind::kFollows:
      return;
    case Kind::kBroken:
      broken_ = true;
      return tell(model::Severity::kError, store::kLogForked,
                  standing->what + "; the log is not signed any more (otactl audit verify)");
    case Kind::kForeign:
      return tell(model::Severity::kWarning, model::event_kind::kAuditNewKey,
                  "the log was signed with another key, as " + standing->what +
                      "; from now on it is " + signer_.origin());
    case Kind::kUnsigned:
      return close_chain(origin);
  }
}

// Nothing was ever signed of the tree: the log is new, or was a chain until now, with a signed head
// of its own.
void LogKeeper::close_chain(Origin origin) {
  const std::uint64_t size = store_.last_event();
  if (size == 0 || origin == Origin::kFirstRun) return;
  const auto end = store::find_chain_end(store_);
  if (!end)
    return tell(model::Severity::kError, model::event_kind::kAuditUnreadable, end.error().text());
  const auto head = store::read_audit_head(state_ / store::kAuditHeadFile);
  if (head) {
    const auto wrong =
        store::what_breaks(store_, *head, [&](std::string_view text, std::string_view signature) {
          return authority_.signed_by_it(text, signature);
        });
    if (!wrong)
      tell(model::Severity::kError, model::event_kind::kAuditUnreadable, wrong.error().text());
    if (wrong && *wrong) tell(model::Severity::kError, store::kLogCut, **wrong);
  } else if (head.error().code == Errc::kNotFound) {
    tell(model::Severity::kWarning, model::event_kind::kAuditNoHead,
         "the log of events had no signed head; it is signed from now on");
  } else {
    tell(model::Severity::kError, store::kLogCut, head.error().text());
  }
  const auto said = store_.events({.limit = 1, .kind_prefix = std::string(store::kLogFromChain)});
  if (!*end || !said || !said->empty()) return;
  tell(model::Severity::kNotice, store::kLogFromChain,
       "the chain of events ended with event " + std::to_string((*end)->seq) +
           "; the log goes on as a tree whose first entries are the chain's",
       {{"last", (*end)->seq}, {"hash", (*end)->hash}});
}

// Once, until it goes well again: a full disk would say it each second.
void LogKeeper::tell_failure(const Result<void>& done) {
  if (done) {
    told_failure_ = false;
    return;
  }
  if (done.error().code == Errc::kConflict) {
    broken_ = true;
    return tell(model::Severity::kError, store::kLogForked,
                done.error().context + "; the log is not signed any more (otactl audit verify)");
  }
  if (std::exchange(told_failure_, true)) return;
  tell(model::Severity::kError, model::event_kind::kAuditSignFailed,
       "the log's head was not signed: " + done.error().text());
}

void LogKeeper::sign() {
  tell_failure(signer_.sign());
}

void LogKeeper::tick(const store::Retention& retention) {
  const MonoTime now = clock_.mono();
  tell_failure(signer_.sign_if_due(now));
  // What is old is known when the clock has gone right for a while.
  if (clock_jump_.look()) looked_for_old_ = now;
  if (broken_ || (looked_for_old_ && now - *looked_for_old_ < kLookForOld)) return;
  looked_for_old_ = now;
  retire(retention);
}

// The word first, then the deed: events leave once the event that says so is on disk.
void LogKeeper::retire(const store::Retention& retention) {
  if (!store_.health().writable) return;
  const auto step = store::next_retirement(store_, retention, clock_.wall());
  if (!step)
    return tell(model::Severity::kError, model::event_kind::kAuditUnreadable, step.error().text());
  if (step->announce_until > 0) {
    tell(model::Severity::kInfo, store::kLogRetired,
         "events " + std::to_string(step->first) + " to " + std::to_string(step->announce_until) +
             " leave: older or more than history.events_days and history.events keep",
         {{"until", step->announce_until}});
  } else if (step->retire_until > 0) {
    store_.commit({.retire_until = step->retire_until}, {});
  } else {
    return;
  }
  looked_for_old_.reset();  // there may be more: at the next tick
}

void LogKeeper::sign_last() {
  const auto last = signer_.sign();
  static_cast<void>(last);
}

}  // namespace ota::main
