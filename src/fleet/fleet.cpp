#include "fleet/fleet.h"

#include <set>

#include "base/json.h"
#include "fleet/impl.h"

namespace ota::fleet {
namespace {

// A part of the settings, which it keeps alive.
template <class Part>
std::shared_ptr<const Part> part_of(const std::shared_ptr<const model::Settings>& settings,
                                    const Part& part) {
  return {settings, &part};
}

}  // namespace

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

Fleet::Impl::Impl(store::Store& the_store, const Clock& the_clock,
                  std::shared_ptr<const model::Settings> the_settings)
    : store(the_store),
      clock(the_clock),
      settings_now(std::move(the_settings)),
      saver(the_store, log, the_clock, [this] {
        const Hooks called = hooks();
        if (called.new_events) called.new_events();
      }) {
  note_settings(*settings_now);
}

void Fleet::Impl::note_settings(const model::Settings& now) {
  stale_after_ms = now.thresholds.stale_after.count();
  samples_per_request = now.console.limits.samples_per_request;
  json_depth = now.console.limits.json_depth;
  saver.budget().set_limits(
      {now.console.limits.device_events_per_hour, now.console.limits.device_kib_per_hour});
  // A device renews when a third of its certificate's term is left: one that has not by the last
  // quarter cannot, and an operator has time to see to it.
  constexpr milliseconds kTwoWeeks = std::chrono::days(14);
  end_nears_ms = std::min(kTwoWeeks, now.console.certificate_lifetime / 4).count();
}

std::shared_ptr<const model::Settings> Fleet::Impl::settings() const {
  const std::lock_guard lock(settings_mutex);
  return settings_now;
}

std::shared_ptr<const Catalogue> Fleet::Impl::catalogue() const {
  const std::lock_guard lock(settings_mutex);
  return catalogue_now;
}

Hooks Fleet::Impl::hooks() const {
  const std::lock_guard lock(settings_mutex);
  return hooks_now;
}

void Fleet::Impl::wake(const std::string& device) const {
  const Hooks called = hooks();
  if (called.wake_device) called.wake_device(device);
}

void Fleet::Impl::cut_off(const std::string& device) const {
  const Hooks called = hooks();
  if (called.cut_off_device) called.cut_off_device(device);
}

void Fleet::Impl::put_device(store::Batch& batch, const LiveDevice& device, WallTime now) {
  if (!device.record) return;
  model::DeviceRecord record = *device.record;
  record.last_seen = std::max(record.last_seen, std::min(device.seen_at(), now));
  batch.puts.push_back({std::string(kDevices), device.id, dump_json(record)});
}

void Fleet::Impl::put_job(store::Batch& batch, const model::Job& job) {
  batch.puts.push_back({std::string(kJobs), job.id, dump_json(job)});
}

LiveDevice& Fleet::Impl::device_at(DeviceTable::Stripe& stripe, const std::string& id) {
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

model::DeviceRecord& Fleet::Impl::record_of(LiveDevice& device) {
  model::DeviceRecord& record = device.record.edit();
  record.id = device.id;
  return record;
}

// Brings the table in line with the whitelist; who left it is cut off.
void Fleet::Impl::apply_whitelist(const std::shared_ptr<const model::Settings>& wanted) {
  const model::Settings& now = *wanted;
  std::set<std::string> local;
  for (const model::LocalAgent& agent : now.console.agents)
    local.insert(agent.id);

  const std::size_t readings =
      readings_of_each(now.console.history_samples, now.whitelist.devices.size());
  for (const model::DeviceSpec& spec : now.whitelist.devices) {
    DeviceTable::Stripe& stripe = table.stripe_of(spec.id);
    const std::lock_guard lock(stripe.mutex);
    LiveDevice& device = device_at(stripe, spec.id);
    device.spec = part_of(wanted, spec);
  }
  const auto is_listed = [&](const LiveDevice& device) {  // by these settings
    return !device.spec.owner_before(wanted) && !wanted.owner_before(device.spec);
  };
  std::vector<std::string> gone;
  store::Batch batch;
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      device->local = local.count(id) != 0;
      device->detector.set_thresholds(part_of(wanted, now.thresholds));
      device->history.set_capacity(readings);
      stripe.touch(*device);
      if (!device->spec || is_listed(*device)) continue;
      device->spec.reset();
      gone.push_back(id);
      batch.events.push_back(make_event(clock.wall(), model::Severity::kWarning, "device.unlisted",
                                        id, id + " left the whitelist and is cut off"));
    }
  }
  publisher.order_anew();
  {
    const std::lock_guard lock(jobs_mutex);
    for (const std::string& id : gone) {
      const JobBook::Entry* entry = jobs.running(id);
      if (entry != nullptr) {
        carry_out(job_abandoned(*entry->job, "the device left the whitelist", clock.wall()), batch);
      }
    }
    if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
  }
  for (const std::string& id : gone)
    cut_off(id);
}

