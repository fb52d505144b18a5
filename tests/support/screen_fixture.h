// A made fleet at a fixed time, for tests of screens: twelve devices in every state, jobs, events,
// agents.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "console/backend.h"
#include "console/model.h"
#include "model/server_status.h"

namespace ota::test {

// 2026-08-20T14:03:22Z
WallTime screen_time();

model::ServerStatus screen_server();
std::shared_ptr<fleet::Snapshot> screen_fleet();
std::shared_ptr<fleet::Snapshot> empty_fleet();
std::shared_ptr<const console::Agents> screen_agents();
// Of iot-002 (BLOCKED, High Load) with a quarter of an hour of readings and one gap; of others by
// their row.
std::shared_ptr<const fleet::DeviceDetail> screen_detail(const fleet::Snapshot& fleet,
                                                         const std::string& device);
// Seven roles of which one is soon to expire and one has, keys on the server, two changes waiting.
std::shared_ptr<const tuf::TrustPage> screen_trust();
// What the gate says for a device: iot-002 is blocked for its load, those on v2.1.5 are skipped,
// others allowed.
fleet::PushOutcome screen_outcome(const std::string& device, const model::Version& version);

// A backend that answers at once from the values above and keeps what it was asked.
class FakeBackend final : public console::Backend {
 public:
  FakeBackend();
  std::shared_ptr<const fleet::Snapshot> snapshot() override { return fleet; }
  std::shared_ptr<const console::Agents> agents() override { return agent_list; }
  model::ServerStatus server() override { return status; }
  std::shared_ptr<const tuf::TrustPage> trust() override { return trust_page; }
  void sign(tuf::SignOrder ask, fleet::Answered<tuf::Outcome> done) override;
  std::shared_ptr<const fleet::DeviceDetail> detail(const std::string& device) override;
  std::vector<fleet::HistoryPoint> history(const std::string& device) override;
  std::shared_ptr<const model::Settings> settings() override { return configuration; }
  void on_change(std::function<void()> called) override { changed = std::move(called); }
  void push(fleet::PushRequest request,
            fleet::Answered<std::vector<fleet::PushOutcome>> done) override;
  void cancel(const std::string& job, fleet::Done done) override { note("cancel " + job, done); }
  void force_quit(const std::string& job, fleet::Done done) override { note("force " + job, done); }
  void accept(const std::string& id, fleet::Done done) override { note("accept " + id, done); }
  void rollback(const std::string& id, fleet::Done done) override { note("rollback " + id, done); }
  void revoke(const std::string& id, fleet::Done done) override { note("revoke " + id, done); }
  void acknowledge(const std::string& id, fleet::Done done) override {
    note("acknowledge " + id, done);
  }
  void stop(const std::string& reason, fleet::Answered<fleet::StopOutcome> done) override {
    asked.push_back("stop " + reason);
    fleet::StopOutcome outcome;
    outcome.cancelled = 2;
    done(outcome);
  }
  void resume(fleet::Done done) override { note("resume", done); }
  void order(const std::string& agent, AgentOrder order) override;
  void older_events(std::uint64_t seq, std::size_t limit,
                    fleet::Answered<console::Events> done) override;
  void stored_history(const std::string& device, WallTime from, WallTime to,
                      fleet::Answered<std::vector<fleet::HistoryPoint>> done) override;
  void write_file(const std::filesystem::path& path, std::string content,
                  fleet::Done done) override;
  void retry_server() override { asked.emplace_back("retry"); }
  void retry_on_port(std::uint16_t port) override {
    asked.push_back("retry on " + std::to_string(port));
  }
  void start_demonstration(fleet::Done done) override { note("demonstration", done); }

  std::shared_ptr<const fleet::Snapshot> fleet;
  std::shared_ptr<const console::Agents> agent_list;
  model::ServerStatus status;
  std::shared_ptr<const model::Settings> configuration;
  std::shared_ptr<const fleet::DeviceDetail> own_detail;  // instead of screen_detail()
  std::function<void()> changed;
  std::vector<std::string> asked;  // "push iot-001 2.1.5", "cancel job-000042", ...
  std::map<std::string, std::string> files;
  console::Events stored;  // what older_events() reads from, oldest first
  std::shared_ptr<const tuf::TrustPage> trust_page = std::make_shared<const tuf::TrustPage>();
  Result<tuf::Outcome> signing = tuf::Outcome{"model-rpi4 version 4 is published"};
  // When set, pushes are kept here instead of answered.
  bool hold_answers = false;
  std::vector<std::function<void()>> held;

 private:
  void note(std::string what, const fleet::Done& done);
};

}  // namespace ota::test
