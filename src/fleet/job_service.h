// The rules of a job's calls, in one place for every channel over which a device is updated: the
// state's health, the gate, the record for `explain`, the commit.
//
// The protocols' files (fleet_jobs, fleet_ddi) only translate: what a device asked or said becomes
// a Step, what the service answers becomes a command or a link. What a step means for the job is
// pure (job_machine, ddi_machine).
//
//   push -> decide -> [commit] -> offer -> [commit] -> reported ... -> ended
//
// A job belongs to one channel from its start; a report over the other one is refused, since the
// rules by which a success counts are the channel's.
//
// Thread: the fleet's strand, and `table` as it says itself. Work over many devices is done in
// slices (kDrySlice, kSlice): what others post comes in between.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "fleet/core.h"
#include "fleet/job_archive.h"
#include "fleet/job_machine.h"
#include "fleet/job_table.h"
#include "gate/gate.h"

namespace ota::fleet {

// kNative: the agent's own protocol, commands and reports. kDdi: hawkBit's.
enum class Channel : std::uint8_t { kNative, kDdi };

inline Channel channel_of(const model::Job& job) {
  return job.ddi ? Channel::kDdi : Channel::kNative;
}

// A command that the device has not answered is handed out again after this long.
inline constexpr milliseconds kRepeatCommand{2000};

class JobService {
 public:
  explicit JobService(Core& core) : core_(core) {}

  // What a device said, as a rule: the job as it is gives the job as it becomes. An error changes
  // nothing and is the caller's answer.
  using Step = std::function<Result<JobChange>(const model::Job& job,
                                               const model::OtaSettings& rules, WallTime now)>;

  // -- operators --
  void push(const PushRequest& request, Answered<std::vector<PushOutcome>> done);
  // kNotFound, kConflict (job_machine.h).
  void cancel(const std::string& job_id, const std::string& actor, Done done);
  // The same as a part of more that is written at once: whether it is asked to stop. One that is not
  // written yet is cancelled after that.
  bool cancel_within(const std::string& job_id, const std::string& actor, store::Batch& batch);
  // Ends a DDI job on the server alone. kNotFound; kConflict: not DDI's, or ended.
  void force_quit(const std::string& job_id, const std::string& actor, Done done);

  // -- devices --
  // The job that the device may be told of over this channel; null: none. One that waits is sent
  // first, where the state can be saved and the gate allows it again: where it does not, a native
  // job ends, and a DDI job is kept back until it does. `problem`: why its image cannot be served,
  // empty where it can. Nobody is told before `batch` is stored.
  JobTable::Entry* offer(const std::string& device, Channel channel, const std::string& problem,
                         WallTime now, store::Batch& batch);
  // Takes the device's word on a job of its own; answered after the commit. kNotFound: no such job
  // of the device; kConflict "other-channel": it is updated over the other one.
  void reported(const std::string& device, const std::string& job_id, Channel channel,
                const Step& step, Done done);
  // Takes what the device was sent since the last call into its record, its running job and the
  // totals; written soon.
  void save_sent(const std::string& device);
  // Whether one of the device's last jobs, however it ended, has offered it this image.
  bool was_sent(const std::string& device, const model::Image& image) const;
  // The step of a native device's report.
  Result<JobChange> native_step(const model::Job& job, const model::JobReport& report,
                                const model::OtaSettings& rules, WallTime now) const;
  // The device's own ledger (its status) has changed: what waits for that goes on. Stored with
  // `batch`. No stripe's lock held.
  void ledger_changed(const std::string& device, WallTime now, store::Batch& batch);
  // The same for a success that is under watch: a device that runs another image now has left it.
  void end_left_watch(const std::string& device, WallTime now, store::Batch& batch);

  // -- the clock's --
  // The wall clock jumped, which was noticed at `now`: what waits, waits as long as before. Not
  // stored: a restart gives each job its whole time again.
  void follow_jump(milliseconds jump, WallTime now);
  // Deadlines, the ends of watch periods, commands that were lost: what is due, in slices.
  void tick(WallTime now);

  // -- shared with the fleet's other parts --
  // Takes over what came of a change, and puts what is to be stored into `batch`: the job, the
  // device's part of it, the events. True where the device has to be woken after the commit.
  bool carry_out(const JobChange& change, store::Batch& batch);
  // The same for the device's running job, where it has one. A job that is not written yet is changed
  // after that, in a batch of its own: where its first write fails there is nothing to change.
  void change_running(const std::string& device, const Step& step, WallTime now,
                      store::Batch& batch);
  // Takes a stored job over, as it is.
  void load(const model::Job& job, WallTime now);
  void show(const model::Job& job);
  // To the collection that it belongs to now.
  static void put(store::Batch& batch, const model::Job& job);
  // The deadlines and attempts that hold for the job.
  std::shared_ptr<const model::OtaSettings> rules_of(const model::Job& job) const;
  // `grounds`, where it is asked for: what the verdict in the input is made of.
  gate::Input gate_input(const std::string& device, const model::Release* release,
                         const model::Version& version, WallTime now,
                         gate::Grounds* grounds = nullptr) const;

  JobTable table;
  JobArchive archive;

 private:
  // Whether that is news.
  Result<bool> ask_to_stop(JobTable::Entry* entry, const std::string& job_id,
                           const std::string& actor, store::Batch& batch);
  struct PushRun;
  // What was said of a job before it was written, in the order in which it was said: called on the
  // strand when that is known, also for a job that came to nothing.
  std::unordered_map<std::string, std::vector<Done>> waiting_;
  bool put_off(const JobTable::Entry* entry, Done until_written);  // true: the entry is not
  void written(const std::string& job_id, const Result<void>& saved);
  void push_slice(const std::shared_ptr<PushRun>& run);
  void push_on(const std::shared_ptr<PushRun>& run);
  void finish_slice(PushRun& run, std::size_t begin, std::size_t end, const Result<void>& saved);
  std::optional<model::FetchPlan> plan_of(const std::string& device, const model::Release* release,
                                          WallTime now) const;
  PushOutcome decide(const std::string& device, const PushRequest& request, WallTime now,
                     store::Batch& batch);
  void tick_slice(WallTime now);
  void look_at(JobTable::Entry& entry, WallTime now, store::Batch& batch,
               std::vector<std::string>& woken);
  void look_at_watch(JobTable::Entry& entry, WallTime now, store::Batch& batch);
  WallTime next_due(const JobTable::Entry& entry, WallTime now) const;
  Proof proof_of(const model::Job& job) const;

  Core& core_;
  WallTime ticked_at_{};
  bool ticking_ = false;  // a slice of the last tick is still to come
};

}  // namespace ota::fleet
