// What the files of Fleet share: its parts, and the helpers that need more than one of them. Locks
// and their order: core.h.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock_jump.h"
#include "fleet/core.h"
#include "fleet/ddi_machine.h"
#include "fleet/ddi_registry.h"
#include "fleet/enrolment_tokens.h"
#include "fleet/fleet.h"
#include "fleet/job_service.h"
#include "fleet/key_registry.h"
#include "fleet/publisher.h"

namespace ota::fleet {

// A rollback is heard of when the device has started anew, so it is repeated less often; a device
// that polls all the while and stays where it is will not go.
inline constexpr milliseconds kRepeatRollback{10'000};
inline constexpr int kMostRollbackOffers = 10;

// Whether a key of collection "fleet" is the stop's.
bool is_stop_document(std::string_view key);
// "1m30 ahead of this server's".
std::string clock_words(milliseconds ahead);
// When there is something to say of the end of its certificate; WallTime::max(): never. `nears`: so
// long before it.
WallTime certificate_word_due(const LiveDevice& device, milliseconds nears);

struct Fleet::Impl : Core {
  Impl(store::Store& the_store, const Clock& the_clock, Executor& the_strand,
       std::shared_ptr<const model::Settings> the_settings)
      : Core(the_store, the_clock, the_strand, std::move(the_settings)), jobs(*this) {}

  // -- devices: stripe lock held --
  // Takes over what the verdict is now; appends an event where its level changed.
  void follow_verdict(LiveDevice& device, WallTime now, store::Batch& batch) const;
  void follow_online(LiveDevice& device, WallTime now, store::Batch& batch) const;
  // It is to be counted anew where it is not what it was counted as.
  static void regroup(DeviceTable::Stripe& stripe, LiveDevice& device);
  // Hands a minute that is over to the next tick, and now and then saves when the device was seen.
  static void finish_minute(DeviceTable::Stripe& stripe, LiveDevice& device, WallTime now,
                            store::Batch& batch);
  // The same for readings that come and cannot be used, for the end of its certificate, and for one
  // identity in two places (fleet_identity.cpp).
  void follow_unusable(LiveDevice& device, WallTime now, store::Batch& batch) const;
  // What the verdict's words are to be for such a device.
  static void explain_unusable(const LiveDevice& device, model::Verdict& verdict);
  // One of its update clients has asked: true where the record says another one from now on.
  bool follow_reach(LiveDevice& device, Reach asks, WallTime now, store::Batch& batch) const;
  void follow_certificate(LiveDevice& device, WallTime now, store::Batch& batch) const;
  milliseconds end_nears() const {
    return milliseconds(end_nears_ms.load(std::memory_order_relaxed));
  }
  static void follow_identity(LiveDevice& device, IdentityWatch::Places places, WallTime now,
                              store::Batch& batch);
  // kDenied where the key is, or was, another device's; the event that says so is in `batch`.
  Result<void> claim_key(const std::string& fingerprint, const std::string& device,
                         const std::string& address, WallTime now, store::Batch& batch);

  void count_groups(WallTime now);
  void apply_whitelist(const std::shared_ptr<const model::Settings>& wanted);

  // -- what devices ask for (fleet_jobs.cpp): on the strand --
  // True where the device is to go back before it does anything else.
  bool take_rollback(const std::string& device, std::vector<Command>& commands, WallTime now,
                     store::Batch& batch);
  void take_job(const std::string& device, std::vector<Command>& commands, WallTime now,
                store::Batch& batch);
  void take_commands(const std::string& device, Answered<std::vector<Command>> done);
  void take_status(const std::string& device, DeviceStatus status, Done done);
  void take_poll(const std::string& device, const std::string& client, const std::string& problem,
                 Answered<DdiOffer> done);
  void take_attributes(const std::string& device, const DdiAttributes& attributes, Done done);
  void take_rollback_wish(const std::string& device, const std::string& actor, Done done);
  void take_revocation(const std::string& device, const std::string& actor, Done done);

  // -- the stop (fleet_stop.cpp): on the strand --
  struct StopRun {
    std::string actor;
    std::vector<std::string> jobs;  // to be looked at yet
    std::vector<std::string> wake;
    StopOutcome outcome;
    Answered<StopOutcome> done;
  };
  void take_stop(const std::string& reason, const std::string& actor,
                 const Answered<StopOutcome>& done);
  void stop_slice(const std::shared_ptr<StopRun>& run, store::Batch batch);
  void set_stop(std::shared_ptr<const model::Stop> stop);
  void put_stop(store::Batch& batch) const;
  // At a start, after the jobs.
  void hold_to_stop(store::Batch& batch);
  // Of a document of collection "fleet"; of another key nothing is done.
  Result<void> read_stop(std::string_view key, std::string_view document);

  Result<void> take_over(StoredState stored);
  Result<void> load_jobs(StoredState& stored, WallTime now, store::Batch& batch);

  // -- the clock's work, once a tick --
  void expire_jobs(WallTime now);  // on the strand
  void save_sent();
  void tick_store(WallTime now);
  // The wall clock jumped: stamps that spans are measured by move along.
  void follow_jump(milliseconds jump, WallTime now);
  void tick_devices(WallTime now);
  // What of this device time alone will change, and when; WallTime::max(): nothing.
  WallTime next_due(const LiveDevice& device, WallTime now) const;
  void escalate(LiveDevice& device, WallTime now, store::Batch& batch) const;
  void tick_rollbacks();  // on the strand
  void tick_enrolments(WallTime now);
  void save_again(WallTime now);
  void save_jobs_again(const std::shared_ptr<std::vector<std::string>>& ids);  // on the strand
  void save_minutes(std::span<const FinishedMinute> finished, WallTime now);
  void expire_minutes(WallTime now);

  // Somebody showed a token that opens nothing.
  void refuse_token(const std::string& address, const Error& why, WallTime now);

  // -- publication --
  // Something changed that the gate's answer hangs on for every device. Takes the stripes' locks.
  void judge_anew();
  void publish() override;

  std::vector<ConfigProblem> config_problems;  // under settings_mutex
  bool rest_changed = true;  // settings, releases or problems since the last publication

  DdiRegistry ddi;

  std::mutex enrolments_mutex;
  EnrolmentTokens enrolments;

  // The strand's.
  JobService jobs;
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
  WallTime expired_jobs_at{};          // the strand's
  std::uint64_t minutes_written = 0;   // of the last writing (minutes.h)
  std::vector<std::string> to_expire;  // devices whose old minutes this round has yet to take out

  // Under publish_mutex: what the last publication showed.
  std::mutex publish_mutex;
  Publisher publisher;
  std::uint64_t published_event = 0;
  bool published_writable = true;
  JobCounts published_counts;
  std::vector<JobTable::JobPtr> shown_jobs;
};

}  // namespace ota::fleet
