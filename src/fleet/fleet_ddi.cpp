// Fleet: devices that are updated over hawkBit's DDI. They get the same gate, jobs, events and
// audit as all others; what is special about their reports is ddi_machine's.
#include <algorithm>
#include <cstdio>

#include "base/digest.h"
#include "base/text.h"
#include "fleet/ddi_machine.h"
#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

using model::JobState;
using model::Severity;

// hawkBit's limits (DDI).
constexpr std::size_t kMostAttributes = 100;
constexpr std::size_t kLongestAttribute = 128;

// The job behind an action's number; empty where there can be none.
std::string job_id_of(std::uint64_t action) {
  const auto number = model::job_number_of_ddi_action(std::to_string(action));
  return number ? JobTable::id_of(*number) : std::string();
}

// What it is updated over from now on.
model::DdiClient& client_of(model::DeviceRecord& record) {
  if (!record.ddi) record.ddi.emplace().asked_last = record.agent.empty();
  return *record.ddi;
}

// An operator's word makes it a device that may speak, also after a revocation: by what it is given
// now, and not by the certificates that were withdrawn then.
model::DdiClient& enrol(model::DeviceRecord& record, WallTime now) {
  if (!record.enrolled) record.enrolled_at = now;
  if (record.revoked) {
    record.certificate_serial.clear();
    record.previous_serial.clear();
  }
  record.enrolled = true;
  record.revoked = false;
  return client_of(record);
}

void apply(model::DdiClient& client, const DdiAttributes& attributes) {
  if (attributes.mode == DdiAttributes::Mode::kReplace) client.attributes.clear();
  for (const auto& [raw_key, raw_value] : attributes.values) {
    const std::string key = printable(raw_key, kLongestAttribute);
    if (attributes.mode == DdiAttributes::Mode::kRemove) {
      client.attributes.erase(key);
      continue;
    }
    const bool room =
        client.attributes.size() < kMostAttributes || client.attributes.count(key) != 0;
    if (!key.empty() && room) client.attributes[key] = printable(raw_value, kLongestAttribute);
  }
}

std::optional<model::Version> version_of(const model::DdiClient& client,
                                         const model::DdiSettings& settings) {
  const auto found = client.attributes.find(settings.version_attribute);
  if (found == client.attributes.end()) return std::nullopt;
  const auto version = model::Version::parse(found->second);
  if (!version) return std::nullopt;
  return *version;
}

// The version that a device says it runs; its digest where it was installed from here.
void take_version(LiveDevice& live, const model::Version& version, WallTime now,
                  store::Batch& batch) {
  model::DeviceRecord& record = live.record.edit();
  model::Facts& facts = record.facts;
  if (facts.confirmed && facts.confirmed->version == version) return;
  model::Image image{version, ""};
  for (const model::Image& known : record.trusted) {
    if (known.version == version) image = known;
  }
  batch.events.push_back(make_event(
      now, facts.confirmed ? Severity::kNotice : Severity::kInfo,
      facts.confirmed ? model::event_kind::kDdiVersion : model::event_kind::kDeviceBaseline,
      live.id,
      live.id + " says that it runs " + version.label() +
          (facts.confirmed ? ", " + facts.confirmed->version.label() + " before" : "")));
  facts.confirmed = image;
  facts.booted = image;
}

}  // namespace

// -- who may speak --

