#include "sim/rollout_run.h"

#include <algorithm>
#include <span>
#include <stdexcept>
#include <utility>

namespace ota::sim {
namespace {

const WallTime kRolloutStart{std::chrono::sys_days{std::chrono::year(2026) / 3 / 4}};
constexpr std::array<double, kWorldMetrics> kLimits{90, 90, 95, 80};
constexpr int kCriticalAfter = 5;
constexpr std::array<double, 4> kUpToPercent{0, 5, 25, 100};

WallTime time_of(int minute) {
  return kRolloutStart + std::chrono::minutes(minute);
}

void must(const Result<void>& done) {
  if (!done) throw std::runtime_error(done.error().text());
}

// To the world's end, or until all have halted.
void live(RolloutWorld& world, std::span<RolloutRun> runs) {
  for (int now = kFirstMinute; now < kLastMinute; ++now) {
    bool all = true;
    for (RolloutRun& run : runs) {
      run.act(world, now);
      all = all && run.halted();
    }
    if (all) return;
    world.step();
    for (RolloutRun& run : runs)
      run.take_minute(world, now);
  }
}

}  // namespace

RolloutRun::RolloutRun(const RolloutWorld& world, std::uint64_t seed, HaltRule rule,
                       const RolloutRunOptions& options)
    : rule_(rule),
      options_(options),
      random_(seed * 7919 + 17),
      dip_keeps_(world.dip().keeps_a_minute()),
      members_(world.devices().size()) {
  std::vector<rollout::Candidate> candidates;
  for (const LivingDevice& device : world.devices()) {
    candidates.push_back({device.id, std::string(1, static_cast<char>('a' + device.model)), "1.0.0",
                          "site-" + std::to_string(device.site), rollout::WayBack::kYes});
  }
  for (Member& member : members_) {  // drawn for all, so that each rule meets the same installs
    member.install_minutes = static_cast<int>(random_.between(4, 11));
    member.will_fail = random_.chance(options.fault.failing);
    member.loops = random_.chance(options.fault.looping);
    const double forging = random_.uniform();
    member.forges =
        forging < std::max(options.fault.forging_canaries, options.fault.forging_controls);
  }
  make_phases(world,
              rollout::draw_order("ro-" + std::to_string(seed), candidates, options.canaries));
  if (rule == HaltRule::kJudge) make_judge(world);
}

void RolloutRun::make_phases(const RolloutWorld& world, const rollout::Drawn& drawn) {
  const auto all = static_cast<double>(world.devices().size());
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < kUpToPercent.size(); ++i) {
    Phase phase;
    phase.watch = options_.watch_minutes[i];
    const auto up_to =
        i == 0 ? drawn.canaries
               : std::max(next, static_cast<std::size_t>(std::ceil(all * kUpToPercent[i] / 100)));
    for (; next < up_to; ++next) {
      members_[drawn.order[next]].phase = static_cast<std::uint32_t>(phases_.size());
      phase.members.push_back(drawn.order[next]);
    }
    if (!phase.members.empty()) phases_.push_back(std::move(phase));
  }
}

void RolloutRun::tell(int now, Result<void> (rollout::Judge::*judge)(std::size_t),
                      void (rollout::RecordingWriter::*write)(WallTime, std::size_t),
                      std::size_t device) {
  if (writer_) (*writer_.*write)(time_of(now), device);
  if (judge_) must((*judge_.*judge)(device));
}

void RolloutRun::make_judge(const RolloutWorld& world) {
  rollout::Cohort cohort;
  cohort.start = kRolloutStart;
  cohort.phases = static_cast<std::uint32_t>(phases_.size());
  cohort.models = {"a", "b", "c", "d"};
  for (std::uint32_t site = 0; site < RolloutWorld::kSites; ++site)
    cohort.groups.push_back("site-" + std::to_string(site));
  for (std::size_t m = 0; m < kWorldMetrics; ++m)
    cohort.columns.push_back({m, kLimits[m]});
  for (const LivingDevice& device : world.devices())
    cohort.devices.push_back({device.id, device.model, device.site + 1});
  if (options_.record) {
    rollout::RecordingHead head;
    for (std::size_t i = 0; i < phases_.size(); ++i)
      head.phases.push_back(i == 0 ? "canary" : std::to_string(i + 1));
    head.metrics = {"cpu", "mem", "disk", "temp"};
    head.settings = options_.settings;
    head.cohort = cohort;
    writer_ = std::make_unique<rollout::RecordingWriter>(std::move(head), options_.record);
  }
  judge_ = std::make_unique<rollout::Judge>(
      options_.settings, std::move(cohort), [this](const rollout::Report& report) {
        const auto minute = [](WallTime at) {
          return static_cast<int>(
              std::chrono::duration_cast<std::chrono::minutes>(at - kRolloutStart).count());
        };
        if (const auto* failures = std::get_if<rollout::FailureReport>(&report)) {
          return halt(minute(failures->at), "failures");
        }
        const auto& look = std::get<rollout::LookReport>(report);
        ++result_.looks;
        const bool held = look.found.decision == rollout::Decision::kHold &&
                          look.found.hold != rollout::HoldReason::kNoControls;
        result_.held += held ? 1 : 0;
        waits_for_look_ = held;
        if (look.found.decision == rollout::Decision::kHalt) {
          halt(minute(look.at), look.found.evidence[*look.found.reason].test);
        }
      });
}

