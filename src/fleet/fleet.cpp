#include "fleet/fleet.h"

#include <set>

#include "fleet/impl.h"
#include "model/event_kind.h"

namespace ota::fleet {
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
      batch.events.push_back(make_event(clock.wall(), model::Severity::kWarning,
                                        model::event_kind::kDeviceUnlisted, id,
                                        id + " left the whitelist and is cut off"));
    }
  }
  publisher.order_anew();
  if (!batch.empty()) saver.commit(std::move(batch), OnFailure::kRetry);
  for (const std::string& id : gone) {
    post([this, id] {
      store::Batch ended;
      jobs.change_running(
          id,
          [](const model::Job& job, const model::OtaSettings&, WallTime at) -> Result<JobChange> {
            return job_abandoned(job, "the device left the whitelist", at);
          },
          clock.wall(), ended);
      if (!ended.empty()) saver.commit(std::move(ended), OnFailure::kRetry);
    });
    cut_off(id);
  }
}

// -- Fleet --

Fleet::Fleet(store::Store& store, const Clock& clock, Executor& strand,
             std::shared_ptr<const model::Settings> settings)
    : impl_(std::make_unique<Impl>(store, clock, strand, std::move(settings))) {
  impl_->apply_whitelist(impl_->settings());
}

// What is queued calls back into this object: it goes first.
Fleet::~Fleet() {
  std::vector<FinishedMinute> finished;
  for (DeviceTable::Stripe& stripe : impl_->table.stripes())
    stripe.take_finished(finished);
  impl_->save_minutes(finished, impl_->clock.wall());
  drain();
}

void Fleet::drain() {
  impl_->drain();
}

void Fleet::set_hooks(Hooks hooks) {
  impl_->set_hooks(std::move(hooks));
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
  impl_->take_settings(std::move(settings));
  {
    const std::lock_guard lock(impl_->settings_mutex);
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
  impl_->judge_anew();
  impl_->publish();
}

void Fleet::record(model::Event event) {
  if (event.at == WallTime{}) event.at = impl_->clock.wall();
  store::Batch batch;
  batch.events.push_back(std::move(event));
  impl_->saver.commit(std::move(batch), OnFailure::kRetry);
}

void Fleet::record(model::Event event, Done done) {
  store::Batch batch;
  batch.events.push_back(std::move(event));
  impl_->saver.commit(std::move(batch), OnFailure::kForget, std::move(done));
}

std::optional<seconds> Fleet::write_wait(const std::string& device) {
  return impl_->saver.budget().wait(device, impl_->clock.mono());
}

BudgetUse Fleet::budget_use() const {
  return impl_->saver.budget().use(impl_->clock.mono());
}

void Fleet::catch_up() {
  impl_->publish();
}

std::shared_ptr<const Snapshot> Fleet::snapshot() const {
  return impl_->publisher.latest();
}

void Fleet::Impl::judge_anew() {
  for (DeviceTable::Stripe& stripe : table.stripes()) {
    const std::lock_guard lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      device->gate_due = true;
      stripe.show(*device);
    }
  }
}

void Fleet::Impl::publish() {
  const std::lock_guard publishing(publish_mutex);
  Publisher::Rest rest;
  rest.now = clock.wall();
  bool changed = false;
  {
    const std::lock_guard lock(settings_mutex);
    rest.settings = settings_now;
    rest.catalogue = catalogue_now;
    rest.config_problems = config_problems;
    rest.stop = stop_now;
    changed = std::exchange(rest_changed, false);
  }
  rest.events = log.all();
  const std::uint64_t last = rest.events->empty() ? 0 : rest.events->back()->seq;
  changed = std::exchange(published_event, last) != last || changed;
  changed = jobs.table.take_changed() || changed;
  if (changed) shown_jobs = jobs.table.shown();
  rest.jobs = shown_jobs;
  rest.job_counts = jobs.archive.counts();
  // They come after the rows that they are the sum of: a picture between the two is made again.
  if (rest.job_counts != published_counts) {
    published_counts = rest.job_counts;
    changed = true;
  }
  rest.running_jobs = jobs.table.running_count();
  const store::Health health = store.health();
  if (std::exchange(published_writable, health.writable) != health.writable) {
    judge_anew();
    changed = true;
  }
  rest.store_writable = health.writable;
  rest.store_problem = health.problem;
  rest.store_problem_since = health.since;
  changed = ddi.take_changed() || changed;
  rest.ddi_waiting = ddi.waiting();
  publisher.publish(table, std::move(rest),
                    changed ? Publisher::RestChanged::kYes : Publisher::RestChanged::kNo);
}

}  // namespace ota::fleet
