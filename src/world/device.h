// A device of a world: a whole real agent with its folder, its clock, its way to the server and a
// power switch.
//
// The folder lies on a real file system in memory. A power cut ends the agent where it waits, or at
// a step of the disk that was chosen before; of what it had not synced by then something may be lost
// (agent_disk.h) where the plan says so. What a device really runs is read from its slots as a boot
// loader would, and kept here for the oracle.
//
// Thread: the world's.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config.h"
#include "agents/runtime.h"
#include "agents/update_state.h"
#include "world/agent_disk.h"
#include "world/link.h"
#include "world/node_clock.h"
#include "world/random.h"
#include "world/server.h"
#include "world/timeline.h"
#include "world/trace.h"

namespace ota::agent {
class Agent;
}

namespace ota::world {

struct DeviceOptions {
  std::string id;
  std::string machine;  // its name here; a clone has one of its own
  std::string address;
  agent::Config config;  // its folder is in it
  std::uint64_t seed = 0;
  std::int64_t drift_ppm = 0;
  milliseconds clock_off{0};
  LinkFaults faults{};
  bool loses_unsynced = false;  // at a power cut
  milliseconds fastest_boot{500};
  milliseconds slowest_boot{20'000};
};

// What really was, which no program of the fleet may see.
struct Truth {
  struct Boot {
    MonoTime at;
    std::string sha256;  // of the image that it runs; empty: no slot boots
  };
  struct Confirmed {
    MonoTime at;
    model::Image image;
  };
  std::vector<Boot> boots;
  std::vector<Confirmed> confirmed;  // each change of its ledger on disk
  model::Version floor{};            // the highest that its ledger ever held
  std::uint64_t cuts = 0;
  std::uint64_t restored = 0;  // an old folder was put back so often
  std::string saved;           // its state as it was last said to be durable
  std::string not_kept;  // of what was durable at the last cut, in words; empty: all was there
};

class Device {
 public:
  Device(Timeline& timeline, Trace& trace, Server& server, DeviceOptions options);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void power_on();
  void power_cut();  // not from one of its fibers
  // The power goes at the n-th step of the disk from now; of those, where it loses what is not
  // synced, at which there is something to be lost.
  void cut_at_step(std::uint64_t n) { steps_left_ = n; }
  void cut_unsynced(std::uint64_t n) { unsynced_left_ = n; }
  void cut_no_more() {
    steps_left_.reset();
    unsynced_left_.reset();
  }
  bool powered() const { return powered_; }
  // Its disk is taken out and another one put in: it gets no power until that is undone.
  void shelve(bool shelved);
  // Its agent runs: it is not between two starts.
  bool running() const { return agent_ != nullptr; }
  // Puts a join code where an operator would, and a new identity's folder where `anew`.
  enum class Identity : std::uint8_t { kKept, kNew };
  void join(const std::string& code, Identity identity);
  bool enrolled() const;
  // It has a certificate, and nothing that says whose word an update has to be; nor a code that
  // would change that.
  bool half_joined() const;
  // The device of its certificate; empty: none.
  std::string certificate_name() const;
  // It spoke with this identity; true where that is the first time.
  bool note_name(const std::string& id) { return names_.insert(id).second; }
  // Its folder as it is now, elsewhere; and one put in the place of its own, without power.
  void copy_folder_to(const std::filesystem::path& to) const;
  void restore_folder_from(const std::filesystem::path& from);

  const std::string& id() const { return options_.id; }
  const std::string& machine() const { return options_.machine; }
  const DeviceOptions& options() const { return options_; }
  const Truth& truth() const { return truth_; }
  Link& link() { return link_; }
  const Link& link() const { return link_; }
  NodeClock& clock() { return clock_; }
  // The digest of the image in the slot that boots; empty: none does.
  std::string bootable() const;
  // Its update state on disk; null: none that can be read. Kept until it is written anew.
  std::shared_ptr<const agent::UpdateState> ledger() const;

  std::function<void(Device&)> booted;
  std::function<void(Device&)> went_dark;  // its power went

 private:
  void live();
  void end_fibers();
  void disk_step(std::string_view step);
  [[noreturn]] void cut_here(std::string_view step);
  void lose_unsynced();
  std::string state_text() const;
  void forget_ledger() { ledger_known_ = false; }
  agent::Runtime runtime();

  Timeline& timeline_;
  Trace& trace_;
  Server& server_;
  DeviceOptions options_;
  NodeClock clock_;
  Random random_;
  Link link_;
  bool powered_ = false;
  bool shelved_ = false;
  std::optional<std::uint64_t> steps_left_;
  std::optional<std::uint64_t> unsynced_left_;
  std::unique_ptr<AgentDisk> disk_;  // null: a real one
  Random fate_;                      // of what was not synced
  std::vector<std::shared_ptr<Fiber>> fibers_;
  std::shared_ptr<Fiber> main_;
  std::unique_ptr<agent::Agent> agent_;
  Truth truth_;
  std::set<std::string> names_;
  // Looked at far more often than it changes.
  mutable std::shared_ptr<const agent::UpdateState> ledger_;
  mutable bool ledger_known_ = false;
};

}  // namespace ota::world
