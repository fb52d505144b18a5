// Fleet: what operators decide about devices, and enrolment.
#include <algorithm>

#include "base/json.h"
#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

using model::Severity;

// Why the device cannot go back, as far as it is known here; empty: nothing speaks against it. The
// device decides by its own floor once more.
std::string rollback_hindrance(const LiveDevice& live, const Catalogue& catalogue) {
  const model::DeviceRecord& record = *live.record;
  const model::Facts& facts = record.facts;
  if (const auto floor = model::Version::parse(record.version_floor); floor) {
    if (!facts.previous) return "its other slot holds no image to go back to";
    if (facts.previous->version < *floor) {
      return "its other slot holds " + facts.previous->version.label() +
             ", which is below the signed floor " + floor->label();
    }
    // Else no update would ever be allowed again to the device that has gone back.
    const auto published =
        catalogue.digest_of(facts.previous->version, live.spec ? live.spec->hardware : "");
    switch (gate::image_trust(*facts.previous, published, record.trusted)) {
      case gate::Reason::kPublishedImage:
      case gate::Reason::kKnownImage:
        return {};
      case gate::Reason::kAlteredImage:
        return "its other slot holds an image of " + facts.previous->version.label() +
               " that is not the published one";
      default:
        return "its other slot holds an image of " + facts.previous->version.label() +
               " that is neither published nor known for this device: publish that image, or a "
               "newer one";
    }
  }
  // It does not say what its other slot holds: what a floor forbids cannot be ruled out.
  const auto floor = facts.confirmed ? catalogue.floor_of(facts.confirmed->sha256) : std::nullopt;
  if (!floor) return {};
  return facts.confirmed->version.label() + " forbids to go below " + floor->label() +
         ", and its agent does not say what its other slot holds";
}

// It stays this device's: under another name it is refused (KeyRegistry).
void keep_earlier_key(model::DeviceRecord& record) {
  constexpr std::size_t kMostEarlier = 16;
  if (record.key_fingerprint.empty()) return;
  if (record.earlier_keys.size() == kMostEarlier)
    record.earlier_keys.erase(record.earlier_keys.begin());
  record.earlier_keys.push_back(record.key_fingerprint);
}

}  // namespace

void Fleet::rollback(const std::string& device, const std::string& actor, Done done) {
  impl_->post([this, device, actor, done = std::move(done)] {
    impl_->take_rollback_wish(device, actor, done);
  });
}

void Fleet::Impl::take_rollback_wish(const std::string& device, const std::string& actor,
                                     Done done) {
  const WallTime now = clock.wall();
  Error refusal = fail(Errc::kNotFound, device);
  store::Batch batch;
  const JobTable::Entry* running = jobs.table.running(device);
  table.with(device, [&](LiveDevice& live) {
    if (!live.record || !live.record->enrolled) {
      refusal = fail(Errc::kConflict, device + " is not enrolled");
      return;
    }
    if (running != nullptr) {
      refusal = fail(Errc::kConflict, running->job->id + " is running: cancel it first");
      return;
    }
    if (live.reach(settings()->console.ddi, clock.wall()) != Reach::kAgent) {
      refusal = fail(Errc::kConflict, device +
                                          " is updated over DDI, which has no rollback: "
                                          "publish the old image as a newer version");
      return;
    }
    if (const std::string why = rollback_hindrance(live, *catalogue()); !why.empty()) {
      refusal = fail(Errc::kConflict, device + " cannot go back: " + why);
      return;
    }
    model::DeviceRecord& record = live.record.edit();
    record.rollback_requested = true;
    record.rollback_at = now;
    const bool unsigned_word = record.version_floor.empty();
    rollbacks.erase(device);  // a new word, to be said as often
    batch.events.push_back(
        actor_event(now, Severity::kWarning, "rollback.requested", device, actor,
                    actor + " asked " + device + " to go back to its other slot" +
                        (unsigned_word ? "; rollback unsigned: its agent is of a release that "
                                         "knows no signed one"
                                       : "")));
    put_device(batch, live, now);
    refusal = {};
  });
  if (refusal.code) return done(refusal);
  saver.commit(std::move(batch), OnFailure::kRetry,
               [this, device, done = std::move(done)](const Result<void>& saved) {
                 wake(device);
                 done(saved);
               });
}

void Fleet::acknowledge(const std::string& device, const std::string& actor, Done done) {
  const WallTime now = impl_->clock.wall();
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    store::Batch batch;
    model::DeviceRecord& record = Impl::record_of(live);
    record.attention = model::Attention::kNone;
    record.second_key_seen = false;
    record.in_two_places = false;
    live.identity = {};
    batch.events.push_back(actor_event(now, Severity::kInfo, model::event_kind::kDeviceAcknowledged,
                                       device, actor, actor + " has seen to " + device));
    Impl::put_device(batch, live, now);
    impl_->commit_shown(std::move(batch), done);
  });
  if (!known) done(fail(Errc::kNotFound, device));
}

