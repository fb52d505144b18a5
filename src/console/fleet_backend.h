// The Backend over the fleet of this process.
//
// It may be made before the server is up: until a fleet is there it shows an empty one and refuses
// requests, and after it has gone the last picture stays. What blocks (reading old events, writing
// files) is done by a worker of its own. Thread: as Backend.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "console/backend.h"
#include "model/server_status.h"
#include "store/store.h"
#include "supervisor/supervisor.h"

namespace ota::console {

// Where the parts come from; each may be called on any thread and may give null while its part is
// not there.
struct FleetSource {
  std::function<std::shared_ptr<fleet::Fleet>()> fleet;
  std::function<std::shared_ptr<supervisor::Supervisor>()> supervisor;
  std::function<std::shared_ptr<store::Store>()> store;
  std::function<model::ServerStatus()> server;
  std::function<std::shared_ptr<const tuf::TrustPage>()> trust;
  // Blocks on files.
  std::function<Result<tuf::Outcome>(const tuf::SignOrder&)> sign;
  std::function<void()> retry_server;
  std::function<void(std::uint16_t)> retry_on_port;
  std::function<void(fleet::Done)> start_demonstration;
  // Takes what is to be called when something that a screen shows has changed; null takes it back.
  std::function<void(std::function<void()>)> on_change;
};

class FleetBackend final : public Backend {
 public:
  explicit FleetBackend(FleetSource source);
  // Waits for what the worker still does.
  ~FleetBackend() override;

  std::shared_ptr<const fleet::Snapshot> snapshot() override;
  std::shared_ptr<const Agents> agents() override;
  model::ServerStatus server() override { return source_.server(); }
  std::shared_ptr<const tuf::TrustPage> trust() override { return source_.trust(); }
  void sign(tuf::SignOrder ask, fleet::Answered<tuf::Outcome> done) override;
  std::shared_ptr<const fleet::DeviceDetail> detail(const std::string& device) override;
  std::vector<fleet::HistoryPoint> history(const std::string& device) override;
  std::shared_ptr<const model::Settings> settings() override;
  void on_change(std::function<void()> called) override { source_.on_change(std::move(called)); }
  void push(fleet::PushRequest request,
            fleet::Answered<std::vector<fleet::PushOutcome>> done) override;
  void cancel(const std::string& job, fleet::Done done) override;
  void force_quit(const std::string& job, fleet::Done done) override;
  void accept(const std::string& device, fleet::Done done) override;
  void rollback(const std::string& device, fleet::Done done) override;
  void revoke(const std::string& device, fleet::Done done) override;
  void acknowledge(const std::string& device, fleet::Done done) override;
  void stop(const std::string& reason, fleet::Answered<fleet::StopOutcome> done) override;
  void resume(fleet::Done done) override;
  void order(const std::string& agent, AgentOrder order) override;
  void older_events(std::uint64_t seq, std::size_t limit, fleet::Answered<Events> done) override;
  void stored_history(const std::string& device, WallTime from, WallTime to,
                      fleet::Answered<std::vector<fleet::HistoryPoint>> done) override;
  void write_file(const std::filesystem::path& path, std::string content,
                  fleet::Done done) override;
  void retry_server() override { source_.retry_server(); }
  void retry_on_port(std::uint16_t port) override { source_.retry_on_port(port); }
  void start_demonstration(fleet::Done done) override {
    source_.start_demonstration(std::move(done));
  }

 private:
  void later(std::function<void()> task);
  void work();

  FleetSource source_;
  std::shared_ptr<const fleet::Snapshot> last_;  // the UI thread's alone
  std::shared_ptr<const Agents> no_agents_ = std::make_shared<const Agents>();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ OTA_GUARDED_BY(mutex_);
  bool stopping_ OTA_GUARDED_BY(mutex_) = false;
  std::thread worker_;
};

}  // namespace ota::console