Result<DdiAdmission> Fleet::ddi_admit(const std::string& device,
                                      const DdiCredentials& credentials) {
  Impl& impl = *impl_;
  const WallTime now = impl.clock.wall();
  bool listed = false;
  bool good = false;      // enrolled and not revoked
  bool accepted = false;  // a gateway may speak for it
  std::string token_hash;
  impl.table.look(device, [&](const LiveDevice& live) {
    listed = live.spec != nullptr;
    good = listed && live.record && live.record->enrolled && !live.record->revoked;
    if (!good || !live.record->ddi) return;
    token_hash = live.record->ddi->token_hash;
    accepted = live.record->ddi->by_gateway;
  });
  switch (credentials.kind) {
    case DdiCredentials::Kind::kTargetToken:
      if (good && !token_hash.empty() &&
          equal_constant_time(as_bytes(token_hash), as_bytes(credentials.token_hash))) {
        return DdiAdmission::kDevice;
      }
      return fail(Errc::kDenied,
                  good ? "wrong token for " + device : device + " is no device that has a token");
    case DdiCredentials::Kind::kGatewayToken: {
      if (!impl.ddi.opens_gateway(credentials.token_hash)) {
        return fail(Errc::kDenied,
                    impl.ddi.gateway_is_on() ? "wrong gateway token" : "gateway tokens are off");
      }
      if (good && accepted) return DdiAdmission::kDevice;
      bool is_new = false;
      if (!impl.ddi.wait(device, credentials.client, credentials.address, listed, now, is_new)) {
        return fail(Errc::kDenied, "the waiting list is full");
      }
      if (is_new) {
        record(make_event(
            now, Severity::kNotice, model::event_kind::kDdiWaiting, device,
            device + " from " + credentials.address + " wants to join with the gateway token: " +
                (listed ? "otactl ddi accept " + device : "list it in config/devices.json first")));
      }
      return DdiAdmission::kWaiting;
    }
    case DdiCredentials::Kind::kNone:
      break;
  }
  if (credentials.certificate_name.empty()) {
    return fail(Errc::kDenied, "no token and no certificate");
  }
  if (credentials.certificate_name != device) {
    return fail(Errc::kDenied, "the certificate is " + credentials.certificate_name + "'s");
  }
  if (auto admitted = admit(device, credentials.certificate_serial); !admitted) {
    return admitted.error();
  }
  return DdiAdmission::kDevice;
}

void Fleet::ddi_set_token(const std::string& device, const std::string& token_hash,
                          const std::string& actor, const Done& done) {
  const WallTime now = impl_->clock.wall();
  Error refusal = fail(Errc::kDenied, device + " is not in the whitelist");
  bool renewed = false;
  impl_->table.with(device, [&](LiveDevice& live) {
    if (!live.spec) return;
    refusal = {};
    model::DdiClient& client = enrol(Impl::record_of(live), now);
    renewed = !client.token_hash.empty();
    client.token_hash = token_hash;
    client.token_made = now;
    store::Batch batch;
    batch.events.push_back(actor_event(
        now, Severity::kNotice, model::event_kind::kDdiToken, device, actor,
        actor + " made a DDI token for " + device + (renewed ? "; the one before is void" : "")));
    Impl::put_device(batch, live, now);
    impl_->saver.commit(std::move(batch), OnFailure::kRetry, done);
  });
  if (refusal.code) done(refusal);
  // Also a download that began under the token that is void.
  if (renewed) impl_->cut_off(device);
}

void Fleet::ddi_set_gateway(const std::string& token_hash, const std::string& actor,
                            const Done& done) {
  const WallTime now = impl_->clock.wall();
  impl_->ddi.set_gateway(token_hash);
  store::Batch batch;
  batch.puts.push_back({std::string(kDdiDocuments), std::string(DdiRegistry::kGatewayKey),
                        impl_->ddi.gateway_document()});
  batch.events.push_back(actor_event(
      now, Severity::kWarning, model::event_kind::kDdiGatewayToken, "server", actor,
      actor + (token_hash.empty() ? " turned gateway tokens off"
                                  : " made a new gateway token; any one before is void")));
  impl_->saver.commit(std::move(batch), OnFailure::kRetry, done);
}

bool Fleet::ddi_gateway_is_on() const {
  return impl_->ddi.gateway_is_on();
}

void Fleet::ddi_accept(const std::string& device, const std::string& actor, const Done& done) {
  const WallTime now = impl_->clock.wall();
  const auto waiting = impl_->ddi.waiting();
  if (std::none_of(waiting.begin(), waiting.end(),
                   [&](const auto& entry) { return entry.id == device; })) {
    return done(fail(Errc::kNotFound, device + " is not on the waiting list"));
  }
  Error refusal = fail(Errc::kDenied, device +
                                          " is not in the whitelist: add it to "
                                          "config/devices.json first, then accept it");
  impl_->table.with(device, [&](LiveDevice& live) {
    if (!live.spec) return;
    refusal = {};
    enrol(Impl::record_of(live), now).by_gateway = true;
    store::Batch batch;
    batch.events.push_back(actor_event(now, Severity::kNotice, model::event_kind::kDdiAccepted,
                                       device, actor,
                                       actor + " accepted " + device + " from the waiting list"));
    Impl::put_device(batch, live, now);
    impl_->ddi.take(device);
    impl_->commit_shown(std::move(batch), done);
  });
  if (refusal.code) done(refusal);
}