void Fleet::open_enrolment(const std::string& device, const std::string& token_hash,
                           WallTime expires, const std::string& actor, const Done& done) {
  const WallTime now = impl_->clock.wall();
  bool listed = false;
  impl_->table.look(device, [&](const LiveDevice& live) { listed = live.spec != nullptr; });
  if (!listed) return done(fail(Errc::kDenied, device + " is not in the whitelist"));
  store::Batch batch;
  const OpenEnrolment enrolment{device, expires, actor};
  batch.puts.push_back({std::string(kEnrolments), token_hash, enrolment.document()});
  batch.events.push_back(actor_event(now, Severity::kInfo, model::event_kind::kEnrolOpened, device,
                                     actor,
                                     actor + " opened the enrolment of " + device + " until " +
                                         format_rfc3339(expires, Fraction::kNone)));
  std::unique_lock lock(impl_->enrolments_mutex);
  auto opened = impl_->enrolments.open(token_hash, enrolment);
  if (!opened) {
    lock.unlock();
    return done(opened);
  }
  impl_->saver.commit(std::move(batch), OnFailure::kForget,
                      [this, token_hash, done](const Result<void>& saved) {
                        if (!saved) {
                          const std::lock_guard taking_back(impl_->enrolments_mutex);
                          impl_->enrolments.withdraw(token_hash);
                        }
                        done(saved);
                      });
}

// Guessing a token of 256 bits is hopeless, being loud is not: beyond the limit nothing is written.
TokenCheck Fleet::check_token(const std::string& token_hash, const std::string& address) {
  const auto attempts = impl_->settings()->console.limits.enrol_attempts_per_minute;
  const WallTime now = impl_->clock.wall();
  const std::lock_guard lock(impl_->enrolments_mutex);
  if (impl_->enrolments.knows(token_hash)) return {.good = true};
  if (const auto wait = impl_->enrolments.attempt(address, attempts, now)) return {.wait = wait};
  auto refused = impl_->enrolments.redeem(token_hash, now);
  TokenCheck answer{.refusal = refused.error()};
  impl_->refuse_token(address, answer.refusal, now);
  return answer;
}

void Fleet::Impl::refuse_token(const std::string& address, const Error& why, WallTime now) {
  store::Batch batch;
  batch.events.push_back(make_event(now, Severity::kWarning, model::event_kind::kEnrolRefused,
                                    address,
                                    "enrolment from " + address + " refused: " + why.context));
  saver.commit(std::move(batch), OnFailure::kRetry);
}

// One key is one device's: under a second name it is a copy, or stolen.
Result<void> Fleet::Impl::claim_key(const std::string& fingerprint, const std::string& device,
                                    const std::string& address, WallTime now, store::Batch& batch) {
  const auto holder = keys.claim(fingerprint, device);
  if (!holder) return {};
  batch.events.push_back(make_event(
      now, Severity::kError, model::event_kind::kEnrolKeyTaken, device,
      "an enrolment as " + device + " from " + address + " brought a key that is, or was, " +
          *holder + "'s: refused, each device has a key of its own"));
  batch.events.back().data = Json{{"address", address}, {"holder", *holder}, {"key", fingerprint}};
  return fail(Errc::kDenied,
              "this key is, or was, another device's: remove identity/ on the device, so that it "
              "makes a new one");
}

Result<Admission> Fleet::redeem_token(const std::string& token_hash,
                                      const std::string& key_fingerprint,
                                      const std::string& address) {
  const WallTime now = impl_->clock.wall();
  store::Batch batch;
  const std::lock_guard lock(impl_->enrolments_mutex);
  auto redeemed = impl_->enrolments.redeem(token_hash, now);
  if (!redeemed) {
    impl_->refuse_token(address, redeemed.error(), now);
    return redeemed.error();
  }
  batch.erases.push_back({std::string(kEnrolments), token_hash});
  const std::string device = redeemed->device;
  Result<Admission> answer = Admission{device, 0};
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    if (!live.spec) {
      answer = fail(Errc::kDenied, device + " left the whitelist");
      return;
    }
    answer->revocations = live.revocations;
    const bool holds_a_key = live.record && live.record->enrolled && !live.record->revoked;
    if (holds_a_key && live.record->key_fingerprint == key_fingerprint) return;
    if (!holds_a_key) {
      if (auto claimed = impl_->claim_key(key_fingerprint, device, address, now, batch); !claimed)
        answer = claimed.error();
      return;
    }
    // Two keys claim one name. The one that came first keeps it; both are named.
    live.record.edit().second_key_seen = true;
    batch.events.push_back(make_event(now, Severity::kError, model::event_kind::kEnrolSecondKey,
                                      device,
                                      "a second key from " + address + " tried to enrol as " +
                                          device + ": refused, the first key stays"));
    batch.events.back().data = Json{{"address", address},
                                    {"enrolled_key", live.record->key_fingerprint},
                                    {"refused_key", key_fingerprint}};
    Impl::put_device(batch, live, now);
    answer = fail(Errc::kConflict, device + " is enrolled with another key; revoke it first");
  });
  if (!known) answer = fail(Errc::kDenied, device + " left the whitelist");
  impl_->saver.commit(std::move(batch), OnFailure::kRetry);
  return answer;
}

