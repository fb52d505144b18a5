// What the console needs of the rest of the program, and nothing of how it is done.
//
// Everything returns at once. Requests take a callback that the backend calls on any thread, once;
// the console brings it to its own thread through the Inbox. Thread: all calls from the UI thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "console/sign_flow.h"
#include "fleet/fleet.h"
#include "fleet/snapshot.h"
#include "model/agent_status.h"
#include "model/event.h"
#include "model/server_status.h"
#include "model/settings.h"
#include "tuf/sign_order.h"
#include "tuf/trust_page.h"

namespace ota::console {

using Agents = std::vector<model::AgentStatus>;
using Events = std::vector<std::shared_ptr<const model::Event>>;

class Backend {
 public:
  virtual ~Backend() = default;

  // -- what is seen; never null --
  virtual std::shared_ptr<const fleet::Snapshot> snapshot() = 0;
  virtual std::shared_ptr<const Agents> agents() = 0;
  virtual model::ServerStatus server() = 0;
  virtual std::shared_ptr<const tuf::TrustPage> trust() = 0;
  // Null where the device is not known.
  virtual std::shared_ptr<const fleet::DeviceDetail> detail(const std::string& device) = 0;
  // The readings of a device, oldest first.
  virtual std::vector<fleet::HistoryPoint> history(const std::string& device) = 0;
  // The configuration in force; null before it is read.
  virtual std::shared_ptr<const model::Settings> settings() = 0;
  // Called when any of the above has changed; from any thread, at most a few times a second.
  virtual void on_change(std::function<void()> called) = 0;

  // -- updates; a request with dry_run evaluates the gate and stores nothing --
  virtual void push(fleet::PushRequest request,
                    fleet::Answered<std::vector<fleet::PushOutcome>> done) = 0;
  virtual void cancel(const std::string& job, fleet::Done done) = 0;
  virtual void rollback(const std::string& device, fleet::Done done) = 0;
  virtual void revoke(const std::string& device, fleet::Done done) = 0;
  virtual void acknowledge(const std::string& device, fleet::Done done) = 0;
  // Of the whole fleet: no update starts; they may again.
  virtual void stop(const std::string& reason, fleet::Answered<fleet::StopOutcome> done) = 0;
  virtual void resume(fleet::Done done) = 0;
  // Devices that speak DDI: end an update on this side alone; take one from the waiting list.
  virtual void force_quit(const std::string& job, fleet::Done done) = 0;
  virtual void accept(const std::string& device, fleet::Done done) = 0;

  // Signs a waiting change with a key file and, with enough signatures, publishes it.
  virtual void sign(tuf::SignOrder ask, fleet::Answered<tuf::Outcome> done) = 0;

  // -- agents of this host --
  enum class AgentOrder : std::uint8_t { kStart, kStop, kRestart };
  virtual void order(const std::string& agent, AgentOrder order) = 0;

  // -- the log's past and files --
  // Events before `seq`, oldest first, at most `limit`.
  virtual void older_events(std::uint64_t seq, std::size_t limit, fleet::Answered<Events> done) = 0;
  // The stored minutes of a device that begin in [from, to), each as three points: its lowest, mean
  // and highest reading.
  virtual void stored_history(const std::string& device, WallTime from, WallTime to,
                              fleet::Answered<std::vector<fleet::HistoryPoint>> done) = 0;
  // Writes a file with mode 0600; refuses one that exists.
  virtual void write_file(const std::filesystem::path& path, std::string content,
                          fleet::Done done) = 0;
  // Tries to listen again now, where the server is down.
  virtual void retry_server() = 0;
  // The same on another port than console.json's, until that is edited or this process ends.
  virtual void retry_on_port(std::uint16_t port) = 0;
  // Lists the demonstration's devices and runs their agents here; kConflict where the fleet is not
  // empty.
  virtual void start_demonstration(fleet::Done done) = 0;
};

}  // namespace ota::console
