// Fleet: who speaks, apart from what he says: one identity in two places, certificates that end,
// and devices that are connected though their readings cannot be used.
#include <algorithm>
#include <utility>

#include "base/json.h"
#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

using model::EndTold;
using model::Severity;

constexpr std::chrono::hours kSayAgain{24};

std::string date_of(WallTime time) {
  return format_rfc3339(time, Fraction::kNone);
}

std::string days_left(WallTime end, WallTime now) {
  const auto days = std::chrono::ceil<std::chrono::days>(end - now).count();
  return std::to_string(days) + (days == 1 ? " day" : " days");
}

std::string renewal_remedy(const LiveDevice& device) {
  return device.local ? "its agent on this host renews it when it runs"
                      : "`otactl renew " + device.id + "` lets it fetch a new one by itself";
}

bool has_certificate(const LiveDevice& device) {
  return device.spec && device.record && device.record->enrolled &&
         device.record->certificate_expires != WallTime{};
}

}  // namespace

std::string clock_words(milliseconds ahead) {
  return format_age(std::chrono::abs(ahead)) +
         (ahead.count() > 0 ? " ahead of this server's" : " behind this server's");
}

// -- readings that cannot be used --

void Fleet::Impl::follow_unusable(LiveDevice& device, WallTime now, store::Batch& batch) const {
  UnusableReadings& readings = device.unusable;
  const milliseconds stale_after(stale_after_ms.load(std::memory_order_relaxed));
  if (device.online || device.ddi_alone() || !device.spec) {
    readings.told = false;
    return;
  }
  if (!readings.keep_coming(now, stale_after)) {
    if (now - readings.last > stale_after) readings = {};
    return;
  }
  if (std::exchange(readings.told, true)) return;
  std::string message = device.id + " is connected, and its readings cannot be used: ";
  message +=
      readings.clock_off()
          ? "its clock is " + clock_words(readings.ahead) + "; set its clock"
          : "refused as " + std::string(model::to_text(readings.fault)) + "; look at its agent";
  batch.events.push_back(make_event(now, Severity::kWarning,
                                    readings.clock_off()
                                        ? model::event_kind::kDeviceClockOff
                                        : model::event_kind::kDeviceReadingsRefused,
                                    device.id, std::move(message)));
}

void Fleet::Impl::explain_unusable(const LiveDevice& device, model::Verdict& verdict) {
  const UnusableReadings& readings = device.unusable;
  verdict.label = label_of(readings);
  if (readings.clock_off()) {
    verdict.sentence = "It is connected, but its clock is " + clock_words(readings.ahead) +
                       ": its readings cannot be used.";
    verdict.would_clear = "set its clock";
  } else {
    verdict.sentence = "It is connected, but its readings are refused: " +
                       std::string(model::to_text(readings.fault)) + ".";
    verdict.would_clear = "look at its agent";
  }
}

// -- one identity in two places --

void Fleet::Impl::follow_identity(LiveDevice& device, IdentityWatch::Places places, WallTime now,
                                  store::Batch& batch) {
  if (places == IdentityWatch::Places::kOne || !device.record || device.record->in_two_places) {
    return;
  }
  device.record.edit().in_two_places = true;
  device.gate_due = true;
  const std::string from = device.identity.addresses();
  batch.events.push_back(make_event(
      now, Severity::kError, model::event_kind::kDeviceInTwoPlaces, device.id,
      "two devices speak with the identity of " + device.id +
          (from.empty() ? "" : ", from " + from) +
          ": no update until one of them has its own (delete its identity/, enrol it under its own "
          "name) and " +
          device.id + " is acknowledged"));
  put_device(batch, device, now);
}

void Fleet::polled(const std::string& device, const std::optional<model::BootId>& boot,
                   std::string_view address) {
  const WallTime now = impl_->clock.wall();
  DeviceTable::Stripe& stripe = impl_->table.stripe_of(device);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.devices.find(device);
  if (found == stripe.devices.end()) return;
  LiveDevice& live = *found->second;
  live.last_heard = now;
  live.commands_polled = now;
  stripe.show(live);
  store::Batch batch;
  if (impl_->follow_reach(live, Reach::kAgent, now, batch)) Impl::put_device(batch, live, now);
  if (boot)
    Impl::follow_identity(live, live.identity.heard(*boot, address, impl_->clock), now, batch);
  if (!batch.empty()) impl_->saver.commit(std::move(batch), OnFailure::kRetry);
}

// -- who takes updates on it --

