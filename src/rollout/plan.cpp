#include "rollout/plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/clock.h"
#include "base/text.h"
#include "rollout/combine.h"
#include "rollout/outcomes.h"
#include "rollout/ranks.h"
#include "rollout/shares.h"

namespace ota::rollout {
namespace {

constexpr double kAll = 100;  // percent

Result<void> check_phases(const PlanSettings& settings) {
  if (settings.phases.empty() || settings.phases.size() > kMostPhaseRules) {
    return fail(Errc::kInvalid,
                "phases: 1 to " + std::to_string(kMostPhaseRules) + " are taken after the canary");
  }
  const auto fits = [](seconds watch) { return watch >= kShortestWatch && watch <= kLongestWatch; };
  if (!fits(settings.canary_watch)) {
    return fail(Errc::kInvalid, "the canary's watch: 15 minutes to 30 days are taken");
  }
  double before = 0;
  for (const PhaseRule& phase : settings.phases) {
    if (!(phase.percent > before) || phase.percent > kAll) {
      return fail(Errc::kInvalid, "phases: " + format_number(phase.percent, 2) + " % after " +
                                      format_number(before, 2) +
                                      " %: each is the part that has it by then, and more than "
                                      "the one before");
    }
    if (!fits(phase.watch)) {
      return fail(Errc::kInvalid, "phases: the watch after " + format_number(phase.percent, 2) +
                                      " %: 15 minutes to 30 days are taken");
    }
    before = phase.percent;
  }
  if (before != kAll) {
    return fail(Errc::kInvalid,
                "phases: they end at " + format_number(before, 2) + " %, and not at 100 %");
  }
  return {};
}

// Whether the best that the counts of a phase can show would halt at any of its looks.
CanJudge can_judge(const JudgeSettings& settings, std::uint32_t phase,
                   const std::map<std::string, PlannedModel>& models) {
  if (settings.metrics.empty()) return CanJudge::kOutcomes;
  std::vector<ModelChance> best;
  std::uint64_t own = 0;
  for (const auto& [name, model] : models) {
    const std::uint64_t controls = std::min<std::uint64_t>(model.controls, settings.max_controls);
    if (model.updated == 0 || controls < settings.min_controls) continue;
    best.push_back({model.updated, ranksum_sf(model.updated, controls, model.updated * controls)});
    own += model.updated >= kOwnShareFrom ? 1 : 0;
  }
  const MetricShares shares = metric_shares(settings, phase, best.size(), own);
  const auto halts = [&](double p, double share) {
    return adjusted(p, share, settings) <= settings.alpha;
  };
  if (!best.empty() && halts(stouffer(best), shares.pooled)) return CanJudge::kBehaviour;
  for (const ModelChance& model : best) {
    if (model.updated >= kOwnShareFrom && halts(model.p, shares.each_model)) {
      return CanJudge::kBehaviour;
    }
  }
  return CanJudge::kOutcomes;
}

std::vector<FailureBorder> failure_borders(const JudgeSettings& settings) {
  constexpr std::uint64_t kShown = 3;
  const double least = evidence_that_halts(settings);
  const auto evidence = [&](std::uint64_t failed, std::uint64_t ended) {
    return failure_evidence(failed, ended, settings.acceptable_failure_rate);
  };
  std::vector<FailureBorder> borders;
  for (std::uint64_t failed = 1; borders.size() < kShown; ++failed) {
    if (evidence(failed, failed) < least) continue;
    std::uint64_t ended = failed;
    while (evidence(failed, ended + 1) >= least)
      ++ended;
    borders.push_back({failed, ended});
  }
  return borders;
}

std::uint64_t part_of(std::uint64_t count, double percent) {
  return static_cast<std::uint64_t>(static_cast<double>(count) * percent / kAll);
}

class Planner {
 public:
  Planner(const std::vector<PlanDevice>& devices, const PlanSettings& settings)
      : devices_(devices), settings_(settings) {}

  Result<Plan> make(std::string_view rollout) {
    if (auto fits = check_phases(settings_); !fits) return fits.error();
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < devices_.size(); ++i) {
      const PlanDevice& one = devices_[i];
      if (!one.left_out.empty()) {
        ++plan_.left_out[one.left_out];
        continue;
      }
      candidates.push_back(one.device);
      members_.push_back(i);
      count(one);
    }
    if (members_.empty()) {
      return fail(Errc::kInvalid,
                  devices_.empty() ? "a plan over nobody" : "a plan over nobody: all are left out");
    }
    plan_.devices = members_.size();
    const Drawn drawn = draw_order(rollout, candidates, settings_.canary);
    cut(drawn);
    bound(drawn.canaries);
    plan_.failures_that_halt = failure_borders(settings_.judge);
    return std::move(plan_);
  }

