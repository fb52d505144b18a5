// Fleet: what devices say of themselves: who they are, how they are, what they run.
#include <algorithm>

#include "anomaly/told.h"
#include "base/prefetch.h"
#include "base/text.h"
#include "fleet/gate_question.h"
#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {
namespace {

using model::Level;
using model::Severity;

// A verdict that is not stable is explained anew this often, for the row's words.
constexpr seconds kExplainEvery{1};
constexpr std::size_t kMaxWord = 64;
constexpr std::size_t kMaxReason = 256;
constexpr std::size_t kMaxRejected = 64;

Severity severity_of(Level level) {
  switch (level) {
    case Level::kCritical:
      return Severity::kError;
    case Level::kWatch:
      return Severity::kWarning;
    case Level::kUnknown:
      return Severity::kNotice;
    case Level::kStable:
      return Severity::kInfo;
  }
  return Severity::kInfo;
}

std::string metrics_of(const model::Verdict& verdict) {
  std::string out;
  for (const model::Signal& signal : verdict.signals) {
    if (signal.level < Level::kWatch || out.find(signal.metric) != std::string::npos) continue;
    out += (out.empty() ? "" : ", ") + signal.metric;
  }
  if (!out.empty() && verdict.scope == model::Scope::kShared) out += ", shared";
  return out;
}

std::optional<model::Image> cleaned(std::optional<model::Image> image) {
  if (!image) return image;
  const bool digest = image->sha256.size() == 64 &&
                      image->sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!digest) image->sha256.clear();
  return image;
}

// A sample that is not taken. Its stripe's lock held.
void refuse(LiveDevice& live, model::SampleFault fault, WallTime now) {
  ++live.refused;
  live.minute.add_refused(now);
  live.detector.refuse(fault, now);
}

}  // namespace

void Fleet::Impl::follow_verdict(LiveDevice& device, WallTime now, store::Batch& batch) const {
  const Level level = device.detector.level(now);
  const WallTime jumped = jumped_at.load(std::memory_order_relaxed);
  // What the detector takes for silence is a jump of the clock until the device has had its time.
  if (level == Level::kUnknown && device.last_heard < jumped &&
      now < jumped + milliseconds(stale_after_ms.load(std::memory_order_relaxed))) {
    return;
  }
  const bool changed = level != device.level;
  // An alarm that changes no level is told by itself: an incident that became worse, or another.
  const auto alarm = device.detector.take_alarm();
  const bool alarmed = alarm && !changed && level >= Level::kWatch;
  const bool explain = level != Level::kStable && now - device.explained_at >= kExplainEvery;
  if (!changed && !alarmed && !explain) return;
  const model::Verdict verdict = verdict_of(device, now);
  device.label = verdict.label;
  device.offending = metrics_of(verdict);
  device.explained_at = now;
  if (!changed && !alarmed) return;
  std::string message = device.id;
  std::string kind = model::event_kind::kVerdictAlarm;
  if (changed) {
    device.level = level;
    device.gate_due = true;
    device.escalated = false;
    if (device.watching) note_turned(device.id);
    // Of what began before a jump nobody knows how long ago that is.
    const bool known =
        verdict.since != WallTime{} && verdict.since >= jumped && verdict.since <= now;
    device.level_since = known ? verdict.since : now;
    device.level_began = clock.mono() - (now - device.level_since);
    kind = "verdict." + std::string(model::to_text(level));
    message += (level == Level::kWatch ? " is on " : " is ") + std::string(model::to_text(level));
  } else {
    message += " has an alarm, " + std::string(to_text(*alarm));
  }
  if (level == Level::kCritical || level == Level::kWatch)
    message += " (Risk: " + verdict.label + ")";
  if (!verdict.sentence.empty()) message += ": " + verdict.sentence;
  if (!verdict.group.empty()) message += " (" + verdict.group + ")";
  batch.events.push_back(
      make_event(now, severity_of(level), std::move(kind), device.id, std::move(message)));
  nlohmann::json& data = batch.events.back().data;
  data = nlohmann::json{{"verdict", verdict},
                        {"record", gate::verdict_record(grounds_of(device, now))}};
  const anomaly::ScoreTold& told = device.detector.told();
  if (told.open) data["incident"] = nlohmann::json{{"number", told.number}, {"alarm", told.alarm}};
}

