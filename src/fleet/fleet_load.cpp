// Reading the state back: at start, and after an import replaced it.
#include <algorithm>
#include <future>
#include <iterator>
#include <span>
#include <thread>

#include "base/json.h"
#include "fleet/impl.h"

namespace ota::fleet {
namespace {

template <class T>
using All = std::vector<std::shared_ptr<T>>;

template <class T>
Result<All<T>> read_part(std::span<const store::Document> documents, std::string_view collection) {
  All<T> values;
  values.reserve(documents.size());
  for (const store::Document& document : documents) {
    auto json = parse_json(document.document);
    if (!json) return json.error().within(std::string(collection) + "/" + document.key);
    auto value = json_as<T>(*json, std::string(collection) + "/" + document.key);
    if (!value) return value.error();
    values.push_back(std::make_shared<T>(std::move(*value)));
  }
  return values;
}

// All documents of a collection, in their order. Reading them is nearly all of a start with many
// devices, so each core takes a part.
template <class T>
Result<All<T>> load_all(store::Store& store, std::string_view collection) {
  constexpr std::size_t kLeast = 1000;  // fewer are not worth a thread
  const auto documents = store.load(std::string(collection));
  if (!documents) return documents.error().within("read " + std::string(collection));
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t part = std::max(kLeast, (documents->size() + cores - 1) / cores);
  // Both: where the system gives no thread, this one reads.
  const auto how =
      documents->size() > part ? std::launch::async | std::launch::deferred : std::launch::deferred;
  std::vector<std::future<Result<All<T>>>> parts;
  for (std::size_t from = 0; from < documents->size(); from += part) {
    const std::span<const store::Document> some =
        std::span(*documents).subspan(from, std::min(part, documents->size() - from));
    parts.push_back(std::async(how, [some, collection] { return read_part<T>(some, collection); }));
  }
  All<T> values;
  values.reserve(documents->size());
  for (auto& read : parts) {
    auto some = read.get();
    if (!some) return some.error();
    std::ranges::move(*some, std::back_inserter(values));
  }
  return values;
}

}  // namespace

Result<void> Fleet::load() {
  Impl& impl = *impl_;
  const WallTime now = impl.clock.wall();
  impl.saver.clear();

  auto records = load_all<model::DeviceRecord>(impl.store, kDevices);
  if (!records) return records.error();
  auto jobs = load_all<model::Job>(impl.store, kJobs);
  if (!jobs) return jobs.error();
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
    for (std::shared_ptr<model::DeviceRecord>& record : *records) {
      DeviceTable::Stripe& stripe = impl.table.stripe_of(record->id);
      const std::lock_guard stripe_lock(stripe.mutex);
      LiveDevice& device = impl.device_at(stripe, record->id);
      device.record = CopyOnWrite(std::move(record));
    }
    impl.jobs = {};
    std::sort(jobs->begin(), jobs->end(),
              [](const auto& a, const auto& b) { return ByAge{}(a->id, b->id); });
    for (const std::shared_ptr<model::Job>& read : *jobs) {
      const model::Job& job = *read;
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
