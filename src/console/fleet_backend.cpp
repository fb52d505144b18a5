#include "console/fleet_backend.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/file.h"

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

FleetBackend::FleetBackend() {
  auto empty = std::make_shared<fleet::Snapshot>();
  empty->releases = std::make_shared<const std::vector<model::Release>>();
  empty->events = std::make_shared<const Events>();
  empty_ = std::move(empty);
}

FleetBackend::~FleetBackend() {
  {
    const std::lock_guard lock(tasks_mutex_);
    stopping_ = true;
  }
  tasks_changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void FleetBackend::attach(Parts parts) {
  {
    const std::lock_guard lock(mutex_);
    parts_ = std::move(parts);
  }
  published();
}

void FleetBackend::detach() {
  std::shared_ptr<const fleet::Snapshot> last = snapshot();
  {
    const std::lock_guard lock(mutex_);
    parts_ = {};
    empty_ = std::move(last);  // the last picture stays
  }
  std::unique_lock lock(tasks_mutex_);
  tasks_changed_.wait(lock, [this] { return tasks_.empty() && !busy_; });
}

FleetBackend::Parts FleetBackend::parts() {
  const std::lock_guard lock(mutex_);
  return parts_;
}

void FleetBackend::set_server(fleet::ServerStatus status) {
  std::function<void()> changed;
  {
    const std::lock_guard lock(mutex_);
    // Counters move all the time and are shown with the next frame; what is told at once is a
    // change of state.
    if (status.phase != server_.phase || status.problem != server_.problem) changed = changed_;
    server_ = std::move(status);
  }
  if (changed) changed();
}

void FleetBackend::published() {
  std::function<void()> changed;
  {
    const std::lock_guard lock(mutex_);
    if (parts_.fleet == nullptr) return;
    const void* snapshot = parts_.fleet->snapshot().get();
    const void* agents = parts_.supervisor == nullptr ? nullptr : parts_.supervisor->status().get();
    if (snapshot == seen_snapshot_ && agents == seen_agents_) return;
    seen_snapshot_ = snapshot;
    seen_agents_ = agents;
    changed = changed_;
  }
  if (changed) changed();
}

std::shared_ptr<const fleet::Snapshot> FleetBackend::snapshot() {
  const std::lock_guard lock(mutex_);
  auto snapshot = parts_.fleet == nullptr ? nullptr : parts_.fleet->snapshot();
  return snapshot ? snapshot : empty_;
}

std::shared_ptr<const Agents> FleetBackend::agents() {
  const std::lock_guard lock(mutex_);
  auto status = parts_.supervisor == nullptr ? nullptr : parts_.supervisor->status();
  return status ? status : std::make_shared<const Agents>();
}

fleet::ServerStatus FleetBackend::server() {
  const std::lock_guard lock(mutex_);
  return server_;
}

std::shared_ptr<const fleet::DeviceDetail> FleetBackend::detail(const std::string& device) {
  const std::lock_guard lock(mutex_);
  return parts_.fleet == nullptr ? nullptr : parts_.fleet->detail(device);
}

void FleetBackend::on_change(std::function<void()> called) {
  const std::lock_guard lock(mutex_);
  changed_ = std::move(called);
}

void FleetBackend::push(fleet::PushRequest request,
                        fleet::Answered<std::vector<fleet::PushOutcome>> done) {
  const Parts parts = this->parts();
  if (parts.fleet == nullptr) return done(not_up());
  parts.fleet->push(std::move(request), std::move(done));
}

void FleetBackend::cancel(const std::string& job, fleet::Done done) {
  const Parts parts = this->parts();
  if (parts.fleet == nullptr) return done(not_up());
  parts.fleet->cancel(job, kActor, std::move(done));
}

void FleetBackend::rollback(const std::string& device, fleet::Done done) {
  const Parts parts = this->parts();
  if (parts.fleet == nullptr) return done(not_up());
  parts.fleet->rollback(device, kActor, std::move(done));
}

void FleetBackend::revoke(const std::string& device, fleet::Done done) {
  const Parts parts = this->parts();
  if (parts.fleet == nullptr) return done(not_up());
  parts.fleet->revoke(device, kActor, std::move(done));
}

void FleetBackend::acknowledge(const std::string& device, fleet::Done done) {
  const Parts parts = this->parts();
  if (parts.fleet == nullptr) return done(not_up());
  parts.fleet->acknowledge(device, kActor, std::move(done));
}

void FleetBackend::order(const std::string& agent, AgentOrder order) {
  supervisor::Supervisor* supervisor = parts().supervisor;
  if (supervisor == nullptr) return;
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
    store::Store* store = parts().store;
    if (store == nullptr || seq <= 1) return done(Events{});
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

void FleetBackend::write_file(const std::filesystem::path& path, std::string content,
                              fleet::Done done) {
  later([path, content = std::move(content), done = std::move(done)] {
    done(write_new_file(path, content));
  });
}

void FleetBackend::retry_server() {
  const Parts parts = this->parts();
  if (parts.retry_server) parts.retry_server();
}

void FleetBackend::later(std::function<void()> task) {
  const std::lock_guard lock(tasks_mutex_);
  tasks_.push_back(std::move(task));
  if (!worker_.joinable()) worker_ = std::thread([this] { work(); });
  tasks_changed_.notify_all();
}

void FleetBackend::work() {
  std::unique_lock lock(tasks_mutex_);
  while (true) {
    tasks_changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    busy_ = true;
    lock.unlock();
    task();
    lock.lock();
    busy_ = false;
    tasks_changed_.notify_all();
  }
}

}  // namespace ota::console