void Fleet::Impl::follow_online(LiveDevice& device, WallTime now, store::Batch& batch) const {
  const bool heard = device.ddi_alone()
                         ? device.heard(*settings(), now)
                         : device.telemetry_is_fresh(
                               milliseconds(stale_after_ms.load(std::memory_order_relaxed)), now);
  const bool online = device.spec && heard;
  const bool changed = std::exchange(device.online, online) != online;
  if (changed) device.gate_due = true;
  if (changed && !online) put_device(batch, device, now);  // when it was seen last, for good
  const bool was_unusable = device.unusable.told;
  follow_unusable(device, now, batch);
  if (device.unusable.told != was_unusable) device.gate_due = true;
  // Connected all the while is not offline, and what was connected at least may fall silent.
  if (device.unusable.told || (!changed && (online || !was_unusable))) return;
  if (device.ddi_alone()) {
    batch.events.push_back(
        online ? make_event(now, Severity::kInfo, model::event_kind::kDeviceOnline, device.id,
                            device.id + " polls over DDI")
               : make_event(now, Severity::kNotice, model::event_kind::kDeviceOffline, device.id,
                            device.id + " is offline: no poll for " +
                                format_age(device.ddi_silent_for(now))));
    return;
  }
  batch.events.push_back(online ? make_event(now, Severity::kInfo, model::event_kind::kDeviceOnline,
                                             device.id, device.id + " is online")
                                : make_event(now, Severity::kNotice,
                                             model::event_kind::kDeviceOffline, device.id,
                                             device.id + " is offline: silent for " +
                                                 format_age(device.silent_for(now))));
}

// Asked at each request: what is admitted costs no trip to the heap.
Result<void> Fleet::admit(const std::string& device, const std::string& certificate_serial) const {
  DeviceTable::Stripe& stripe = impl_->table.stripe_of(device);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.devices.find(device);
  if (found == stripe.devices.end() || !found->second->spec) {
    return fail(Errc::kDenied, "not in the whitelist");
  }
  LiveDevice& live = *found->second;
  if (live.record && live.record->revoked) return fail(Errc::kDenied, "revoked");
  if (!live.record || !live.record->enrolled) return fail(Errc::kDenied, "not enrolled");
  const std::string& previous = live.record->previous_serial;
  if (live.record->certificate_serial == certificate_serial) {
    // The agent has its renewed certificate: the one before it may go.
    if (!previous.empty()) {
      live.renewed_serial_used = true;
      stripe.timers.due_by(live, WallTime::min());
    }
    return {};
  }
  if (!previous.empty() && previous == certificate_serial) return {};
  return fail(Errc::kDenied, "another certificate");
}

void Fleet::refuse_telemetry(const std::string& device) {
  const WallTime now = impl_->clock.wall();
  store::Batch batch;
  impl_->table.with(device, [&](LiveDevice& live) {
    refuse(live, model::SampleFault::kMalformed, now);
    live.last_heard = now;
    live.unusable.note(model::SampleFault::kMalformed, milliseconds(0), now);
    impl_->follow_online(live, now, batch);
    impl_->follow_verdict(live, now, batch);
  });
  if (!batch.empty()) impl_->saver.commit(std::move(batch), OnFailure::kRetry);
}

IngestResult Fleet::ingest(const std::string& device, std::span<const model::Sample> samples,
                           std::string_view address) {
  IngestResult result;
  const WallTime now = impl_->clock.wall();
  DeviceTable::Stripe& stripe = impl_->table.stripe_of(device);
  const std::lock_guard lock(stripe.mutex);
  const auto found = stripe.devices.find(device);
  if (found == stripe.devices.end()) return result;
  LiveDevice& live = *found->second;
  prefetch(&live, sizeof live);
  live.history.fetch_ahead();
  stripe.show(live);
  store::Batch batch;
  for (const model::Sample& sample : samples) {
    std::optional<model::SampleFault> fault = model::implausible(sample);
    if (!fault && sample.at > now + kMaxFuture) fault = model::SampleFault::kFuture;
    if (!fault && sample.at < now - kMaxAge) fault = model::SampleFault::kStale;
    if (!fault) fault = live.order.check(sample);
    if (fault) {
      if (live.order.contradicts(sample)) {
        Impl::follow_identity(live, live.identity.contradicted(sample.seq, address, impl_->clock),
                              now, batch);
      }
      refuse(live, *fault, now);
      result.refused.emplace_back(sample.seq, *fault);
      continue;
    }
    ++result.accepted;
    live.detector.observe(sample, now);
    live.last_received = now;
    for (std::size_t i = 0; i < model::kMetricCount; ++i)
      live.last_values[i] = sample.values[i];
    const Level level = live.detector.level(now);
    live.history.push(sample.at, sample.values, live.detector.score(), level);
    if (live.minute.over(now)) Impl::finish_minute(stripe, live, now, batch);
    live.minute.add(sample, level, live.detector.score(), now);
  }
  live.last_heard = now;
  if (!samples.empty()) {
    Impl::follow_identity(live, live.identity.heard(samples.back().boot, address, impl_->clock),
                          now, batch);
  }
  if (result.accepted > 0) {
    live.unusable = {};
  } else if (!result.refused.empty()) {
    live.unusable.note(result.refused.back().second, samples.back().at - now, now);
  }
  impl_->follow_online(live, now, batch);
  impl_->follow_verdict(live, now, batch);
  Impl::regroup(stripe, live);
  stripe.timers.due_by(live, impl_->next_due(live, now));
  if (!batch.empty()) impl_->saver.commit(std::move(batch), OnFailure::kRetry);
  return result;
}

