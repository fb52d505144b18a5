// Fleet: an operator stops all updates, and takes that back.
#include "base/json.h"
#include "base/text.h"
#include "fleet/impl.h"
#include "model/event_kind.h"
#include "model/time_json.h"
#include "store/state_file.h"

namespace ota::fleet {
namespace {

static_assert(kFleet == store::kStopCollection);
constexpr std::size_t kJobsAtOnce = 64;

// Written rather than erased: what could not be written is written again from memory.
store::Put stop_put(const model::Stop* stop) {
  Json document{{"on", stop != nullptr}};
  if (stop != nullptr) {
    document["at"] = model::time_json(stop->at);
    document["actor"] = stop->actor;
    document["reason"] = stop->reason;
  }
  return {std::string(kFleet), std::string(store::kStopKey), dump_json(document)};
}

}  // namespace

bool is_stop_document(std::string_view key) {
  return key == store::kStopKey;
}

void Fleet::Impl::put_stop(store::Batch& batch) const {
  batch.puts.push_back(stop_put(stop().get()));
}

Result<void> Fleet::Impl::read_stop(std::string_view key, std::string_view document) {
  if (!is_stop_document(key)) return {};
  const auto json = parse_json(document);
  if (!json) return json.error();
  std::shared_ptr<const model::Stop> stop;
  if (json->is_object() && json->value("on", false)) {
    stop = std::make_shared<const model::Stop>(model::Stop{
        model::time_at(*json, "at"), json->value("actor", ""), json->value("reason", "")});
  }
  set_stop(std::move(stop));
  return {};
}

void Fleet::Impl::set_stop(std::shared_ptr<const model::Stop> stop) {
  {
    const std::lock_guard lock(settings_mutex);
    if (stop == stop_now) return;  // none before and none now: a start has more to do
    stop_now = std::move(stop);
    rest_changed = true;
  }
  judge_anew();
}

// A stop outlives an import: what that brought back to life ends as what ran then did.
void Fleet::Impl::hold_to_stop(store::Batch& batch) {
  const auto stopped = stop();
  if (stopped == nullptr) return;
  for (const std::string& id : jobs.table.running_ids())
    jobs.cancel_within(id, stopped->actor, batch);
}

void Fleet::stop(const std::string& reason, const std::string& actor, Answered<StopOutcome> done) {
  impl_->post(
      [this, reason, actor, done = std::move(done)] { impl_->take_stop(reason, actor, done); });
}

// In memory first, where every decision from now on sees it; then what runs is cancelled, in slices;
// the caller is answered when all of that is written, or could not be.
void Fleet::Impl::take_stop(const std::string& reason, const std::string& actor,
                            const Answered<StopOutcome>& done) {
  const WallTime now = clock.wall();
  auto run = std::make_shared<StopRun>();
  run->done = done;
  run->actor = actor;
  const auto before = stop();
  if (before != nullptr) {
    run->outcome.stop = *before;
    run->outcome.was_stopped = true;
  } else {
    run->outcome.stop = {now, actor, printable(reason, model::kMaxStopReason)};
    set_stop(std::make_shared<const model::Stop>(run->outcome.stop));
  }
  run->jobs = jobs.table.running_ids();
  store::Batch batch;
  put_stop(batch);
  if (before == nullptr) {
    batch.events.push_back(
        actor_event(now, model::Severity::kWarning, model::event_kind::kUpdatesStopped, "server",
                    actor, actor + " stopped all updates: " + run->outcome.stop.reason));
  }
  stop_slice(run, std::move(batch));
}

void Fleet::Impl::stop_slice(const std::shared_ptr<StopRun>& run, store::Batch batch) {
  for (std::size_t i = 0; i < kJobsAtOnce && !run->jobs.empty(); ++i) {
    const std::string id = std::move(run->jobs.back());
    run->jobs.pop_back();
    const JobTable::Entry* entry = jobs.table.find(id);
    // Past its point of no return a device goes on.
    if (entry == nullptr || !jobs.cancel_within(id, run->actor, batch)) continue;
    ++run->outcome.cancelled;
    run->wake.push_back(entry->job->device);
  }
  saver.commit(std::move(batch), OnFailure::kRetry, [this, run](const Result<void>& saved) {
    post([this, run, saved] {
      if (!saved && run->outcome.unsaved.empty()) run->outcome.unsaved = saved.error().text();
      if (!run->jobs.empty()) return stop_slice(run, {});
      publish();
      for (const std::string& device : run->wake)
        wake(device);
      run->done(run->outcome);
    });
  });
}

void Fleet::resume(const std::string& actor, Done done) {
  impl_->post([this, actor, done = std::move(done)] {
    const auto stopped = impl_->stop();
    if (stopped == nullptr) return done(fail(Errc::kConflict, "updates are not stopped"));
    const WallTime now = impl_->clock.wall();
    impl_->set_stop(nullptr);
    store::Batch batch;
    impl_->put_stop(batch);
    batch.events.push_back(actor_event(
        now, model::Severity::kWarning, model::event_kind::kUpdatesResumed, "server", actor,
        actor + " lets updates start again, which " + stopped->actor + " had stopped " +
            format_age(now - stopped->at) + " before: " + stopped->reason));
    impl_->commit_shown(std::move(batch), done);
  });
}

}  // namespace ota::fleet
