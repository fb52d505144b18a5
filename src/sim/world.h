// The running system of a scenario: a root of its own, the real programs in it, a cuttable wire for
// each device.
//
// Everything is started on free ports and ends with this object. Agents reach the server through
// their own proxy, whose port stays the same when the server comes back on another one. Thread:
// one.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "cli/api.h"
#include "sim/moved_clock.h"
#include "sim/process.h"
#include "sim/proxy.h"
#include "sim/scenario.h"
#include "sim/small_disk.h"

namespace ota::sim {

struct WorldOptions {
  std::filesystem::path programs;        // the folder of ota-console, ota-agent and otactl
  std::filesystem::path root;            // an empty folder
  std::filesystem::path installation{};  // whose thresholds drills use; empty: none
};

class Lab;

class World {
 public:
  World(WorldOptions options, const Scenario& scenario, const Clock& clock);
  ~World();

  // Writes config/ and the agents' folders, opens the wires.
  Result<void> prepare();
  // Starts the console and waits until it serves; publishes the scenario's releases the first time.
  Result<void> start_console();
  // Enrols the device by a join code where it is not, and starts its agent.
  Result<void> start_agent(const std::string& id);
  Result<void> join(const std::string& id, const std::string& code);
  // SIGTERM, then waits; kTimeout where it does not end within 6 s.
  Result<void> stop(const std::string& what);
  // A signal to "console" or a device's agent, supervised ones included.
  Result<void> signal(const std::string& what, int number);
  bool running(const std::string& what);
  pid_t pid_of(const std::string& what);  // of a child that runs; -1: none
  Result<void> publish(const ScenarioRelease& release);

  struct Said {
    int status = 0;
    std::string output;
  };
  // otactl with --root and --server of this world.
  Result<Said> otactl(std::vector<std::string> arguments);

  // The server's answers. `device` is {"row":…,"verdict":…,…}.
  Result<Json> device(const std::string& id);
  Result<Json> get(const std::string& path);
  Result<Json> post(const std::string& path, const Json& body);
  // Every event so far, oldest first.
  Result<std::vector<Json>> events();

  // The drills' laboratory (lab.h); null before open_lab().
  Result<void> open_lab(const std::string& installer);
  Lab* lab() { return lab_.get(); }
  // What a drill's report shows beside its verdict.
  void note(std::string line) { notes_.push_back(std::move(line)); }
  const std::vector<std::string>& notes() const { return notes_; }

  Proxy* wire(const std::string& id);
  const MovedClock& clocks() const { return clocks_; }
  // The file system of state/, where the scenario fills it and we may mount one; else null.
  const SmallDisk* state_disk() const { return disk_.get(); }
  // What "console" or a device has printed.
  std::string log_of(const std::string& what) const;
  std::filesystem::path log_file(const std::string& what) const;
  std::filesystem::path agent_folder(const std::string& id) const;
  const std::filesystem::path& root() const { return options_.root; }
  const std::string& server() const { return server_; }  // its URL; empty before the first start
  const Scenario& scenario() const { return scenario_; }
  const Clock& clock() const { return clock_; }
  const ScenarioDevice* find(const std::string& id) const;
  // "iot-001" -> {"iot-001"}, "agents" -> every device that the runner starts.
  std::vector<std::string> agents_of(const std::string& what) const;

 private:
  Result<void> write_config();
  Result<void> write_agent(const ScenarioDevice& device);
  Result<std::uint16_t> wait_ready(std::size_t from);
  Process* child(const std::string& what);
  bool has_step(std::string_view kind) const;
  bool moves_clocks() const;
  // Starts a program that a step may stop, kill or give another time.
  Result<void> launch(const std::string& what, const std::string& program,
                      std::vector<std::string> arguments);

  WorldOptions options_;
  const Scenario& scenario_;
  const Clock& clock_;
  MovedClock clocks_;
  std::unique_ptr<SmallDisk> disk_;  // before the children: they end first
  std::map<std::string, std::unique_ptr<Proxy>> wires_;
  std::map<std::string, Process> children_;
  std::map<std::string, bool> joined_;
  std::unique_ptr<cli::Api> api_;
  std::string server_;
  bool published_ = false;
  std::unique_ptr<Lab> lab_;
  std::vector<std::string> notes_;
};

}  // namespace ota::sim