namespace {

// Events about what changed in the record, found before the new facts are taken.
void compare_status(const LiveDevice& live, const DeviceStatus& status, const Catalogue& catalogue,
                    WallTime now, store::Batch& batch) {
  const model::DeviceRecord& record = *live.record;
  const std::string& listed = live.spec ? live.spec->hardware : record.hardware;
  const auto say = [&](Severity severity, std::string kind, std::string message) {
    batch.events.push_back(make_event(now, severity, std::move(kind), live.id, std::move(message)));
  };
  if (!status.hardware.empty() && status.hardware != listed && record.hardware != status.hardware) {
    say(Severity::kWarning, model::event_kind::kDeviceHardwareMismatch,
        live.id + " is listed as " + listed + " but says that it is " + status.hardware);
  }
  if (status.confirmed && record.facts.confirmed != status.confirmed) {
    const model::Image& image = *status.confirmed;
    const std::string_view published = catalogue.digest_of(image.version, listed);
    const bool known =
        std::find(record.trusted.begin(), record.trusted.end(), image) != record.trusted.end();
    if (!record.facts.confirmed) {
      say(Severity::kInfo, model::event_kind::kDeviceBaseline,
          live.id + " runs " + image.version.label());
    } else if (!known && (published.empty() || published != image.sha256)) {
      say(Severity::kWarning, model::event_kind::kDeviceUnexpectedImage,
          live.id + " confirmed " + image.version.label() + ", an image that is not known for it");
    }
  }
}

// Its agent cures a clock that is off by stamping readings with the server's time, and says so.
void follow_clock(LiveDevice& live, std::optional<seconds> off, WallTime now, store::Batch& batch) {
  const auto before = std::exchange(live.clock_off, off);
  if (off.has_value() == before.has_value()) return;
  batch.events.push_back(
      off ? make_event(now, Severity::kWarning, model::event_kind::kDeviceClockOff, live.id,
                       live.id + "'s clock is " + clock_words(*off) +
                           "; its readings carry the server's time, so they count: set its clock")
          : make_event(now, Severity::kInfo, model::event_kind::kDeviceClockRight, live.id,
                       live.id + "'s clock agrees with this server's again"));
}

// What the device's words mean for a rollback that it was, or is to be, told: it has left the image
// (of its own accord, too), or it cannot.
void follow_rollback(LiveDevice& live, const DeviceStatus& status, WallTime now,
                     store::Batch& batch) {
  model::DeviceRecord& record = live.record.edit();
  if (!record.rollback_requested || !record.facts.confirmed) return;
  const model::Image& left = *record.facts.confirmed;
  const auto is_other = [&](const std::optional<model::Image>& image) {
    if (!image) return false;
    return image->version != left.version ||
           (!image->sha256.empty() && image->sha256 != left.sha256);
  };
  if (is_other(status.running) || is_other(status.confirmed)) {
    record.rollback_requested = false;
  } else if (!left.sha256.empty() && status.rollback_refused == left.sha256) {
    record.rollback_requested = false;
    batch.events.push_back(make_event(
        now, Severity::kWarning, "rollback.failed", live.id,
        live.id + " cannot go back from " + left.version.label() + ": " +
            (status.rollback_why.empty() ? "its other slot holds no confirmed image, or its "
                                           "agent has no installer.rollback"
                                         : status.rollback_why)));
  }
}

}  // namespace

void Fleet::report_status(const std::string& device, const DeviceStatus& said, Done done) {
  DeviceStatus status = said;
  status.agent = printable(said.agent, kMaxWord);
  status.hardware = printable(said.hardware, kMaxWord);
  status.slot = printable(said.slot, kMaxWord);
  status.fallback = printable(said.fallback, kMaxReason);
  status.running = cleaned(said.running);
  status.confirmed = cleaned(said.confirmed);
  status.written = cleaned(said.written);
  status.previous = cleaned(said.previous);
  status.rollback_why = printable(said.rollback_why, kMaxReason);
  impl_->post([this, device, status = std::move(status), done = std::move(done)] {
    impl_->take_status(device, status, done);
  });
}