void RolloutRun::halt(int now, std::string by) {
  if (result_.halted) return;
  result_.halted = now;
  result_.by = std::move(by);
  result_.delay_h = static_cast<double>(now - first_confirmed_.value_or(now)) / 60;
}

RolloutResult RolloutRun::result() const {
  RolloutResult result = result_;
  result.exposed = static_cast<double>(exposed_) / static_cast<double>(members_.size());
  return result;
}

void RolloutRun::act(const RolloutWorld& world, int now) {
  if (halted()) return;
  if (judge_) judge_->advance(time_of(now));
  // A recording holds a look with the first row of its time.
  if (halted() && writer_) writer_->end_minute(time_of(now));
  if (halted() || now < 0) return;
  end_installs(world, now);
  if (halted()) return;
  open_phases(now);
  offer(world, now);
}

void RolloutRun::end_installs(const RolloutWorld& world, int now) {
  for (std::size_t i = 0; i < members_.size() && !halted(); ++i) {
    Member& member = members_[i];
    if (member.state != State::kUpdating || member.until > now) continue;
    if (!world.devices()[i].heard && !member.will_fail) continue;  // it tells when it can
    Phase& phase = phases_[member.phase];
    if (member.will_fail) {
      member.state = State::kFailed;
      ++phase.failed;
      tell(now, &rollout::Judge::failed, &rollout::RecordingWriter::failed, i);
      // hawkBit: the failed of a group over all of the group.
      if (rule_ == HaltRule::kHawkbit && phase.failed * 100 > phase.members.size() * 10) {
        halt(now, "failed installs");
      }
      continue;
    }
    member.state = State::kConfirmed;
    member.confirmed = now;
    member.dip = world.dip().points;
    member.was_critical = member.over >= kCriticalAfter;
    member.next_crash = now + 8;
    ++phase.confirmed;
    if (!first_confirmed_) first_confirmed_ = now;
    tell(now, &rollout::Judge::confirmed, &rollout::RecordingWriter::confirmed, i);
  }
}

void RolloutRun::open_phases(int now) {
  if (open_ == 0) open_ = 1;
  Phase& phase = phases_[open_ - 1];
  const std::uint64_t ended = phase.confirmed + phase.failed;
  if (!phase.ready && phase.offered > 0 && now - phase.last_offer >= 10 && phase.confirmed > 0 &&
      ended * 100 >= phase.offered * 80) {
    phase.ready = now;
  }
  if (open_ == phases_.size() || !phase.ready || waits_for_look_) return;
  if (now - *phase.ready > phase.watch) ++open_;  // and the look of that age was held
}

void RolloutRun::offer(const RolloutWorld& world, int now) {
  constexpr double kHigh = 2;  // sigmas above its course: the gate says not now
  for (std::uint32_t p = 0; p < open_; ++p) {
    Phase& phase = phases_[p];
    if (phase.offered == phase.members.size()) continue;
    for (const std::size_t i : phase.members) {
      Member& member = members_[i];
      const LivingDevice& device = world.devices()[i];
      if (member.state != State::kWaiting || !device.heard) continue;
      const bool high =
          device.above[0] > kHigh || device.above[1] > kHigh || device.above[3] > kHigh;
      if (high || member.over >= kCriticalAfter) continue;
      member.state = State::kUpdating;
      member.until = now + member.install_minutes;
      ++phase.offered;
      phase.last_offer = now;
      ++exposed_;
      if (judge_) must(judge_->offered(i, p));
      if (writer_) writer_->offered(time_of(now), i, p);
    }
  }
}

bool RolloutRun::hit(const RolloutWorld& world, std::size_t device) const {
  return !options_.fault.model || *options_.fault.model == world.devices()[device].model;
}

