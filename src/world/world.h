// A world: one server, its devices, the people around them, and an oracle that watches. It begins,
// goes through its time of faults, calms down, and must then be as the operators asked for.
//
// Everything happens in one thread, on virtual time, out of one plan: two runs of it are the same
// to the last line of their traces.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/job.h"
#include "world/ddi_client.h"
#include "world/device.h"
#include "world/oracle.h"
#include "world/plan.h"
#include "world/seeded_crypto.h"
#include "world/server.h"
#include "world/thief.h"
#include "world/timeline.h"
#include "world/trace.h"

namespace ota::world {

// What was ever published, by digest; that it was removed again does not unmake it.
struct PublishedImage {
  model::Version version;
  std::vector<std::string> hardware;
  bool healthy = true;
  std::optional<model::Version> floor{};
};

struct WorldReport {
  std::uint64_t seed = 0;
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  milliseconds lived{0};
  std::size_t devices = 0;
  std::uint64_t jobs = 0;
  std::optional<Finding> finding;
  std::vector<std::string> lines;  // of the trace, where they were kept
  // How often an act met a device whose job was in a state; "none" where it had none.
  std::map<std::pair<std::string, std::string>, std::uint64_t> met;
};

class World {
 public:
  // Its files lie below `scratch`, in a folder that goes with it.
  World(Plan plan, Trace::Keep keep, const std::filesystem::path& scratch);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  WorldReport run();
  // Before run(): this invariant looks after each step and not every few seconds, so that the step
  // is known from which on it does not hold. Looking changes nothing: it is the same world.
  void look_each_step(std::string invariant) { each_step_ = std::move(invariant); }

  // -- for acts and invariants --
  const Plan& plan() const { return plan_; }
  Timeline& timeline() { return timeline_; }
  Trace& trace() { return trace_; }
  Server& server() { return *server_; }
  Random& random() { return random_; }
  Oracle& oracle() { return oracle_; }
  std::vector<std::unique_ptr<Device>>& devices() { return devices_; }
  DdiClient& ddi(std::size_t number) { return *ddi_[number % ddi_.size()]; }
  const std::vector<std::unique_ptr<DdiClient>>& ddi_clients() const { return ddi_; }
  std::vector<const DdiClient*> all_ddi_clients() const;  // also on second disks
  bool is_ddi(const std::string& id) const;
  // What an agent's device runs while its agent has given way to a DDI client: that client, with a
  // disk of its own. Null: it never did.
  DdiClient* second_disk(const std::string& id) const;
  // Whether an operator writes down as well by which of the two it is updated.
  enum class Choice : std::uint8_t { kNone, kWritten };
  void switch_to_ddi(std::size_t number, Choice choice);
  void switch_to_agent(std::size_t number, Choice choice);
  Thief& thief() { return *thief_; }
  // The device that it befalls.
  const std::string& id_of(const Act& act);
  // Makes a token for it, which comes to it after `late`.
  void give_token(DdiClient& client, milliseconds late);
  Device& device(std::size_t number) { return *devices_[number % plan_.devices]; }
  // All machines that speak with this id.
  const std::vector<const Device*>& machines_of(const std::string& id) const;
  const std::filesystem::path& folder() const { return folder_; }
  bool calm() const { return calm_; }
  std::string hardware_of(std::size_t device) const;

  // An operator asks the server for something; `then` is called where an answer came.
  using Then = std::function<void(const http::Response&)>;
  void operate(http::Method method, const std::string& target, const Json& body, Then then = {});
  // He types a line at otactl; what it printed is for the oracle.
  void type(std::vector<std::string> words);
  // The same with a body that is sent as it is.
  void send(http::Method method, const std::string& target, std::string body, Then then = {});
  void order(const std::string& target, Then then = {}) {
    operate(http::Method::kPost, target, Json::object(), std::move(then));
  }
  // Opens an enrolment and brings the code to the device.
  void enrol(Device& device, Device::Identity identity);
  void give_code(Device& device, const std::string& code, Device::Identity identity);
  // Publishes an image that is newer than all before it; its version.
  std::optional<model::Version> publish(model::ReleaseClass release_class, bool healthy, bool floor,
                                        std::optional<std::string> only_for = {});
  const std::map<std::string, PublishedImage>& images() const { return images_; }
  const model::Version& newest() const { return newest_; }
  void end_server(Server::End how, milliseconds away);
  Device& add_clone(Device& of);
  void edit_settings(const std::function<void(model::Settings&)>& edit);
  // The server's word on a device's running job; none where it has none or is down.
  std::optional<model::Job> running_job(const std::string& id);

 private:
  void set_up();
  void calm_down();
  void repair();
  void look();
  void carry_out(const Act& act);
  void carry_out_now(const Act& act);
  void wait_for(const Act& act, std::optional<model::JobState> state, milliseconds left);
  void run_until(MonoTime until);
  void final_updates();
  void final_restart();
  void watch(Device& device);
  void start_server();
  void begin(std::function<void()> work);  // of somebody, as a fiber
  model::Settings first_settings() const;
  DeviceOptions device_options(std::size_t number) const;
  DdiOptions ddi_options(std::size_t number) const;
  DdiOptions second_disk_options(const Device& device) const;
  void watch(DdiClient& client);
  void choose_client(const std::string& id, const char* by);

  Plan plan_;
  SeededCrypto crypto_;
  Timeline timeline_;
  Trace trace_;
  Random random_;
  std::filesystem::path folder_;
  Oracle oracle_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<Link> desk_;  // the operators'
  std::vector<std::unique_ptr<Device>> devices_;
  std::vector<std::unique_ptr<DdiClient>> ddi_;
  std::map<std::string, std::vector<const Device*>> machines_;  // by the ids that they speak with
  std::map<std::string, std::unique_ptr<DdiClient>> second_disks_;  // by device
  std::unique_ptr<Thief> thief_;
  std::map<std::string, PublishedImage> images_;
  std::uint32_t next_patch_ = 4;  // of 2.1, which devices leave the factory with
  model::Version newest_;
  std::vector<std::shared_ptr<Fiber>> people_;  // operators who wait for an answer
  bool calm_ = false;
  std::string each_step_;                           // an invariant; empty: none
  std::map<std::string, std::uint64_t> enrolling_;  // by machine: the last attempt counts
  WorldReport report_;
};

}  // namespace ota::world
