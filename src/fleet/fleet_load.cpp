// Taking over what the store held: at start, and after an import replaced it.
#include <algorithm>
#include <utility>

#include "fleet/impl.h"
#include "fleet/stored_state.h"

namespace ota::fleet {

Result<void> Fleet::load() {
  auto stored = read_state(impl_->store);
  if (!stored) return stored.error();
  return load(std::move(*stored));
}

Result<void> Fleet::load(StoredState stored) {
  Result<void> loaded;
  impl_->post([&] { loaded = impl_->take_over(std::move(stored)); });
  impl_->strand.drain();
  return loaded;
}

Result<void> Fleet::Impl::take_over(StoredState stored) {
  Impl& impl = *this;
  const WallTime now = impl.clock.wall();
  impl.saver.clear();
  for (const store::Document& document : stored.ddi) {
    if (auto read = impl.ddi.read(document.key, document.document); !read) return read;
  }
  impl.log.replace(std::move(stored.events));

  store::Batch batch;
  for (DeviceTable::Stripe& stripe : impl.table.stripes()) {
    const std::lock_guard stripe_lock(stripe.mutex);
    for (auto& [id, device] : stripe.devices) {
      device->record.reset();
      device->job.clear();
      device->job_running = false;
      device->watching = false;
      device->sent_bytes = 0;
      stripe.touch(*device);
    }
  }
  impl.keys.clear();
  for (std::shared_ptr<model::DeviceRecord>& record : stored.devices) {
    impl.keys.note(*record);
    // Else it would count for as long as the clock was ahead.
    model::leave_none_ahead(record->fetched, now);
    DeviceTable::Stripe& stripe = impl.table.stripe_of(record->id);
    const std::lock_guard stripe_lock(stripe.mutex);
    LiveDevice& device = impl.device_at(stripe, record->id);
    device.record = CopyOnWrite(std::move(record));
  }
  if (auto loaded = impl.load_jobs(stored, now, batch); !loaded) return loaded;
  const std::lock_guard lock(impl.enrolments_mutex);
  impl.enrolments.clear();
  for (const store::Document& document : stored.enrolments) {
    auto open = OpenEnrolment::parse(document.document);
    if (!open) return open.error().within("enrolments/" + document.key);
    static_cast<void>(impl.enrolments.open(document.key, std::move(*open)).has_value());
  }
  if (!batch.empty()) impl.saver.commit(std::move(batch), OnFailure::kRetry);
  impl.publisher.order_anew();
  impl.publish();
  return {};
}

Result<void> Fleet::Impl::load_jobs(StoredState& stored, WallTime now, store::Batch& batch) {
  constexpr std::size_t kMovedAtOnce = 1000;
  jobs.table.clear();
  jobs.archive.clear();
  set_stop(nullptr);
  for (const store::Document& document : stored.fleet) {
    if (auto read = jobs.archive.read(document.key, document.document); !read)
      return read.error().within("fleet/" + document.key);
    if (auto read = read_stop(document.key, document.document); !read)
      return read.error().within("fleet/" + document.key);
  }
  jobs.table.given(jobs.archive.last());
  const bool counted = jobs.archive.was_read();
  std::sort(stored.jobs.begin(), stored.jobs.end(),
            [](const auto& a, const auto& b) { return ByAge{}(a->id, b->id); });
  for (const std::shared_ptr<model::Job>& read : stored.jobs) {
    const model::Job& job = *read;
    if (!counted) {
      jobs.archive.made(model::ddi_job_number(job.id), job.created);
      if (model::is_final(job.state)) jobs.archive.ended(job);
    }
    const JobChange resumed = job_resumed(job, *jobs.rules_of(job), now);
    if (resumed.changed && !model::is_final(job.state)) {
      jobs.carry_out(resumed, batch);
      continue;
    }
    jobs.load(resumed.job, now);
    // Of a program before the archive: it moves.
    if (counted || !is_over(job)) continue;
    JobService::put(batch, job);
    if (batch.puts.size() >= kMovedAtOnce)
      saver.commit(std::exchange(batch, store::Batch()), OnFailure::kRetry);
  }
  if ((!counted && !stored.jobs.empty()) || jobs.archive.number_unsaved())
    jobs.archive.put_documents(batch);
  hold_to_stop(batch);
  return {};
}

}  // namespace ota::fleet