std::array<double, kWorldMetrics> RolloutRun::values_of(const RolloutWorld& world, std::size_t i,
                                                        int now) {
  const LivingDevice& device = world.devices()[i];
  Member& member = members_[i];
  const RolloutFault& fault = options_.fault;
  std::array<double, kWorldMetrics> values = device.value;
  member.dip *= dip_keeps_;
  values[1] -= device.dip + member.dip;
  const bool updated = member.state == State::kConfirmed;
  const double after = updated ? now - member.confirmed - fault.from : -1;
  if (after >= 0 && hit(world, i)) {
    for (std::size_t m = 0; m < kWorldMetrics; ++m)
      values[m] += fault.shift[m] * kWorldSigma[m] * device.factor[m];
    values[1] += fault.leak * after / 60 * kWorldSigma[1] * device.factor[1];
  }
  constexpr double kForged = 8;  // sigmas
  const bool control_forges =
      member.state == State::kWaiting && now >= 0 && fault.forging_controls > 0;
  const bool updated_forges = updated && fault.forging_canaries > 0;
  if (member.forges && (control_forges || updated_forges)) {
    values[0] += kForged * kWorldSigma[0] * device.factor[0];
  }
  for (std::size_t m = 0; m < kWorldMetrics; ++m)
    values[m] = std::clamp(values[m], m == 3 ? -40.0 : 0.0, m == 3 ? 140.0 : 100.0);
  return values;
}

void RolloutRun::watch_limits(std::size_t i, const std::array<double, kWorldMetrics>& values,
                              bool heard) {
  Member& member = members_[i];
  bool at_limit = false;
  for (std::size_t m = 0; m < kWorldMetrics; ++m)
    at_limit = at_limit || values[m] >= kLimits[m];
  member.over = heard && at_limit ? member.over + 1 : 0;
  if (member.over == 0) member.was_critical = false;
  if (member.state != State::kConfirmed || member.turned_critical || member.was_critical) return;
  if (member.over < kCriticalAfter) return;
  member.turned_critical = true;
  ++phases_[member.phase].critical;
}

void RolloutRun::take_minute(const RolloutWorld& world, int now) {
  // hawkBit's rule asks for no telemetry, and a count of critical devices for none of long ago.
  constexpr int kEarlier = -60;
  if (halted() || rule_ == HaltRule::kHawkbit || (rule_ == HaltRule::kCount && now < kEarlier))
    return;
  const RolloutFault& fault = options_.fault;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const LivingDevice& device = world.devices()[i];
    Member& member = members_[i];
    bool heard = device.heard;
    bool booted = device.booted;
    if (member.state == State::kUpdating) {
      booted = false;                              // the update's own
      if (now >= member.until - 2) heard = false;  // it restarts into the image
    }
    const bool updated = member.state == State::kConfirmed;
    if (updated && fault.silent && hit(world, i) && now - member.confirmed >= 20) heard = false;
    if (updated && member.loops && hit(world, i) && now >= member.next_crash) {
      booted = true;
      heard = false;
      member.next_crash = now + static_cast<int>(random_.between(4, 13));
    }
    const std::array<double, kWorldMetrics> values = values_of(world, i, now);
    watch_limits(i, values, heard);
    if (!judge_) continue;
    if (booted) judge_->booted(i);
    if (booted && writer_) writer_->booted(time_of(now), i);
    if (heard) must(judge_->minute(i, values));
    if (heard && writer_) writer_->add_minute(i, values);
  }
  if (writer_) writer_->end_minute(time_of(now));
  if (rule_ != HaltRule::kCount) return;
  for (std::size_t p = 0; p < open_; ++p) {
    // A fifth of a phase.
    if (phases_[p].critical * 5 >= phases_[p].members.size()) halt(now, "critical devices");
  }
}

RolloutResult run_rollout(const RolloutWorldOptions& world_options, HaltRule rule,
                          const RolloutRunOptions& options) {
  RolloutWorld world(world_options);
  RolloutRun run(world, world_options.seed, rule, options);
  live(world, {&run, 1});
  return run.result();
}

std::array<RolloutResult, 3> run_rollouts(const RolloutWorldOptions& world_options,
                                          const RolloutRunOptions& options) {
  RolloutWorld world(world_options);
  std::array<RolloutRun, 3> runs{RolloutRun(world, world_options.seed, HaltRule::kJudge, options),
                                 RolloutRun(world, world_options.seed, HaltRule::kHawkbit, options),
                                 RolloutRun(world, world_options.seed, HaltRule::kCount, options)};
  live(world, runs);
  return {runs[0].result(), runs[1].result(), runs[2].result()};
}

}  // namespace ota::sim
