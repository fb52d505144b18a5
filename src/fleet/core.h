// What all parts of the fleet work on: devices, settings, what is published, the way to the store.
//
// Decisions are made on one strand: whatever concerns jobs is a task there (post), cut into slices
// of at most 5 ms, and needs no lock. Telemetry stays beside it: a device's row is touched under
// its stripe's lock, by whichever thread has a sample.
//
// Locks, outer first: enrolments, then one stripe of the table, then the leaves (job table,
// settings, saver, log). Whoever holds one may take those after it and none before. The store is
// called under locks (it only queues); callers of Fleet are never called back under any.
#pragma once

#include <atomic>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "anomaly/peers.h"
#include "base/executor.h"
#include "fleet/catalogue.h"
#include "fleet/device_table.h"
#include "fleet/event_log.h"
#include "fleet/fleet.h"
#include "fleet/saver.h"
#include "gate/record.h"
#include "store/store.h"

namespace ota::fleet {

inline constexpr std::string_view kDevices = "devices";
inline constexpr std::string_view kJobs = "jobs";
inline constexpr std::string_view kEnrolments = "enrolments";
inline constexpr std::string_view kDdiDocuments = "ddi";

model::Event make_event(WallTime now, model::Severity severity, std::string kind,
                        std::string source, std::string message);

// The same, of what an operator did.
model::Event actor_event(WallTime now, model::Severity severity, std::string kind,
                         const std::string& source, const std::string& actor, std::string message);

// A part of the settings, which it keeps alive.
template <class Part>
std::shared_ptr<const Part> part_of(const std::shared_ptr<const model::Settings>& settings,
                                    const Part& part) {
  return {settings, &part};
}

struct Core {
  Core(store::Store& the_store, const Clock& the_clock, Executor& the_strand,
       std::shared_ptr<const model::Settings> the_settings);
  virtual ~Core() = default;

  // -- the strand --
  void post(Executor::Task task);
  // As Saver::commit, for a `done` that posts. Called on the store's thread.
  void commit(store::Batch batch, OnFailure on_failure, Saver::Saved done);
  // An operator's word: kept over a failure of the store, and on the screens before he is answered.
  void commit_shown(store::Batch batch, Done done);
  // Returns when all that was asked for has been decided, stored and answered. Not from a task.
  void drain();

  void take_settings(std::shared_ptr<const model::Settings> settings);
  // What samples ask of the settings, without their lock: threads that ingest share no lock but a
  // device's stripe.
  std::atomic<std::int64_t> stale_after_ms{0};
  std::atomic<std::uint32_t> samples_per_request{0};
  std::atomic<std::uint32_t> json_depth{0};
  std::atomic<std::int64_t> end_nears_ms{0};  // of a certificate, so long before it

  // -- settings, releases, hooks: leaves --
  std::shared_ptr<const model::Settings> settings() const;
  // The deadlines and attempts of jobs, by channel.
  std::shared_ptr<const model::OtaSettings> native_rules() const;
  std::shared_ptr<const model::OtaSettings> ddi_rules() const;
  std::shared_ptr<const Catalogue> catalogue() const;
  std::shared_ptr<const model::Stop> stop() const;  // null: updates are not stopped
  // Waits for the calls that run; those before are called no more when it returns.
  void set_hooks(Hooks hooks);
  void wake(const std::string& device) const;
  void cut_off(const std::string& device) const;

  // -- devices: stripe lock held --
  static void put_device(store::Batch& batch, const LiveDevice& device, WallTime now);
  // Makes the device where it is new.
  LiveDevice& device_at(DeviceTable::Stripe& stripe, const std::string& id);
  // The record, made where the device has none.
  static model::DeviceRecord& record_of(LiveDevice& device);
  // Adds an image that the device confirmed for a known reason.
  static void trust(model::DeviceRecord& record, const model::Image& image);
  // The other devices of its group, as of the last count.
  anomaly::Peers peers_of(const LiveDevice& device) const;
  // The verdict beside its peers, and what it is made of.
  model::Verdict verdict_of(const LiveDevice& device, WallTime now) const;
  gate::Grounds grounds_of(const LiveDevice& device, WallTime now) const;

  // A device whose update is under watch has another verdict. Stripe lock held.
  void note_turned(const std::string& device) const;
  std::vector<std::string> take_turned();

  // Shows what has changed: a new snapshot.
  virtual void publish() = 0;

  store::Store& store;
  const Clock& clock;
  Executor& strand;
  std::atomic<std::size_t> outstanding{0};  // tasks, and commits whose `done` posts

  mutable std::mutex settings_mutex;
  std::shared_ptr<const model::Settings> settings_now;
  std::shared_ptr<const model::OtaSettings> ddi_rules_now;  // made of them
  std::shared_ptr<const Catalogue> catalogue_now = std::make_shared<const Catalogue>();
  std::shared_ptr<const model::Stop> stop_now;
  std::shared_ptr<const Hooks> hooks_now;
  std::shared_future<void> hooks_ended;  // when none calls those any more
  mutable std::vector<std::string> turned;
  using Groups = std::map<std::string, anomaly::Peers>;  // every device of a group, itself too
  std::shared_ptr<const Groups> groups_now = std::make_shared<const Groups>();

  std::shared_ptr<const Hooks> hooks() const;

  EventLog log;
  Saver saver;
  DeviceTable table;
};

}  // namespace ota::fleet