 private:
  void count(const PlanDevice& one) {
    plan_.bytes += one.bytes;
    if (one.device.way_back == WayBack::kNone) ++plan_.no_way_back;
    if (!one.waits.empty()) ++plan_.waiting[one.waits];
    ++left_[one.device.model];
    if (!one.device.group.empty()) ++groups_[one.device.group];
  }

  // The order into phases. One that would have nobody, as in small fleets, is none.
  void cut(const Drawn& drawn) {
    std::size_t next = 0;
    const auto add = [&](std::size_t up_to, seconds watch, PauseAfter pause) {
      if (up_to <= next) return;
      PlannedPhase phase;
      for (; next < up_to; ++next)
        phase.members.push_back(members_[drawn.order[next]]);
      phase.watch = watch;
      phase.pause_after = pause;
      phase.exposed_percent =
          kAll * static_cast<double>(next) / static_cast<double>(members_.size());
      plan_.phases.push_back(std::move(phase));
    };
    add(drawn.canaries, settings_.canary_watch, PauseAfter::kNo);
    const std::size_t canaries = plan_.phases.size();
    for (const PhaseRule& rule : settings_.phases) {
      const double devices = static_cast<double>(members_.size()) * rule.percent / kAll;
      add(static_cast<std::size_t>(std::ceil(devices)), rule.watch, rule.pause_after);
    }
    for (std::size_t i = 0; i < plan_.phases.size(); ++i) {
      PlannedPhase& phase = plan_.phases[i];
      phase.name = i < canaries ? "canary" : std::to_string(i + 1);
      if (i + 1 == plan_.phases.size() && i > 0) phase.name += " rest";
      judge(static_cast<std::uint32_t>(i), phase);
      plan_.earliest_end += kQuietBeforeReady + phase.watch;
    }
  }

  void judge(std::uint32_t number, PlannedPhase& phase) {
    std::map<std::string, std::uint64_t> here;
    for (const std::size_t member : phase.members)
      ++here[devices_[member].device.model];
    for (const auto& [model, devices] : here) {
      updated_[model] += devices;
      left_[model] -= devices;
    }
    for (const auto& [model, updated] : updated_) {
      const auto found = here.find(model);
      phase.models[model] = {found == here.end() ? 0 : found->second, updated, left_[model]};
    }
    phase.can_judge = can_judge(settings_.judge, number, phase.models);
  }

  void bound(std::size_t canaries) {
    std::uint64_t most = part_of(plan_.devices, settings_.max_unproven_percent);
    if (settings_.max_unproven) most = std::min(most, *settings_.max_unproven);
    plan_.most_unproven = std::max<std::uint64_t>(most, canaries);
    std::map<std::string, std::uint64_t> canaries_of;
    if (!plan_.phases.empty()) {
      for (std::size_t i = 0; i < canaries; ++i)
        ++canaries_of[devices_[plan_.phases.front().members[i]].device.group];
    }
    for (const auto& [group, devices] : groups_) {
      plan_.most_unproven_of_group[group] =
          std::max({part_of(devices, settings_.max_unproven_group_percent), canaries_of[group],
                    std::uint64_t{1}});
    }
  }

  const std::vector<PlanDevice>& devices_;
  const PlanSettings& settings_;
  Plan plan_;
  std::vector<std::size_t> members_;           // places in devices_
  std::map<std::string, std::uint64_t> left_;  // of each model, not in a phase yet
  std::map<std::string, std::uint64_t> updated_;
  std::map<std::string, std::uint64_t> groups_;
};

}  // namespace

Result<Plan> make_plan(std::string_view rollout, const std::vector<PlanDevice>& devices,
                       const PlanSettings& settings) {
  return Planner(devices, settings).make(rollout);
}

Result<std::vector<PhaseRule>> parse_phases(std::string_view text) {
  constexpr seconds kLastWatch = std::chrono::hours(24);
  std::vector<PhaseRule> phases;
  for (const std::string& part : split(text, ',')) {
    const auto bad = [&] {
      return fail(Errc::kInvalid, "'" + printable(part, 40) + "' is no phase such as 25%:24h");
    };
    const std::size_t percent = part.find('%');
    if (percent == std::string::npos) return bad();
    PhaseRule phase;
    phase.watch = kLastWatch;
    const auto [end, problem] = std::from_chars(part.data(), part.data() + percent, phase.percent);
    if (problem != std::errc() || end != part.data() + percent) return bad();
    if (const std::string rest = part.substr(percent + 1); !rest.empty()) {
      if (rest[0] != ':') return bad();
      const auto watch = parse_duration(rest.substr(1));
      if (!watch) return bad();
      phase.watch = *watch;
    }
    phases.push_back(phase);
  }
  PlanSettings settings;
  settings.phases = phases;
  if (auto fits = check_phases(settings); !fits) return fits.error();
  return phases;
}

}  // namespace ota::rollout
