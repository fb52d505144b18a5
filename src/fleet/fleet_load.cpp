// Reading the state back: at start, and after an import replaced it.
#include <algorithm>

#include "base/json.h"
#include "fleet/impl.h"

namespace ota::fleet {
namespace {

template <class T, class Take>
Result<void> load_all(store::Store& store, std::string_view collection, Take take) {
  auto documents = store.load(std::string(collection));
  if (!documents) return documents.error().within("read " + std::string(collection));
  for (const store::Document& document : *documents) {
    auto json = parse_json(document.document);
    if (!json) return json.error().within(std::string(collection) + "/" + document.key);
    auto value = json_as<T>(*json, std::string(collection) + "/" + document.key);
    if (!value) return value.error();
    take(std::move(*value));
  }
  return {};
}

}  // namespace

Result<void> Fleet::load() {
  Impl& impl = *impl_;
  const WallTime now = impl.clock.wall();
  impl.saver.clear();

  std::vector<model::DeviceRecord> records;
  auto loaded = load_all<model::DeviceRecord>(
      impl.store, kDevices,
      [&](model::DeviceRecord record) { records.push_back(std::move(record)); });
  if (!loaded) return loaded;
  std::vector<model::Job> jobs;
  loaded = load_all<model::Job>(impl.store, kJobs,
                                [&](model::Job job) { jobs.push_back(std::move(job)); });
  if (!loaded) return loaded;
  auto tokens = impl.store.load(std::string(kEnrolments));
  if (!tokens) return tokens.error();
  auto desk = impl.store.load(std::string(kDdi));
  if (!desk) return desk.error();
  for (const store::Document& document : *desk) {
    if (auto read = impl.ddi.read(document.key, document.document); !read) return read;
  }
  auto events = impl.store.events({.limit = EventLog::kKept, .newest_first = true});
  if (!events) return events.error();
  std::reverse(events->begin(), events->end());
  impl.log.replace(*events);

  store::Batch batch;
  {
    const std::lock_guard lock(impl.jobs_mutex);
    for (DeviceTable::Stripe& stripe : impl.table.stripes()) {
      const std::lock_guard stripe_lock(stripe.mutex);
      for (auto& [id, device] : stripe.devices) {
        device->record.reset();
        device->job.clear();
        device->job_running = false;
        device->watching = false;
        stripe.touch(*device);
      }
    }
    for (model::DeviceRecord& record : records) {
      DeviceTable::Stripe& stripe = impl.table.stripe_of(record.id);
      const std::lock_guard stripe_lock(stripe.mutex);
      LiveDevice& device = impl.device_at(stripe, record.id);
      device.record = std::move(record);
    }
    impl.jobs = {};
    std::sort(jobs.begin(), jobs.end(),
              [](const auto& a, const auto& b) { return ByAge{}(a.id, b.id); });
    for (const model::Job& job : jobs) {
      const JobChange resumed = job_resumed(job, impl.rules_of(job), now);
      if (resumed.changed) {
        impl.carry_out(resumed, batch);
      } else {
        impl.jobs.put(job);
        impl.show_job(job);
      }
    }
    impl.enrolments.clear();
    for (const store::Document& document : *tokens) {
      auto open = OpenEnrolment::parse(document.document);
      if (!open) return open.error().within("enrolments/" + document.key);
      static_cast<void>(impl.enrolments.open(document.key, std::move(*open)).has_value());
    }
    if (!batch.empty()) impl.saver.commit(std::move(batch), OnFailure::kRetry);
  }
  impl.publisher.order_anew();
  impl.publish();
  return {};
}

}  // namespace ota::fleet
