// The Backend over the fleet of this process.
//
// It exists before the server does: until attach() it shows an empty fleet that is starting, and
// refuses requests. What blocks (reading old events, writing files) is done by a worker thread of
// its own. Thread: Backend's calls from the UI thread; attach, detach, set_server and published
// from any.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>

#include "console/backend.h"
#include "store/store.h"
#include "supervisor/supervisor.h"

namespace ota::console {

class FleetBackend final : public Backend {
 public:
  // All but the fleet may be null.
  struct Parts {
    fleet::Fleet* fleet = nullptr;
    supervisor::Supervisor* supervisor = nullptr;
    store::Store* store = nullptr;
    std::function<void()> retry_server;
  };

  FleetBackend();
  ~FleetBackend() override;

  void attach(Parts parts);
  // Before any of the parts is destroyed; waits for what the worker does with them.
  void detach();
  // How the server is doing; as often as it changes.
  void set_server(fleet::ServerStatus status);
  // After each Fleet::tick() and each change of an agent: wakes the console where there is
  // something new to see.
  void published();

  std::shared_ptr<const fleet::Snapshot> snapshot() override;
  std::shared_ptr<const Agents> agents() override;
  fleet::ServerStatus server() override;
  std::shared_ptr<const fleet::DeviceDetail> detail(const std::string& device) override;
  void on_change(std::function<void()> called) override;
  void push(fleet::PushRequest request,
            fleet::Answered<std::vector<fleet::PushOutcome>> done) override;
  void cancel(const std::string& job, fleet::Done done) override;
  void rollback(const std::string& device, fleet::Done done) override;
  void revoke(const std::string& device, fleet::Done done) override;
  void acknowledge(const std::string& device, fleet::Done done) override;
  void order(const std::string& agent, AgentOrder order) override;
  void older_events(std::uint64_t seq, std::size_t limit, fleet::Answered<Events> done) override;
  void write_file(const std::filesystem::path& path, std::string content,
                  fleet::Done done) override;
  void retry_server() override;

 private:
  Parts parts();
  void later(std::function<void()> task);
  void work();

  std::mutex mutex_;
  Parts parts_;
  fleet::ServerStatus server_;
  std::function<void()> changed_;
  std::shared_ptr<const fleet::Snapshot> empty_;
  const void* seen_snapshot_ = nullptr;
  const void* seen_agents_ = nullptr;

  std::mutex tasks_mutex_;
  std::condition_variable tasks_changed_;
  std::deque<std::function<void()>> tasks_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread worker_;
};

}  // namespace ota::console