void Fleet::enrolled(const Admission& admission, const std::string& certificate_serial,
                     const std::string& key_fingerprint, WallTime expires, Done done) {
  const std::string& device = admission.device;
  const WallTime now = impl_->clock.wall();
  bool revoked = false;
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    revoked = live.revocations != admission.revocations;
    if (revoked) return;
    store::Batch batch;
    model::DeviceRecord& record = Impl::record_of(live);
    if (record.key_fingerprint != key_fingerprint) {
      // A new key is a new device under the old name: its first report is the baseline again.
      record.facts = {};
      record.trusted.clear();
      record.rejected.clear();
      keep_earlier_key(record);
      record.in_two_places = false;
      live.identity = {};
    }
    record.enrolled = true;
    record.revoked = false;
    record.certificate_serial = certificate_serial;
    record.previous_serial.clear();
    record.key_fingerprint = key_fingerprint;
    record.certificate_expires = expires;
    record.end_told = model::EndTold::kNothing;
    record.renewal_until = {};
    record.enrolled_at = now;
    batch.events.push_back(make_event(now, Severity::kInfo, model::event_kind::kEnrolOk, device,
                                      device + " is enrolled"));
    batch.events.back().data = Json{{"key", key_fingerprint}, {"serial", certificate_serial}};
    Impl::put_device(batch, live, now);
    impl_->saver.commit(std::move(batch), OnFailure::kRetry, done);
  });
  if (!known) done(fail(Errc::kNotFound, device));
  if (revoked) done(fail(Errc::kDenied, device + " was revoked while it joined"));
}

void Fleet::renewed(const std::string& device, const std::string& presented_serial,
                    const std::string& certificate_serial, WallTime expires, Done done) {
  const WallTime now = impl_->clock.wall();
  bool withdrawn = false;
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    // Withdrawn while it renewed: by a revocation, or by a new key under the name.
    const auto& held = live.record;
    withdrawn =
        !held || held->revoked || presented_serial.empty() ||
        (held->certificate_serial != presented_serial && held->previous_serial != presented_serial);
    if (withdrawn) return;
    store::Batch batch;
    model::DeviceRecord& record = Impl::record_of(live);
    // The one that the device has holds until the new one is used: its way to the device may fail,
    // also several times.
    record.previous_serial = presented_serial;
    record.certificate_serial = certificate_serial;
    record.certificate_expires = expires;
    record.end_told = model::EndTold::kNothing;
    live.renewed_serial_used = false;
    live.ended_call_told = {};
    batch.events.push_back(make_event(
        now, Severity::kInfo, model::event_kind::kEnrolRenewed, device,
        device + " has a new certificate until " + format_rfc3339(expires, Fraction::kNone)));
    Impl::put_device(batch, live, now);
    impl_->saver.commit(std::move(batch), OnFailure::kRetry, done);
  });
  if (!known) done(fail(Errc::kNotFound, device));
  if (withdrawn) done(fail(Errc::kDenied, "the certificate was withdrawn while it was renewed"));
}

void Fleet::revoke(const std::string& device, const std::string& actor, Done done) {
  impl_->post([this, device, actor, done = std::move(done)] {
    impl_->take_revocation(device, actor, done);
  });
}

void Fleet::Impl::take_revocation(const std::string& device, const std::string& actor, Done done) {
  const WallTime now = clock.wall();
  store::Batch batch;
  {
    // A code that waits for it would let it in again.
    const std::lock_guard lock(enrolments_mutex);
    for (std::string& token_hash : enrolments.withdraw_of(device))
      batch.erases.push_back({std::string(kEnrolments), std::move(token_hash)});
  }
  jobs.change_running(
      device,
      [](const model::Job& job, const model::OtaSettings&, WallTime at) -> Result<JobChange> {
        return job_abandoned(job, "the device was revoked", at);
      },
      now, batch);
  const bool known = table.with(device, [&](LiveDevice& live) {
    model::DeviceRecord& record = record_of(live);
    ++live.revocations;
    record.revoked = true;
    record.enrolled = false;
    record.rollback_requested = false;
    if (record.ddi) {
      record.ddi->token_hash.clear();
      record.ddi->by_gateway = false;
    }
    batch.events.push_back(actor_event(now, Severity::kWarning, model::event_kind::kEnrolRevoked,
                                       device, actor, actor + " revoked " + device));
    put_device(batch, live, now);
    commit_shown(std::move(batch), done);
  });
  if (!known) return done(fail(Errc::kNotFound, device));
  // At once, not after the commit: who is revoked has no time left.
  cut_off(device);
}

}  // namespace ota::fleet
