#include "fleet/core.h"

#include <algorithm>
#include <utility>

#include "base/json.h"
#include "fleet/ddi_machine.h"

namespace ota::fleet {

model::Event make_event(WallTime now, model::Severity severity, std::string kind,
                        std::string source, std::string message) {
  model::Event event;
  event.at = now;
  event.severity = severity;
  event.kind = std::move(kind);
  event.source = std::move(source);
  event.message = std::move(message);
  return event;
}

model::Event actor_event(WallTime now, model::Severity severity, std::string kind,
                         const std::string& source, const std::string& actor, std::string message) {
  model::Event event = make_event(now, severity, std::move(kind), source, std::move(message));
  event.actor = actor;
  return event;
}

Core::Core(store::Store& the_store, const Clock& the_clock, Executor& the_strand,
           std::shared_ptr<const model::Settings> the_settings)
    : store(the_store),
      clock(the_clock),
      strand(the_strand),
      saver(the_store, log, the_clock, [this] {
        const auto called = hooks();
        if (called && called->new_events) called->new_events();
      }) {
  take_settings(std::move(the_settings));
}

void Core::post(Executor::Task task) {
  ++outstanding;
  strand.post([this, task = std::move(task)] {
    task();
    --outstanding;
  });
}

void Core::commit(store::Batch batch, OnFailure on_failure, Saver::Saved done) {
  ++outstanding;
  saver.commit(std::move(batch), on_failure, [this, done = std::move(done)](const auto& saved) {
    done(saved);
    --outstanding;
  });
}

void Core::commit_shown(store::Batch batch, Done done) {
  saver.commit(std::move(batch), OnFailure::kRetry,
               [this, done = std::move(done)](const Result<void>& saved) {
                 publish();
                 done(saved);
               });
}

// What a task or such a commit leads to begins before that ends: at none, nothing is under way.
void Core::drain() {
  while (outstanding > 0) {
    strand.drain();
    saver.drain();
  }
  saver.drain();
}

void Core::note_turned(const std::string& device) const {
  const std::lock_guard lock(settings_mutex);
  turned.push_back(device);
}

std::vector<std::string> Core::take_turned() {
  const std::lock_guard lock(settings_mutex);
  return std::exchange(turned, {});
}

void Core::take_settings(std::shared_ptr<const model::Settings> settings) {
  auto rules = std::make_shared<const model::OtaSettings>(fleet::ddi_rules(*settings));
  const std::lock_guard lock(settings_mutex);
  settings_now = std::move(settings);
  ddi_rules_now = std::move(rules);
  stale_after_ms = settings_now->thresholds.stale_after.count();
  const model::ServerLimits& limits = settings_now->console.limits;
  samples_per_request = limits.samples_per_request;
  json_depth = limits.json_depth;
  saver.budget().set_limits({limits.device_events_per_hour, limits.device_kib_per_hour});
  // A device renews when a third of its certificate's term is left: one that has not by the last
  // quarter cannot, and an operator has time to see to it.
  constexpr milliseconds kTwoWeeks = std::chrono::days(14);
  end_nears_ms = std::min(kTwoWeeks, settings_now->console.certificate_lifetime / 4).count();
}

std::shared_ptr<const model::OtaSettings> Core::native_rules() const {
  const auto now = settings();
  return part_of(now, now->ota);
}

std::shared_ptr<const model::OtaSettings> Core::ddi_rules() const {
  const std::lock_guard lock(settings_mutex);
  return ddi_rules_now;
}

std::shared_ptr<const model::Settings> Core::settings() const {
  const std::lock_guard lock(settings_mutex);
  return settings_now;
}

std::shared_ptr<const model::Stop> Core::stop() const {
  const std::lock_guard lock(settings_mutex);
  return stop_now;
}

std::shared_ptr<const Catalogue> Core::catalogue() const {
  const std::lock_guard lock(settings_mutex);
  return catalogue_now;
}

// Each set of hooks says when the last call of it has ended, by its own end.
void Core::set_hooks(Hooks hooks) {
  const auto ended = std::make_shared<std::promise<void>>();
  std::shared_ptr<const Hooks> fresh(new Hooks(std::move(hooks)), [ended](const Hooks* gone) {
    delete gone;
    ended->set_value();
  });
  std::shared_future<void> before = ended->get_future().share();
  {
    const std::lock_guard lock(settings_mutex);
    hooks_now.swap(fresh);
    std::swap(hooks_ended, before);
  }
  fresh.reset();
  if (before.valid()) before.wait();
}

std::shared_ptr<const Hooks> Core::hooks() const {
  const std::lock_guard lock(settings_mutex);
  return hooks_now;
}

void Core::wake(const std::string& device) const {
  const auto called = hooks();
  if (called && called->wake_device) called->wake_device(device);
}

void Core::cut_off(const std::string& device) const {
  const auto called = hooks();
  if (called && called->cut_off_device) called->cut_off_device(device);
}

void Core::put_device(store::Batch& batch, const LiveDevice& device, WallTime now) {
  if (!device.record) return;
  model::DeviceRecord record = *device.record;
  record.last_seen = std::max(record.last_seen, std::min(device.seen_at(), now));
  batch.puts.push_back({std::string(kDevices), device.id, dump_json(record)});
}

LiveDevice& Core::device_at(DeviceTable::Stripe& stripe, const std::string& id) {
  auto& place = stripe.devices[id];
  if (!place) {
    const auto now = settings();
    place = std::make_unique<LiveDevice>(
        id, part_of(now, now->thresholds),
        readings_of_each(now->console.history_samples, now->whitelist.devices.size()));
    stripe.dirty.push_back(place.get());
  }
  return *place;
}

model::DeviceRecord& Core::record_of(LiveDevice& device) {
  model::DeviceRecord& record = device.record.edit();
  record.id = device.id;
  return record;
}

void Core::trust(model::DeviceRecord& record, const model::Image& image) {
  constexpr std::size_t kMaxTrusted = 8;
  auto& trusted = record.trusted;
  if (std::find(trusted.begin(), trusted.end(), image) != trusted.end()) return;
  // The first one, the factory's, stays: it is where a device may always fall back to.
  if (trusted.size() >= kMaxTrusted) trusted.erase(trusted.begin() + 1);
  trusted.push_back(image);
}

}  // namespace ota::fleet
