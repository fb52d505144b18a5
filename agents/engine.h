// Drives the update machine: makes its state durable, performs its actions on the slots, hands out
// its reports.
//
// What touches the network, other programs or this process comes in as ports, so that every order
// of events can be played in a test without them.
//
// Threads: run() (or step()) on one thread, which also performs the ports' calls; everything else
// from any.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agents/runtime.h"
#include "agents/slot_store.h"
#include "agents/update_machine.h"

namespace ota::agent {

// Takes percent; false where the download is not wanted any more.
using Progress = std::function<bool(int)>;

// Called on the engine's thread, but where it says "any"; those must not call back into the engine.
struct EnginePorts {
  // Is the action's release what the signed metadata says, and its word the director's for this
  // device?
  std::function<Outcome(const Action&)> check;
  // Is the action's word the director's for this rollback?
  std::function<Outcome(const Action&)> check_back;
  // After a check that went well: what the signed metadata has to make its image of.
  std::function<std::vector<tuf::Patch>()> patches = [] { return std::vector<tuf::Patch>(); };
  // Makes the rest of the image of the action's patch and the image that runs here.
  std::function<Outcome(const Action&, const BaseFiles& base, PartialImage& into,
                        const Progress& progress)>
      patch;
  // Appends the rest of the image to `into`, telling `progress` how far it is.
  std::function<Outcome(const model::Release&, PartialImage& into, const Progress& progress)>
      download;
  // What is to be done with a verified image beside keeping it in its slot; may be empty.
  std::function<Outcome(const std::filesystem::path& image, const model::Release&)> install;
  // Gives the device back an image that install() replaced; may be empty, and may be called again
  // after it has succeeded.
  std::function<Outcome(const std::filesystem::path& image, const model::Version&)> revert;
  // Is the device healthy with this image?
  std::function<Outcome(const std::filesystem::path& image)> probe;
  // Asks for a restart into the current slot; after success run() ends.
  std::function<Outcome()> restart;
  // Ends a running check, patch, download, install or probe soon. Any thread.
  std::function<void()> interrupt = [] {};
  // Lines for people.
  std::function<void(const std::string&)> say = [](const std::string&) {};
  // A report became ready to be sent, or the facts changed. Any thread.
  std::function<void()> changed = [] {};
  // A rollback came to nothing; the server is to hear it. Any thread.
  std::function<void(const Unheeded&)> unheeded = [](const Unheeded&) {};
  // The device's clock. Any thread.
  std::function<WallTime()> now = [] { return WallTime{}; };
};

struct EngineOptions {
  std::filesystem::path folder;  // the device's: slots/ and state/ are made in it
  MachineOptions machine;
  model::Version factory_version;  // of the image that a new device starts with
  DiskHook hook;                   // tests and simulators only
  Runtime runtime = this_process();
};

// The device's own view of its firmware: what POST /v1/status says.
struct DeviceFacts {
  Slot slot = Slot::kA;
  model::Image running;
  model::Image confirmed;
  std::optional<model::Image> written;
  std::optional<model::Image> previous;  // in the other slot, good to go back to
  model::Version floor;                  // signed: no order takes the device below it
  std::string fallback;
  std::string fallback_sha256;

  bool operator==(const DeviceFacts&) const = default;
};

class Engine {
 public:
  // Opens the device's state. A new device gets its factory image (factory.img in the folder, else
  // the sample image of that version) as slot A. Damaged state is kept aside as update.json.damaged
  // and made anew from the current slot; kConflict where a newer agent has written it.
  static Result<std::unique_ptr<Engine>> open(EngineOptions options, EnginePorts ports);

  // Decides, as a boot loader does, what this start means. Once, before run().
  void boot();
  // Works until stop() or a restart is due.
  void run();
  // Performs one action without its delay; for tests. What it performed.
  Action::Kind step();
  // Ends run() as soon as the present action has ended; interrupts that.
  void stop();
  bool restart_due() const { return restart_due_; }

  // Whether a command changed what has to be saved: one that is repeated does not.
  enum class Effect : std::uint8_t { kNone, kChanged };
  Effect command(const Command& command);
  // The oldest durable report that is not acknowledged; where the disk takes nothing, the oldest
  // that says an update came to nothing.
  std::optional<QueuedReport> next_report() const;
  // Whether any report waits, durable or not.
  bool has_reports() const;
  void acknowledged(const std::string& job, std::uint64_t seq);
  void job_over(const std::string& job);
  void trusted_time(WallTime now);
  void version_floor(const model::Version& floor);
  WallTime clock_floor() const;
  // What runs, and of the rest only what is durable: what a power cut could undo is not told yet.
  DeviceFacts facts() const;
  // The image that runs now.
  std::filesystem::path running_image() const;
  // True while an update or a rollback is under way.
  bool busy() const;

 private:
  Engine(EngineOptions options, EnginePorts ports, SlotStore store, UpdateState state);
  static Result<UpdateState> load(const EngineOptions& options, const EnginePorts& ports,
                                  SlotStore& store);
  static Result<UpdateState> factory(const EngineOptions& options, SlotStore& store);
  DeviceFacts present_facts() const;  // with the mutex held
  bool persist();                     // with the mutex held
  void tell();                        // with the mutex held; what people and the server hear
  Outcome perform(const Action& action);
  Outcome switch_to(const Action& action);
  Outcome revert_to(Slot slot);
  void undo_install();
  std::chrono::milliseconds jittered(std::chrono::milliseconds delay);
  Slot confirmed_slot() const;
  Outcome check(const Action& action);
  Outcome fetch(const Action& action);  // kPatch, kDownload
  Outcome verify(const Action& action);
  Outcome install(const Action& action);
  Outcome probe();
  // With the mutex held, which it gives up while it undoes an install that came to nothing.
  void finish_action(std::unique_lock<std::mutex>& lock, const Action& action,
                     const Outcome& outcome);
  void changed_by_others(std::uint64_t ticket_before);

  EngineOptions options_;
  EnginePorts ports_;
  SlotStore store_;
  mutable std::mutex
      mutex_;  // guards what follows; held for a durable write, never for a port's call
  std::shared_ptr<WaitPoint> wake_;
  std::minstd_rand jitter_;  // the working thread's own
  UpdateMachine machine_;
  DeviceFacts durable_;  // as of the last save
  bool stopped_ = false;
  bool woken_ = false;
  bool unsaved_told_ = false;
  std::atomic<bool> restart_due_{false};
};

}  // namespace ota::agent