bool Fleet::Impl::follow_reach(LiveDevice& device, Reach asks, WallTime now,
                               store::Batch& batch) const {
  if (!device.record || !device.record->ddi) return false;
  const model::DdiClient& client = *device.record->ddi;
  const Reach reach = device.reach(settings()->console.ddi, now);
  const bool two = reach == Reach::kBoth;
  const bool before = std::exchange(device.two_clients_told, two);
  if (before != two) device.gate_due = true;
  if (two && !before) {
    batch.events.push_back(make_event(
        now, Severity::kWarning, model::event_kind::kDeviceTwoClients, device.id,
        "two update clients ask for " + device.id + ", its ota-agent and " +
            (client.name.empty() ? "a DDI client" : client.name) +
            ": no update until one of them stops, or `otactl ddi use` says which one counts"));
  }
  if (reach != asks || client.updates_by != model::UpdatesBy::kWhoAsks) return false;
  const bool over_ddi = asks == Reach::kDdi;
  if (client.asked_last == over_ddi) return false;
  device.record.edit().ddi->asked_last = over_ddi;
  batch.events.push_back(make_event(now, Severity::kNotice, model::event_kind::kDeviceReach,
                                    device.id,
                                    device.id + (over_ddi ? " takes updates over DDI from now on"
                                                          : " takes updates by its agent again")));
  return true;
}

void Fleet::ddi_use(const std::string& device, model::UpdatesBy by, const std::string& actor,
                    const Done& done) {
  const WallTime now = impl_->clock.wall();
  std::optional<Error> refusal;
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    if (!live.record || !live.record->ddi) {
      refusal = fail(Errc::kConflict, device + " has no DDI client: its agent takes its updates");
      return;
    }
    live.record.edit().ddi->updates_by = by;
    live.two_clients_told = false;
    store::Batch batch;
    batch.events.push_back(actor_event(now, Severity::kNotice, model::event_kind::kDeviceReach,
                                       device, actor,
                                       actor + " says who takes updates on " + device + ": " +
                                           (by == model::UpdatesBy::kWhoAsks ? "who asks for them"
                                            : by == model::UpdatesBy::kDdi   ? "its DDI client"
                                                                             : "its agent")));
    Impl::put_device(batch, live, now);
    impl_->commit_shown(std::move(batch), done);
  });
  if (!known) refusal = fail(Errc::kNotFound, device);
  if (refusal) done(*refusal);
}

// -- certificates that end --

WallTime certificate_word_due(const LiveDevice& device, milliseconds nears) {
  if (!has_certificate(device)) return WallTime::max();
  const WallTime end = device.record->certificate_expires;
  switch (device.record->end_told) {
    case EndTold::kNothing:
      return end - nears;
    case EndTold::kNears:
      return end;
    case EndTold::kEnded:
      break;
  }
  return WallTime::max();
}

void Fleet::Impl::follow_certificate(LiveDevice& device, WallTime now, store::Batch& batch) const {
  if (now < certificate_word_due(device, end_nears())) return;
  const WallTime end = device.record->certificate_expires;
  const bool ended = end <= now;
  device.record.edit().end_told = ended ? EndTold::kEnded : EndTold::kNears;
  batch.events.push_back(
      ended ? make_event(
                  now, Severity::kError, model::event_kind::kEnrolExpired, device.id,
                  device.id + ": cert expired at " + date_of(end) + "; " + renewal_remedy(device))
            : make_event(now, Severity::kWarning, model::event_kind::kEnrolExpiring, device.id,
                         device.id + ": cert ends in " + days_left(end, now) + ", at " +
                             date_of(end) + "; it renews by itself when it is connected"));
  put_device(batch, device, now);
}

void Fleet::allow_renewal(const std::string& device, WallTime until, const std::string& actor,
                          const Done& done) {
  const WallTime now = impl_->clock.wall();
  std::optional<Error> refusal;
  const bool known = impl_->table.with(device, [&](LiveDevice& live) {
    if (!live.spec) refusal = fail(Errc::kDenied, device + " is not in the whitelist");
    if (!has_certificate(live) || live.record->revoked)
      refusal = fail(Errc::kDenied, device + " is not enrolled: it needs a join code");
    if (refusal) return;
    live.record.edit().renewal_until = until;
    store::Batch batch;
    batch.events.push_back(
        actor_event(now, Severity::kNotice, model::event_kind::kEnrolRenewalAllowed, device, actor,
                    actor + " lets " + device + " renew a certificate that has ended, until " +
                        date_of(until)));
    Impl::put_device(batch, live, now);
    impl_->commit_shown(std::move(batch), done);
  });
  if (!known) refusal = fail(Errc::kNotFound, device);
  if (refusal) done(*refusal);
}

Result<void> Fleet::admit_ended(const std::string& device, const std::string& certificate_serial,
                                const std::string& address) {
  if (auto admitted = admit(device, certificate_serial); !admitted) return admitted;
  const WallTime now = impl_->clock.wall();
  Result<void> answer;
  impl_->table.with(device, [&](LiveDevice& live) {
    live.last_heard = now;
    if (live.local || live.record->renewal_until > now) return;
    const std::string ended = "cert expired at " + date_of(live.record->certificate_expires) +
                              "; " + renewal_remedy(live);
    answer = fail(Errc::kDenied, ended);
    if (live.ended_call_told != WallTime{} && now - live.ended_call_told < kSayAgain) return;
    live.ended_call_told = now;
    store::Batch batch;
    batch.events.push_back(make_event(now, Severity::kWarning, model::event_kind::kAuthExpired,
                                      device, device + " calls from " + address + ": " + ended));
    impl_->saver.commit(std::move(batch), OnFailure::kRetry);
  });
  return answer;
}

}  // namespace ota::fleet
