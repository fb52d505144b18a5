#include "fleet/stored_state.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <optional>
#include <thread>

#include "base/json.h"
#include "fleet/impl.h"
#include "fleet/record_reader.h"

namespace ota::fleet {
namespace {

template <class T>
using All = std::vector<std::shared_ptr<T>>;

class JobReader {
 public:
  Result<model::Job> read(std::string_view document) {
    auto json = parse_json(document);
    if (!json) return json.error();
    return json_as<model::Job>(*json, "a job");
  }
};

// All documents of a collection, in their order, each read by a Reader of its thread. Each core
// takes the next part as it is done with one: what else the start does leaves them unequally free.
template <class T, class Reader>
Result<All<T>> read_all(const Result<std::vector<store::Document>>& documents,
                        std::string_view collection) {
  constexpr std::size_t kPart = 1000;  // less is not worth a thread
  if (!documents) return documents.error().within("read " + std::string(collection));
  All<T> values(documents->size());
  std::atomic<std::size_t> next{0};
  // The first document that is wrong, and why; none: all is well.
  struct Wrong {
    std::size_t at;
    Error error;
  };
  const auto read_on = [&]() -> std::optional<Wrong> {
    Reader reader;
    while (true) {
      const std::size_t from = next.fetch_add(kPart);
      if (from >= documents->size()) return std::nullopt;
      const std::size_t to = std::min(from + kPart, documents->size());
      for (std::size_t i = from; i < to; ++i) {
        const store::Document& document = (*documents)[i];
        auto value = reader.read(document.document);
        if (!value) {
          return Wrong{i, value.error().within(std::string(collection) + "/" + document.key)};
        }
        values[i] = std::make_shared<T>(std::move(*value));
      }
    }
  };
  const std::size_t parts = (documents->size() + kPart - 1) / kPart;
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::future<std::optional<Wrong>>> others;
  // Both: where the system gives no thread, this one reads.
  for (std::size_t i = 1; i < std::min(cores, parts); ++i)
    others.push_back(std::async(std::launch::async | std::launch::deferred, read_on));
  auto wrong = read_on();
  for (auto& other : others) {
    if (auto its = other.get(); its && (!wrong || its->at < wrong->at)) wrong = std::move(its);
  }
  if (wrong) return wrong->error;
  return values;
}

}  // namespace

Result<StoredState> read_state(store::Store& store) {
  auto devices =
      read_all<model::DeviceRecord, RecordReader>(store.load(std::string(kDevices)), kDevices);
  if (!devices) return devices.error();
  auto jobs = read_all<model::Job, JobReader>(store.load(std::string(kJobs)), kJobs);
  if (!jobs) return jobs.error();
  auto fleet = store.load(std::string(kFleet));
  if (!fleet) return fleet.error();
  JobArchive archive;
  for (const store::Document& document : *fleet) {
    if (auto read = archive.read(document.key, document.document); !read)
      return read.error().within("fleet/" + document.key);
  }
  const std::uint64_t first = archive.first_of_newest(JobArchive::kLoaded);
  auto ended = read_all<model::Job, JobReader>(
      store.range(std::string(kEndedJobs), JobArchive::key_of(first),
                  JobArchive::key_of(archive.newest() + 1), JobArchive::kLoaded),
      kEndedJobs);
  if (!ended) return ended.error();
  jobs->insert(jobs->end(), ended->begin(), ended->end());
  auto enrolments = store.load(std::string(kEnrolments));
  if (!enrolments) return enrolments.error();
  auto ddi = store.load(std::string(kDdiDocuments));
  if (!ddi) return ddi.error();
  auto events = store.events({.limit = EventLog::kKept, .newest_first = true});
  if (!events) return events.error();
  std::reverse(events->begin(), events->end());
  return StoredState{std::move(*devices),    std::move(*jobs), std::move(*fleet),
                     std::move(*enrolments), std::move(*ddi),  std::move(*events)};
}

}  // namespace ota::fleet
