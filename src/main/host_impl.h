// What the files of Host share: its parts, and which thread each belongs to.
//
// host.cpp opens and closes, host_serve.cpp makes what listens, host_tick.cpp does what comes
// round. Thread: the host's own, but for what stands under `mutex` and what says otherwise.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "api/service.h"
#include "base/clock_jump.h"
#include "config/config.h"
#include "config/edit_report.h"
#include "config/folder.h"
#include "fleet/fleet.h"
#include "fleet/memory_file.h"
#include "fleet/operator_registry.h"
#include "http/server.h"
#include "main/ddi_listener.h"
#include "main/firmware_watcher.h"
#include "main/host.h"
#include "main/local_agents.h"
#include "main/log_keeper.h"
#include "main/operator_asks.h"
#include "main/rate_meter.h"
#include "main/trust_monitor.h"
#include "model/server_status.h"
#include "pki/authority.h"
#include "store/store.h"
#include "supervisor/supervisor.h"

namespace ota::main {

struct Host::Impl {
  Impl(HostOptions o, const Clock& c) : options(std::move(o)), clock(c), clock_jump(c), rates(c) {}

  const HostOptions options;
  const Clock& clock;

  // -- what other threads see, under `mutex` --
  mutable std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;
  bool hurry = false;
  model::ServerStatus status;
  std::optional<Result<std::uint16_t>> outcome;  // of the first attempt to serve
  std::function<void()> listener;
  HostParts parts;
  std::shared_ptr<TrustMonitor> trust;
  std::shared_ptr<const model::Settings> edited;  // taken by the next tick

  OperatorAsks asks;

  // -- the host thread's own --
  std::thread thread;
  std::shared_ptr<const model::Settings> settings;
  std::unique_ptr<FirmwareWatcher> firmware;
  std::unique_ptr<LocalAgents> agents;  // none: others run them
  std::string own_url;                  // at which this host reaches the server
  bool saved = true;                    // at the last tick
  bool port_failed = false;             // the last attempt to start failed at console.json's port

  std::optional<pki::Authority> authority;
  std::unique_ptr<fleet::OperatorRegistry> operators;  // before what admits by it
  std::unique_ptr<api::Service> api;
  std::unique_ptr<http::Server> server;
  std::unique_ptr<DdiListener> ddi;             // none: not configured
  std::optional<config::Folder> config_folder;  // none: the watcher has it
  std::unique_ptr<config::Watcher> watcher;
  config::Look told;               // of the configuration; the watcher's, while there is one
  std::unique_ptr<LogKeeper> log;  // of events
  std::unique_ptr<fleet::MemoryFile> detectors;
  ClockJump clock_jump;
  std::atomic<bool> reopen{false};  // the state was replaced by an import
  RateMeter rates;
  MonoTime certificate_looked_at{};

  void run();
  Result<void> open();
  Result<void> open_fleet();
  Result<void> check_config() const;  // an error where nothing right was ever in force
  std::vector<fleet::ConfigProblem> shown(const std::vector<config::Problem>& problems) const;
  Result<void> serve();
  Result<void> open_identities();  // keys, certificates, operators
  Result<void> open_helpers();     // local agents, detectors' memory, the log's keeper
  void announce(std::uint16_t asked_port);
  http::ServerHooks common_hooks();
  std::vector<api::ListenerStats> listener_stats() const;
  void run_agents();
  void tick();
  void follow_jump(milliseconds jump);
  void close();

  api::Ports ports();
  void look_at_firmware();
  tuf::PublishedReleases::Take releases_taker();
  void update_rates();
  void renew_certificate();
  void take_edited_settings();
  void start_asked_demonstration();
  void settings_changed(const std::shared_ptr<const model::Settings>& now,
                        const std::vector<config::Problem>& problems);
  void record(model::Severity severity, std::string kind, std::string message);
  std::function<void(model::Severity, std::string, std::string)> recorder() {
    return [this](model::Severity severity, std::string kind, std::string message) {
      record(severity, std::move(kind), std::move(message));
    };
  }

  bool wait(milliseconds span);  // false: stop
  void set_status(const std::function<void(model::ServerStatus&)>& change);
  void notify();
  void answer(Result<std::uint16_t> result);
};

}  // namespace ota::main
