// What the files of Fleet share: its state, the order of its locks and the helpers that need both.
//
// Locks, outer first: jobs_mutex, then one stripe of the table, then the leaves (settings, saver,
// log, hooks). Whoever holds one may take those after it and none before. The store is called under
// locks (it only queues); callers of Fleet are never called back under any.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock_jump.h"
#include "fleet/catalogue.h"
#include "fleet/ddi_desk.h"
#include "fleet/ddi_machine.h"
#include "fleet/device_table.h"
#include "fleet/enrolment_book.h"
#include "fleet/event_log.h"
#include "fleet/fleet.h"
#include "fleet/job_book.h"
#include "fleet/job_machine.h"
#include "fleet/key_registry.h"
#include "fleet/publisher.h"
#include "fleet/saver.h"
#include "gate/gate.h"
#include "gate/record.h"
#include "store/store.h"

namespace ota::fleet {

inline constexpr std::string_view kDevices = "devices";
inline constexpr std::string_view kJobs = "jobs";
inline constexpr std::string_view kEnrolments = "enrolments";
inline constexpr std::string_view kDdi = "ddi";

// A command that the device has not answered is handed out again after this long.
inline constexpr milliseconds kRepeatCommand{2000};
// A rollback is heard of when the device has started anew, so it is repeated less often; a device
// that polls all the while and stays where it is will not go.
inline constexpr milliseconds kRepeatRollback{10'000};
inline constexpr int kMostRollbackOffers = 10;

model::Event make_event(WallTime now, model::Severity severity, std::string kind,
                        std::string source, std::string message);

// "1m30 ahead of this server's".
std::string clock_words(milliseconds ahead);
// When there is something to say of the end of its certificate; WallTime::max(): never. `nears`: so
// long before it.
WallTime certificate_word_due(const LiveDevice& device, milliseconds nears);

struct Fleet::Impl {
  Impl(store::Store& the_store, const Clock& the_clock,
       std::shared_ptr<const model::Settings> the_settings);

  // What samples ask of the settings, without their lock: threads that ingest share no lock but a
  // device's stripe.
  void note_settings(const model::Settings& now);
  std::atomic<std::int64_t> stale_after_ms{0};
  std::atomic<std::uint32_t> samples_per_request{0};
  std::atomic<std::uint32_t> json_depth{0};
  std::atomic<std::int64_t> end_nears_ms{0};  // of a certificate, so long before it

  // -- settings, releases, hooks: leaves --
  std::shared_ptr<const model::Settings> settings() const;
  std::shared_ptr<const Catalogue> catalogue() const;
  Hooks hooks() const;
  void wake(const std::string& device) const;
  void cut_off(const std::string& device) const;

  // -- documents: call with the lock that guards them --
  static void put_device(store::Batch& batch, const LiveDevice& device, WallTime now);
  static void put_job(store::Batch& batch, const model::Job& job);

  // -- devices --
  // Makes the device where it is new. Stripe lock held by the caller.
  LiveDevice& device_at(DeviceTable::Stripe& stripe, const std::string& id);
  // The record, made where the device has none. Stripe lock held.
  static model::DeviceRecord& record_of(LiveDevice& device);
  // Adds an image that the device confirmed for a known reason.
  static void trust(model::DeviceRecord& record, const model::Image& image);
  // Takes over what the verdict is now; appends an event where its level changed. Stripe lock held.
  void follow_verdict(LiveDevice& device, WallTime now, store::Batch& batch) const;
  // The other devices of its group, as of the last count. Stripe lock held.
  anomaly::Peers peers_of(const LiveDevice& device) const;
  // The verdict beside its peers, and what it is made of. Stripe lock held.
  model::Verdict verdict_of(const LiveDevice& device, WallTime now) const;
  gate::Grounds grounds_of(const LiveDevice& device, WallTime now) const;
  void count_groups(WallTime now);
  // It is to be counted anew where it is not what it was counted as. Stripe lock held.
  static void regroup(DeviceTable::Stripe& stripe, LiveDevice& device);
  // Hands a minute that is over to the next tick, and now and then saves when the device was seen.
  // Stripe lock held.
  static void finish_minute(DeviceTable::Stripe& stripe, LiveDevice& device, WallTime now,
                            store::Batch& batch);
  void follow_online(LiveDevice& device, WallTime now, store::Batch& batch) const;
  // The same for readings that come and cannot be used, for the end of its certificate, and for one
  // identity in two places (fleet_identity.cpp). Stripe lock held.
  void follow_unusable(LiveDevice& device, WallTime now, store::Batch& batch) const;
  // What the verdict's words are to be for such a device.
  static void explain_unusable(const LiveDevice& device, model::Verdict& verdict);
  void follow_certificate(LiveDevice& device, WallTime now, store::Batch& batch) const;
  milliseconds end_nears() const {
    return milliseconds(end_nears_ms.load(std::memory_order_relaxed));
  }
  static void follow_identity(LiveDevice& device, IdentityWatch::Places places, WallTime now,
                              store::Batch& batch);
  // kDenied where the key is, or was, another device's; the event that says so is in `batch`.
  Result<void> claim_key(const std::string& fingerprint, const std::string& device,
                         const std::string& address, WallTime now, store::Batch& batch);
  void apply_whitelist(const std::shared_ptr<const model::Settings>& wanted);

  // -- jobs: jobs_mutex held --
  // `grounds`, where it is asked for: what the verdict in the input is made of.
  gate::Input gate_input(const std::string& device, const model::Release* release,
                         const model::Version& version, WallTime now,
                         gate::Grounds* grounds = nullptr);
  // Stores what came of a change: the job, the device's part of it, the events. True where the
  // device has to be woken after the commit.
  bool carry_out(const JobChange& change, store::Batch& batch);
  void show_job(const model::Job& job);
  // The deadlines and attempts that hold for the job.
  model::OtaSettings rules_of(const model::Job& job) const;
  PushOutcome decide(const std::string& device, const PushRequest& request,
                     const store::Health& health, WallTime now, store::Batch& batch);
  // True where the device is to go back before it does anything else.
  bool take_rollback(const std::string& device, std::vector<Command>& commands, WallTime now,
                     store::Batch& batch);
  void take_job(const std::string& device, std::vector<Command>& commands, WallTime now,
                store::Batch& batch);
  // The running job of a DDI device as its poll finds it: offered, or kept back with the reason.
  void offer_ddi(const std::string& device, const std::string& problem, WallTime now,
                 store::Batch& batch);
  // The device's job of this action, where it may know of it.
  JobBook::Entry* ddi_entry(const std::string& device, std::uint64_t action);
  // Somebody showed a token that opens nothing. jobs_mutex held.
  void refuse_token(const std::string& address, const Error& why, WallTime now);
  // Carries a change out and answers after its commit; what did not change is written again.
  void finish_ddi(const JobChange& change, Done done);
  // These take jobs_mutex themselves.
  struct PushRun;
  void push_part(const std::shared_ptr<PushRun>& run);
  void push_on(const std::shared_ptr<PushRun>& run);
  void finish_part(PushRun& run, const Result<void>& saved);

  // -- the clock's work, once a tick --
  void tick_store(WallTime now);
  // The wall clock jumped: stamps that spans are measured by move along.
  void follow_jump(milliseconds jump, WallTime now);
  void tick_devices(WallTime now);
  // What of this device time alone will change, and when; WallTime::max(): nothing.
  WallTime next_look(const LiveDevice& device, WallTime now) const;
  void escalate(LiveDevice& device, WallTime now, store::Batch& batch) const;
  void tick_jobs(WallTime now);
  void tick_enrolments(WallTime now);
  void save_again(WallTime now);
  void save_minutes(std::span<const FinishedMinute> finished, WallTime now);
  void expire_minutes(WallTime now);

  // -- publication --
  void publish();

  store::Store& store;
  const Clock& clock;

  mutable std::mutex settings_mutex;
  std::shared_ptr<const model::Settings> settings_now;
  std::shared_ptr<const Catalogue> catalogue_now = std::make_shared<const Catalogue>();
  std::vector<ConfigProblem> config_problems;
  Hooks hooks_now;
  using Groups = std::map<std::string, anomaly::Peers>;  // every device of a group, itself too
  std::shared_ptr<const Groups> groups_now = std::make_shared<const Groups>();
  bool rest_changed = true;  // settings, releases or problems since the last publication

  EventLog log;
  Saver saver;
  DeviceTable table;

  DdiDesk ddi;

  std::mutex jobs_mutex;
  JobBook jobs;
  EnrolmentBook enrolments;
  struct RollbackOffers {
    MonoTime last{};
    int count = 0;
  };
  KeyRegistry keys;                                 // whose each enrolled key is, or was
  std::map<std::string, RollbackOffers> rollbacks;  // handed out and not followed yet, by device

  // The ticking thread's own.
  bool told_writable = true;
  WallTime ticked_at{};
  ClockJump clock_jump{clock};
  std::atomic<WallTime> jumped_at{
      WallTime{}};  // when the wall clock last jumped, by what it is now
  WallTime groups_counted_at{};
  WallTime expired_minutes_at{};
  std::uint64_t minutes_written = 0;   // of the last writing (minutes.h)
  std::vector<std::string> to_expire;  // devices whose old minutes this round has yet to take out

  // Under publish_mutex: what the last publication showed.
  std::mutex publish_mutex;
  Publisher publisher;
  std::uint64_t published_event = 0;
  bool published_writable = true;
};

}  // namespace ota::fleet