void Fleet::Impl::take_status(const std::string& device, DeviceStatus status, Done done) {
  table.look(device, [&](const LiveDevice& live) {
    // The agent sends telemetry there; what the device runs is its DDI client's to say.
    if (live.reach(settings()->console.ddi, clock.wall()) != Reach::kDdi) return;
    status.running.reset();
    status.confirmed.reset();
    status.written.reset();
  });
  const WallTime now = clock.wall();
  const auto published = catalogue();
  // Also of a job that ended meanwhile without its word: what an update brought is no foreign
  // image, though its release may be gone by then.
  const bool brought = status.confirmed && jobs.was_sent(device, *status.confirmed);
  store::Batch batch;
  const bool known = table.with(device, [&](LiveDevice& live) {
    const std::string before = live.record ? dump_json(*live.record) : "";
    model::DeviceRecord& record = Impl::record_of(live);
    compare_status(live, status, *published, now, batch);
    follow_rollback(live, status, now, batch);
    // Its first sample is still to come: until there are enough, nobody knows how the image runs.
    live.last_heard = now;
    follow_clock(live, status.clock_off, now, batch);
    if (status.boot != model::BootId{}) {
      const auto places = live.identity.heard(status.boot, status.address, clock);
      follow_identity(live, places, now, batch);
      live.boot = status.boot;
      live.detector.booted(status.boot, now);
      follow_verdict(live, now, batch);
    }
    record.agent = status.agent;
    record.slot = status.slot;
    if (!status.hardware.empty()) record.hardware = status.hardware;
    const bool first = status.confirmed && !record.facts.confirmed;
    if (first || (brought && record.facts.confirmed != status.confirmed))
      Impl::trust(record, *status.confirmed);
    if (status.confirmed) record.facts.confirmed = status.confirmed;
    if (status.running) record.facts.booted = status.running;
    if (status.written) record.facts.written = status.written;
    record.facts.previous = status.previous;  // none: there is none any more
    record.version_floor = status.version_floor;
    record.patch_format = status.patch_format;
    if (!status.fallback.empty()) {
      const std::string& digest = status.fallback_sha256;
      const bool room = record.rejected.size() < kMaxRejected || record.rejected.count(digest) != 0;
      if (cleaned(model::Image{{}, digest})->sha256 == digest && !digest.empty() && room &&
          record.rejected.try_emplace(digest, status.fallback).second) {
        record.attention = model::Attention::kRolledBack;
        batch.events.push_back(
            make_event(now, Severity::kWarning, model::event_kind::kDeviceFallback, device,
                       device + " fell back to its old slot: " + status.fallback));
      }
    }
    // What is on disk already is not written again; the empty batch waits for it.
    if (dump_json(record) != before || !store.health().writable) put_device(batch, live, now);
  });
  if (!known) return done(fail(Errc::kNotFound, device));
  jobs.ledger_changed(device, now, batch);
  saver.commit(std::move(batch), OnFailure::kRetry, std::move(done));
}

std::shared_ptr<const DeviceDetail> Fleet::detail(const std::string& device) const {
  auto detail = std::make_shared<DeviceDetail>();
  const WallTime now = impl_->clock.wall();
  const auto settings = impl_->settings();
  const auto catalogue = impl_->catalogue();
  const store::Health health = impl_->store.health();
  const auto stop = impl_->stop();
  const bool known = impl_->table.look(device, [&](const LiveDevice& live) {
    const GateSide side{*settings, *catalogue, health.writable, health.problem, now, stop.get()};
    detail->row = make_row(live, *settings, now, gate_answer(live, side).reason);
    if (live.spec) detail->spec = *live.spec;
    if (live.record) detail->record = *live.record;
    detail->verdict = impl_->verdict_of(live, now);
    if (live.unusable.told) Impl::explain_unusable(live, detail->verdict);
    detail->history = live.history.points();
  });
  if (!known) return nullptr;
  constexpr std::size_t kJobsShown = 20;
  for (const auto& job : impl_->jobs.table.newest(device, kJobsShown))
    detail->jobs.push_back(*job);
  const auto& target = detail->row.target;
  if (target) {
    const model::Release* release = catalogue->find(*target, detail->row.hardware());
    detail->gate = gate::preview(impl_->jobs.gate_input(device, release, *target, now));
  }
  return detail;
}

std::vector<HistoryPoint> Fleet::history(const std::string& device) const {
  std::vector<HistoryPoint> points;
  impl_->table.look(device, [&](const LiveDevice& live) { points = live.history.points(); });
  return points;
}

}  // namespace ota::fleet