void Fleet::ddi_ask_attributes(const std::string& device, const std::string& actor,
                               const Done& done) {
  const WallTime now = impl_->clock.wall();
  Error refusal = fail(Errc::kNotFound, device);
  impl_->table.with(device, [&](LiveDevice& live) {
    refusal = fail(Errc::kConflict, device + " is not updated over DDI");
    if (!live.record || !live.record->ddi) return;
    refusal = {};
    live.record.edit().ddi->wants_attributes = true;
    store::Batch batch;
    batch.events.push_back(actor_event(now, Severity::kInfo, model::event_kind::kDdiAttributesAsked,
                                       device, actor,
                                       actor + " asked " + device + " for its attributes"));
    Impl::put_device(batch, live, now);
    impl_->saver.commit(std::move(batch), OnFailure::kRetry, done);
  });
  if (refusal.code) done(refusal);
}

// -- polls --

std::optional<model::Release> Fleet::ddi_wanted(const std::string& device) const {
  const auto job = impl_->jobs.table.told_job(device);
  if (job == nullptr) return std::nullopt;
  return job->release;
}

void Fleet::ddi_poll(const std::string& device, const std::string& client,
                     const std::string& problem, Answered<DdiOffer> done) {
  impl_->post([this, device, client, problem, done = std::move(done)] {
    impl_->take_poll(device, client, problem, done);
  });
}

void Fleet::Impl::take_poll(const std::string& device, const std::string& client,
                            const std::string& problem, Answered<DdiOffer> done) {
  Impl& impl = *this;
  const WallTime now = clock.wall();
  const auto rules = impl.settings();
  auto offer = std::make_shared<DdiOffer>();
  store::Batch batch;
  const JobTable::Entry* before = impl.jobs.table.running(device);
  const bool claims = before != nullptr && before->job->ddi && before->job->ddi->claims_success;
  impl.table.with(device, [&](LiveDevice& live) {
    model::DeviceRecord& record = Impl::record_of(live);
    const bool joined = !record.ddi.has_value();
    model::DdiClient& self = client_of(record);
    const bool renamed = self.name != client;
    const bool first = live.ddi_polled == WallTime{};
    live.ddi_polled = now;
    self.name = client;
    const bool took_over = impl.follow_reach(live, Reach::kDdi, now, batch);
    // It says that it has the new version; its attributes have not said so yet.
    const bool ask_again =
        claims && !self.wants_attributes && now - self.attributes_at >= rules->console.ddi.poll;
    if (ask_again) self.wants_attributes = true;
    offer->wants_attributes = self.wants_attributes;
    offer->active = first || self.wants_attributes;
    impl.follow_online(live, now, batch);
    if (joined || renamed) {
      batch.events.push_back(make_event(now, Severity::kInfo, model::event_kind::kDdiJoined, device,
                                        device + " polls over DDI with " + client));
    }
    if (joined || renamed || ask_again || took_over) Impl::put_device(batch, live, now);
  });
  const JobTable::Entry* offered = impl.jobs.offer(device, Channel::kDdi, problem, now, batch);
  if (const JobTable::Entry* entry = impl.jobs.table.running(device);
      entry != nullptr && !entry->pending && channel_of(*entry->job) == Channel::kDdi) {
    offer->active = true;
    offer->change = entry->job->attempt;
  }
  if (offered != nullptr) {
    const std::uint64_t action = model::ddi_action_of(model::ddi_job_number(offered->job->id));
    (offered->job->cancel_requested ? offer->cancel : offer->deployment) = action;
  }
  if (batch.empty()) return done(*offer);
  impl.saver.commit(std::move(batch), OnFailure::kRetry,
                    [offer, done = std::move(done)](const Result<void>& saved) {
                      if (!saved) return done(saved.error());
                      done(*offer);
                    });
}

