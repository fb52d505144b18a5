#include "main/trust_monitor.h"

#include <chrono>
#include <utility>

#include "api/directive.h"
#include "base/file.h"
#include "base/text.h"
#include "fleet/fleet.h"
#include "model/event_kind.h"
#include "tuf/error.h"
#include "tuf/journal.h"
#include "tuf/pkcs11.h"

namespace ota::main {
namespace fs = std::filesystem;
namespace {

// Every change in these folders is a rename, which their times show.
std::string times_of(const fs::path& firmware, const fs::path& keys) {
  std::string text;
  for (const fs::path& folder : {firmware / "metadata", keys, keys / "pending"}) {
    std::error_code error;
    const auto time = fs::last_write_time(folder, error);
    text += error ? "-" : std::to_string(time.time_since_epoch().count());
    text += ' ';
  }
  return text;
}

tuf::TrustPage read_page(const fs::path& firmware, const fs::path& keys, const Clock& clock) {
  tuf::TrustPage page;
  const auto repository = tuf::Repository::open(firmware, keys, clock);
  const auto ceremony = tuf::Ceremony::open(firmware, keys, clock);
  if (!repository || !ceremony) {
    page.problem = (repository ? ceremony.error() : repository.error()).text();
    return page;
  }
  auto roles = repository->status();
  auto pending = ceremony->pending();
  if (!roles || !pending) {
    page.problem = (roles ? pending.error() : roles.error()).text();
    return page;
  }
  page.roles = std::move(*roles);
  page.pending = std::move(*pending);
  return page;
}

Result<tuf::Signer> open_key(const tuf::SignOrder& ask) {
  constexpr std::size_t kMaxKeyBytes = 16384;
  const auto secret = ask.passphrase.empty() ? std::nullopt : std::optional(ask.passphrase);
  if (tuf::is_pkcs11(ask.key_file)) return tuf::signer_from_pkcs11(ask.key_file, secret);
  const auto pem = read_file(ask.key_file, kMaxKeyBytes);
  if (!pem) return pem.error();
  return tuf::Signer::from_pem(*pem, secret);
}

}  // namespace

TrustMonitor::TrustMonitor(const fs::path& root, const Clock& clock,
                           std::function<void(model::Event)> record)
    : firmware_(root / "firmware"),
      keys_(root / "state" / "keys"),
      clock_(clock),
      record_(std::move(record)) {}

void TrustMonitor::record(model::Severity severity, std::string kind, std::string message) const {
  model::Event event;
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = "keys";
  event.message = std::move(message);
  record_(std::move(event));
}

bool TrustMonitor::look() {
  take_journal();
  std::string times = times_of(firmware_, keys_);
  if (times == seen_) return false;
  seen_ = std::move(times);
  open_director();
  auto page = read_page(firmware_, keys_, clock_);
  compare(page);
  const MutexLock lock(mutex_);
  page_ = std::make_shared<const tuf::TrustPage>(std::move(page));
  return true;
}

// What was handed to the event log at the last look is durable by this one.
void TrustMonitor::take_journal() {
  const tuf::Journal journal(keys_);
  if (std::exchange(journal_given_, false)) {
    if (const auto gone = journal.taken(); !gone) {
      return record(model::Severity::kError, model::event_kind::kKeysJournal, gone.error().text());
    }
  }
  const auto entries = journal.take();
  if (!entries)
    return record(model::Severity::kError, model::event_kind::kKeysJournal, entries.error().text());
  for (const tuf::JournalEntry& entry : *entries) {
    std::string words;
    for (const std::string& word : entry.words)
      words += (words.empty() ? "" : "; ") + word;
    model::Event event;
    event.severity = entry.failed ? model::Severity::kWarning : model::Severity::kNotice;
    event.kind = entry.step;
    event.source = "keys";
    event.actor = entry.actor;
    event.message = (entry.failed ? "FAILED: " : "") + words;
    event.data = nlohmann::json{{"done_at", format_rfc3339(entry.at)}, {"words", entry.words}};
    record_(std::move(event));
  }
  journal_given_ = !entries->empty();
}

void TrustMonitor::open_director() {
  auto opened = tuf::Director::open(firmware_, keys_);
  if (!opened) {
    record(model::Severity::kError, "director.no-word",
           "jobs carry no word of the director: " + opened.error().text());
  }
  const MutexLock lock(mutex_);
  director_ = opened ? std::make_shared<const tuf::Director>(std::move(*opened)) : nullptr;
}

// What is published is said from what lies there, whoever put it there.
void TrustMonitor::compare(const tuf::TrustPage& page) {
  if (!page.problem.empty()) {
    return record(model::Severity::kError, model::event_kind::kTrustUnreadable,
                  "what is published does not verify: " + page.problem);
  }
  const bool first = versions_.empty();
  for (const tuf::RoleStatus& role : page.roles) {
    const std::uint64_t before = std::exchange(versions_[role.role], role.version);
    const bool routine = role.role == "snapshot" || role.role == "timestamp";
    if (first || routine || before == role.version) continue;
    record(model::Severity::kNotice, model::event_kind::kTrustPublished,
           role.role + " version " + std::to_string(role.version) + " is in force, signed by " +
               std::to_string(role.threshold) + " of " + std::to_string(role.keys) + " keys");
  }
  const bool exposed = tuf::publishing_keys_online(page.roles);
  if (exposed && !warned_) {
    record(model::Severity::kWarning, model::event_kind::kTrustKeysOnline,
           "root or targets keys lie on this server: whoever breaks in can publish; take them "
           "away: otactl keys take-offline DIR");
  }
  if (!exposed && warned_) {
    record(model::Severity::kNotice, model::event_kind::kTrustKeysOffline,
           "root and targets keys are offline");
  }
  warned_ = exposed;
}

std::string TrustMonitor::directive(const std::string& device,
                                    const fleet::Command& command) const {
  std::shared_ptr<const tuf::Director> director;
  {
    const MutexLock lock(mutex_);
    director = director_;
  }
  if (director == nullptr) return {};
  const auto signed_word = api::sign_directive(*director, device, command, clock_.wall());
  if (signed_word) return *signed_word;
  record(model::Severity::kError, "director.no-word", signed_word.error().text());
  return {};
}

Result<tuf::Outcome> sign_change(const fs::path& root, const tuf::SignOrder& ask,
                                 const Clock& clock) {
  auto ceremony = tuf::Ceremony::open(root / "firmware", root / "state" / "keys", clock);
  if (!ceremony) return ceremony.error();
  return ceremony->sign(ask.role, ask.sha256, open_key(ask));
}

std::shared_ptr<const tuf::TrustPage> TrustMonitor::page() const {
  const MutexLock lock(mutex_);
  return page_;
}

}  // namespace ota::main
