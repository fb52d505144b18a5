#include "console/fleet_backend.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"
#include "fleet/minutes.h"

namespace ota::console {
namespace {

constexpr const char* kActor = "console";

Error not_up() {
  return fail(Errc::kUnavailable, "the server is not up yet");
}

// Never over a file that exists: an export must not be a way to overwrite a key.
Result<void> write_new_file(const std::filesystem::path& path, std::string_view content) {
  const FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) {
    if (errno == EEXIST) return fail(Errc::kExists, path.string());
    return fail_errno(errno, path.string());
  }
  auto written = write_all(file.get(), content);
  if (!written) ::unlink(path.c_str());
  return written;
}

}  // namespace

FleetBackend::FleetBackend(FleetSource source) : source_(std::move(source)) {
  auto empty = std::make_shared<fleet::Snapshot>();
  empty->releases = std::make_shared<const std::vector<model::Release>>();
  empty->events = std::make_shared<const Events>();
  last_ = std::move(empty);
}

FleetBackend::~FleetBackend() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

std::shared_ptr<const fleet::Snapshot> FleetBackend::snapshot() {
  if (const auto fleet = source_.fleet()) {
    if (auto snapshot = fleet->snapshot()) last_ = std::move(snapshot);
  }
  return last_;
}

std::shared_ptr<const Agents> FleetBackend::agents() {
  const auto supervisor = source_.supervisor();
  auto status = supervisor ? supervisor->status() : nullptr;
  return status ? status : no_agents_;
}

std::shared_ptr<const fleet::DeviceDetail> FleetBackend::detail(const std::string& device) {
  const auto fleet = source_.fleet();
  return fleet ? fleet->detail(device) : nullptr;
}

std::vector<fleet::HistoryPoint> FleetBackend::history(const std::string& device) {
  const auto fleet = source_.fleet();
  return fleet ? fleet->history(device) : std::vector<fleet::HistoryPoint>();
}

std::shared_ptr<const model::Settings> FleetBackend::settings() {
  const auto fleet = source_.fleet();
  return fleet ? fleet->settings() : nullptr;
}

void FleetBackend::push(fleet::PushRequest request,
                        fleet::Answered<std::vector<fleet::PushOutcome>> done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->push(request, std::move(done));
}

void FleetBackend::cancel(const std::string& job, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->cancel(job, kActor, std::move(done));
}

void FleetBackend::force_quit(const std::string& job, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->force_quit(job, kActor, std::move(done));
}

void FleetBackend::accept(const std::string& device, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->ddi_accept(device, kActor, done);
}

void FleetBackend::rollback(const std::string& device, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->rollback(device, kActor, std::move(done));
}

void FleetBackend::revoke(const std::string& device, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->revoke(device, kActor, std::move(done));
}

void FleetBackend::acknowledge(const std::string& device, fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->acknowledge(device, kActor, std::move(done));
}

void FleetBackend::stop(const std::string& reason, fleet::Answered<fleet::StopOutcome> done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->stop(reason, kActor, std::move(done));
}

void FleetBackend::resume(fleet::Done done) {
  const auto fleet = source_.fleet();
  if (!fleet) return done(not_up());
  fleet->resume(kActor, std::move(done));
}

void FleetBackend::sign(tuf::SignOrder ask, fleet::Answered<tuf::Outcome> done) {
  later([this, ask = std::move(ask), done = std::move(done)]() mutable {
    done(source_.sign(ask));
    std::ranges::fill(ask.passphrase, '\0');
  });
}

void FleetBackend::order(const std::string& agent, AgentOrder order) {
  const auto supervisor = source_.supervisor();
  if (!supervisor) return;
  switch (order) {
    case AgentOrder::kStart:
      return supervisor->start(agent);
    case AgentOrder::kStop:
      return supervisor->stop(agent);
    case AgentOrder::kRestart:
      return supervisor->restart(agent);
  }
}

void FleetBackend::older_events(std::uint64_t seq, std::size_t limit,
                                fleet::Answered<Events> done) {
  later([this, seq, limit, done = std::move(done)] {
    const auto store = source_.store();
    if (!store || seq <= 1) return done(Events{});
    store::EventQuery query;
    query.limit = std::min<std::size_t>(limit, seq - 1);
    query.after = seq - 1 - query.limit;
    auto found = store->events(query);
    if (!found) return done(found.error());
    Events events;
    for (model::Event& event : *found) {
      if (event.seq < seq) events.push_back(std::make_shared<const model::Event>(std::move(event)));
    }
    done(std::move(events));
  });
}

void FleetBackend::stored_history(const std::string& device, WallTime from, WallTime to,
                                  fleet::Answered<std::vector<fleet::HistoryPoint>> done) {
  later([this, device, from, to, done = std::move(done)] {
    const auto store = source_.store();
    if (!store) return done(not_up());
    const auto minutes = fleet::read_all_minutes(*store, device, from, to);
    if (!minutes) return done(minutes.error());
    std::vector<fleet::HistoryPoint> points;
    points.reserve(3 * minutes->size());
    for (const fleet::Minute& minute : *minutes)
      fleet::append_points(minute, points);
    done(std::move(points));
  });
}

void FleetBackend::write_file(const std::filesystem::path& path, std::string content,
                              fleet::Done done) {
  later([path, content = std::move(content), done = std::move(done)] {
    done(write_new_file(path, content));
  });
}

void FleetBackend::later(std::function<void()> task) {
  const MutexLock lock(mutex_);
  tasks_.push_back(std::move(task));
  if (!worker_.joinable()) worker_ = std::thread([this] { work(); });
  changed_.notify_all();
}

void FleetBackend::work() {
  MutexLock lock(mutex_);
  while (true) {
    while (!stopping_ && tasks_.empty())
      changed_.wait(mutex_);
    if (tasks_.empty()) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace ota::console