// -- what the device says of an action --

Result<model::Job> Fleet::ddi_job(const std::string& device, std::uint64_t action) const {
  const auto job = impl_->jobs.table.job(job_id_of(action));
  // One that waits for the gate has not been shown to the device.
  const bool known = job != nullptr && job->device == device && job->ddi;
  if (known && job->state != JobState::kQueued) return *job;
  return fail(Errc::kNotFound, "action " + std::to_string(action));
}

void Fleet::ddi_feedback(const std::string& device, std::uint64_t action,
                         const DdiFeedback& feedback, Done done) {
  impl_->post([this, device, action, feedback, done = std::move(done)] {
    const auto step = [&](const model::Job& job, const model::OtaSettings& rules, WallTime now) {
      const auto settings = impl_->settings();
      auto word = DdiVersionWord::kNever;
      impl_->table.look(device, [&](const LiveDevice& live) {
        const bool says =
            live.record && live.record->ddi && version_of(*live.record->ddi, settings->console.ddi);
        if (says) word = DdiVersionWord::kSaysIt;
      });
      return ddi_reported(job, feedback, word, rules, now);
    };
    impl_->jobs.reported(device, job_id_of(action), Channel::kDdi, step, done);
  });
}

void Fleet::ddi_cancel_feedback(const std::string& device, std::uint64_t action,
                                const DdiFeedback& feedback, Done done) {
  impl_->post([this, device, action, feedback, done = std::move(done)] {
    const auto step = [&](const model::Job& job, const model::OtaSettings& rules, WallTime now) {
      return ddi_cancel_reported(job, feedback, rules, now);
    };
    impl_->jobs.reported(device, job_id_of(action), Channel::kDdi, step, done);
  });
}

void Fleet::ddi_fetched(const std::string& device, std::uint64_t action, const DdiFetch& fetch) {
  impl_->post([this, device, action, fetch] {
    const auto step = [&](const model::Job& job, const model::OtaSettings& rules,
                          WallTime now) -> Result<JobChange> {
      return fleet::ddi_fetched(job, fetch, rules, now);
    };
    impl_->jobs.reported(device, job_id_of(action), Channel::kDdi, step, {});
  });
}

void Fleet::ddi_attributes(const std::string& device, const DdiAttributes& attributes, Done done) {
  impl_->post([this, device, attributes, done = std::move(done)] {
    impl_->take_attributes(device, attributes, done);
  });
}

void Fleet::Impl::take_attributes(const std::string& device, const DdiAttributes& attributes,
                                  Done done) {
  Impl& impl = *this;
  const WallTime now = clock.wall();
  const auto settings = impl.settings();
  store::Batch batch;
  std::optional<model::Version> version;
  const bool known = impl.table.with(device, [&](LiveDevice& live) {
    model::DdiClient& client = client_of(Impl::record_of(live));
    live.ddi_polled = now;
    impl.follow_online(live, now, batch);
    const auto before = client.attributes;
    apply(client, attributes);
    client.attributes_at = now;
    client.wants_attributes = false;
    version = version_of(client, settings->console.ddi);
    if (version) take_version(live, *version, now, batch);
    if (before != client.attributes) {
      batch.events.push_back(make_event(now, Severity::kInfo, model::event_kind::kDdiAttributes,
                                        device, device + " sent its attributes"));
      batch.events.back().data = nlohmann::json{{"attributes", client.attributes}};
    }
    Impl::put_device(batch, live, now);
  });
  if (!known) return done(fail(Errc::kNotFound, device));
  if (version) {
    const auto step = [seen = *version](const model::Job& job, const model::OtaSettings& rules,
                                        WallTime at) -> Result<JobChange> {
      return ddi_version_seen(job, seen, rules, at);
    };
    impl.jobs.change_running(device, step, now, batch);
    impl.jobs.end_left_watch(device, now, batch);
  }
  impl.saver.commit(std::move(batch), OnFailure::kRetry, std::move(done));
}

}  // namespace ota::fleet