// -- Fleet --

Fleet::Fleet(store::Store& store, const Clock& clock,
             std::shared_ptr<const model::Settings> settings)
    : impl_(std::make_unique<Impl>(store, clock, std::move(settings))) {
  impl_->apply_whitelist(impl_->settings());
}

// What is queued calls back into this object: it goes first.
Fleet::~Fleet() {
  std::vector<FinishedMinute> finished;
  for (DeviceTable::Stripe& stripe : impl_->table.stripes())
    stripe.take_finished(finished);
  impl_->save_minutes(finished, impl_->clock.wall());
  impl_->saver.drain();
}

void Fleet::set_hooks(Hooks hooks) {
  const std::lock_guard lock(impl_->settings_mutex);
  impl_->hooks_now = std::move(hooks);
}

std::shared_ptr<const model::Settings> Fleet::settings() const {
  return impl_->settings();
}

std::uint32_t Fleet::samples_per_request() const {
  return impl_->samples_per_request.load(std::memory_order_relaxed);
}

std::uint32_t Fleet::json_depth() const {
  return impl_->json_depth.load(std::memory_order_relaxed);
}

void Fleet::apply_settings(std::shared_ptr<const model::Settings> settings) {
  {
    const std::lock_guard lock(impl_->settings_mutex);
    impl_->settings_now = std::move(settings);
    impl_->note_settings(*impl_->settings_now);
    impl_->rest_changed = true;
  }
  impl_->apply_whitelist(impl_->settings());
  impl_->publish();
}

void Fleet::set_config_problems(std::vector<ConfigProblem> problems) {
  {
    const std::lock_guard lock(impl_->settings_mutex);
    impl_->config_problems = std::move(problems);
    impl_->rest_changed = true;
  }
  impl_->publish();
}

void Fleet::set_releases(std::vector<model::Release> releases) {
  auto catalogue = std::make_shared<const Catalogue>(std::move(releases));
  {
    const std::lock_guard lock(impl_->settings_mutex);
    impl_->catalogue_now = std::move(catalogue);
    impl_->rest_changed = true;
  }
  impl_->publish();
}

void Fleet::record(model::Event event) {
  if (event.at == WallTime{}) event.at = impl_->clock.wall();
  store::Batch batch;
  batch.events.push_back(std::move(event));
  impl_->saver.commit(std::move(batch), OnFailure::kRetry);
}

std::optional<seconds> Fleet::write_wait(const std::string& device) {
  return impl_->saver.budget().wait(device, impl_->clock.mono());
}

BudgetUse Fleet::budget_use() const {
  return impl_->saver.budget().use(impl_->clock.mono());
}

std::shared_ptr<const Snapshot> Fleet::snapshot() const {
  return impl_->publisher.latest();
}

void Fleet::Impl::publish() {
  const std::lock_guard publishing(publish_mutex);
  Publisher::Rest rest;
  rest.now = clock.wall();
  bool changed = false;
  {
    const std::lock_guard lock(settings_mutex);
    rest.settings = settings_now;
    rest.releases = catalogue_now->releases();
    rest.config_problems = config_problems;
    changed = std::exchange(rest_changed, false);
  }
  rest.events = log.all();
  const std::uint64_t last = rest.events->empty() ? 0 : rest.events->back()->seq;
  changed = std::exchange(published_event, last) != last || changed;
  {
    const std::lock_guard lock(jobs_mutex);
    changed = jobs.take_changed() || changed;
    rest.jobs = jobs.shown();
  }
  const store::Health health = store.health();
  changed = std::exchange(published_writable, health.writable) != health.writable || changed;
  rest.store_writable = health.writable;
  rest.store_problem = health.problem;
  rest.store_problem_since = health.since;
  changed = ddi.take_changed() || changed;
  rest.ddi_waiting = ddi.waiting();
  publisher.publish(table, std::move(rest),
                    changed ? Publisher::RestChanged::kYes : Publisher::RestChanged::kNo);
}

}  // namespace ota::fleet
