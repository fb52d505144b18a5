#include "rollout/look.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "base/assert.h"
#include "rollout/combine.h"
#include "rollout/levels.h"
#include "rollout/outcomes.h"
#include "rollout/ranks.h"

namespace ota::rollout {
namespace {

constexpr std::uint32_t kNobody = UINT32_MAX;  // leaves no group out: it is the number of none

// An updated device in the test of a metric.
struct Ranked {
  std::uint32_t group = 0;
  std::uint64_t above = 0;  // pairs that it is worse in
  double shift = 0;
};

// The test of a metric in one hardware model.
struct Stratum {
  std::uint32_t model = 0;
  std::uint64_t controls = 0;
  std::vector<Ranked> updated;
};

std::optional<ModelChance> chance_of(const Stratum& stratum, std::uint32_t left_out) {
  std::uint64_t n = 0;
  std::uint64_t u = 0;
  for (const Ranked& device : stratum.updated) {
    if (device.group == left_out) continue;
    ++n;
    u += device.above;
  }
  if (n == 0) return std::nullopt;
  return ModelChance{n, ranksum_sf(n, stratum.controls, u)};
}

double pooled_of(const std::vector<Stratum>& strata, std::uint32_t left_out) {
  std::vector<ModelChance> chances;
  for (const Stratum& stratum : strata) {
    if (const auto chance = chance_of(stratum, left_out)) chances.push_back(*chance);
  }
  return stouffer(chances);
}

class Look {
 public:
  Look(const JudgeSettings& settings, const LookInput& input)
      : settings_(settings),
        input_(input),
        metrics_(settings.metrics.size()),
        updated_of_(input.models.size()),
        controls_of_(input.models.size()) {
    OTA_ASSERT(input.changes.size() == input.subjects.size() * metrics_);
  }

  LookFound judge() {
    count();
    for (std::size_t metric = 0; metric < metrics_; ++metric)
      test_metric(metric);
    for (const auto& [outcome, word] : kOutcomeWords)
      test_outcome(outcome);
    decide();
    std::vector<std::size_t> order(found_.evidence.size());
    for (std::size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      const Evidence& left = found_.evidence[a];
      const Evidence& right = found_.evidence[b];
      return std::tie(left.adjusted, left.p) < std::tie(right.adjusted, right.p);
    });
    std::vector<Evidence> sorted;
    std::optional<std::size_t> reason;
    for (const std::size_t place : order) {
      if (found_.reason == place) reason = sorted.size();
      sorted.push_back(std::move(found_.evidence[place]));
    }
    found_.evidence = std::move(sorted);
    found_.reason = reason;
    return std::move(found_);
  }

 private:
  std::span<const double> changes_of(std::size_t subject) const {
    return input_.changes.subspan(subject * metrics_, metrics_);
  }

  bool judged(std::uint32_t model) const {
    return updated_of_[model] > 0 && controls_of_[model] >= settings_.min_controls;
  }

  void count() {
    std::set<std::uint32_t> groups;
    for (std::size_t i = 0; i < input_.subjects.size(); ++i) {
      const Subject& subject = input_.subjects[i];
      groups.insert(subject.group);
      if (subject.side == Side::kControl) {
        ++controls_of_[subject.model];
        continue;
      }
      ++updated_of_[subject.model];
      updated_groups_.insert(subject.group);
      ++found_.updated;
      const auto changes = changes_of(i);
      found_.with_data += std::any_of(changes.begin(), changes.end(),
                                      [](double change) { return !std::isnan(change); })
                              ? 1U
                              : 0U;
    }
    several_groups_ = groups.size() > 1;
    updated_groups_.erase(0);
    for (std::uint32_t model = 0; model < updated_of_.size(); ++model) {
      if (updated_of_[model] > 0) found_.controls[input_.models[model]] = controls_of_[model];
      any_judged_ = any_judged_ || judged(model);
    }
  }

  // The change of a metric, so that more is worse.
  double worse(std::size_t subject, std::size_t metric) const {
    const double change = changes_of(subject)[metric];
    return settings_.metrics[metric].worse == Worse::kUp ? change : -change;
  }

  std::vector<Stratum> strata_of(std::size_t metric) const {
    std::vector<std::vector<double>> controls(input_.models.size());
    for (std::size_t i = 0; i < input_.subjects.size(); ++i) {
      const Subject& subject = input_.subjects[i];
      if (subject.side != Side::kControl) continue;
      const double change = worse(i, metric);
      if (!std::isnan(change)) controls[subject.model].push_back(change);
    }
    std::vector<Stratum> strata(input_.models.size());
    std::vector<double> middle(input_.models.size(), kNoValue);
    for (std::uint32_t model = 0; model < strata.size(); ++model) {
      std::vector<double>& changes = controls[model];
      strata[model].model = model;
      strata[model].controls = changes.size();
      if (changes.size() < std::max(settings_.min_controls, 1U)) continue;
      middle[model] = median(changes);
      std::sort(changes.begin(), changes.end());
    }
    const double margin = settings_.metrics[metric].least();
    for (std::size_t i = 0; i < input_.subjects.size(); ++i) {
      const Subject& subject = input_.subjects[i];
      const double change = worse(i, metric);
      if (subject.side != Side::kUpdated || std::isnan(change)) continue;
      if (std::isnan(middle[subject.model])) continue;
      strata[subject.model].updated.push_back(
          {subject.group, controls_below(change, margin, controls[subject.model]),
           change - middle[subject.model]});
    }
    std::erase_if(strata, [](const Stratum& stratum) { return stratum.updated.empty(); });
    return strata;
  }

  Evidence evidence_of(std::size_t metric, std::span<const Stratum> strata) const {
    Evidence evidence;
    evidence.test = settings_.metrics[metric].name;
    std::vector<double> shifts;
    for (const Stratum& stratum : strata) {
      for (const Ranked& device : stratum.updated)
        shifts.push_back(device.shift);
    }
    evidence.updated = shifts.size();
    const double shift = median(shifts);
    evidence.shift = settings_.metrics[metric].worse == Worse::kUp ? shift : -shift;
    return evidence;
  }

  void add(Evidence evidence, double p, double share, std::string hangs_on) {
    evidence.p = p;
    evidence.adjusted = adjusted(p, share, settings_);
    if (evidence.adjusted <= settings_.alpha) {
      const std::size_t place = found_.evidence.size();
      auto& best = hangs_on.empty() ? halting_ : held_;
      if (!best || evidence.adjusted < found_.evidence[*best].adjusted) {
        best = place;
        if (!hangs_on.empty()) held_group_ = std::move(hangs_on);
      }
    }
    found_.evidence.push_back(std::move(evidence));
  }

  // The group without whose updated devices nothing is left of the chance that `p_without` gives;
  // empty where there is none. Where all devices are of one group, it is no group that halts alone.
  template <class Chance>
  std::string hangs_on(double p, double share, const Chance& p_without) const {
    if (!several_groups_ || adjusted(p, share, settings_) > settings_.alpha) return {};
    for (const std::uint32_t group : updated_groups_) {
      if (p_without(group) > kWithoutGroup) return input_.groups[group];
    }
    return {};
  }

  void test_metric(std::size_t metric) {
    const std::vector<Stratum> strata = strata_of(metric);
    if (strata.empty()) return;
    const auto own = static_cast<std::uint64_t>(std::count_if(
        strata.begin(), strata.end(),
        [](const Stratum& stratum) { return stratum.updated.size() >= kOwnShareFrom; }));
    const MetricShares shares = metric_shares(settings_, input_.phase, strata.size(), own);
    Evidence pooled = evidence_of(metric, strata);
    pooled.model = kAllModels;
    const double p = pooled_of(strata, kNobody);
    add(std::move(pooled), p, shares.pooled,
        hangs_on(p, shares.pooled, [&](std::uint32_t group) { return pooled_of(strata, group); }));
    if (strata.size() < 2) return;
    for (const Stratum& stratum : strata) {
      if (stratum.updated.size() < kOwnShareFrom) continue;
      Evidence one = evidence_of(metric, {&stratum, 1});
      one.model = input_.models[stratum.model];
      const double chance = chance_of(stratum, kNobody)->p;
      add(std::move(one), chance, shares.each_model,
          hangs_on(chance, shares.each_model, [&](std::uint32_t group) {
            const auto without = chance_of(stratum, group);
            return without ? without->p : 1.0;
          }));
    }
  }

  void test_outcome(Outcome outcome) {
    Evidence evidence;
    evidence.test = to_text(outcome);
    evidence.model = kAllModels;
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> of_group;  // updated, bad
    for (const Subject& subject : input_.subjects) {
      if (!judged(subject.model)) continue;
      const std::uint64_t bad = subject.outcomes[static_cast<std::size_t>(outcome)] ? 1 : 0;
      if (subject.side == Side::kControl) {
        ++evidence.controls;
        evidence.bad_controls += bad;
      } else {
        ++evidence.updated;
        evidence.bad += bad;
        ++of_group[subject.group].first;
        of_group[subject.group].second += bad;
      }
    }
    if (evidence.updated == 0) return;
    const auto without = [&](std::uint32_t group) {
      const auto found = of_group.find(group);
      const auto [drawn, bad] =
          found == of_group.end() ? std::pair<std::uint64_t, std::uint64_t>() : found->second;
      return hyper_sf(evidence.bad - bad, evidence.updated - drawn,
                      evidence.bad - bad + evidence.bad_controls,
                      evidence.updated - drawn + evidence.controls);
    };
    const double p = without(kNobody);
    const double share = outcome_share(settings_, input_.phase);
    std::string group = hangs_on(p, share, without);
    add(std::move(evidence), p, share, std::move(group));
  }

  void decide() {
    const auto hold = [&](HoldReason why) {
      found_.decision = Decision::kHold;
      found_.hold = why;
    };
    if (halting_) {
      found_.decision = Decision::kHalt;
      found_.reason = halting_;
    } else if (held_) {
      hold(HoldReason::kOneGroup);
      found_.group = held_group_;
      found_.reason = held_;
    } else if (found_.updated == 0) {
      hold(HoldReason::kNoUpdated);
    } else if (!any_judged_) {
      hold(HoldReason::kNoControls);
    } else if (found_.with_data * 2 < found_.updated) {
      hold(HoldReason::kNoData);
    }
  }

  const JudgeSettings& settings_;
  const LookInput& input_;
  std::size_t metrics_;
  std::vector<std::uint64_t> updated_of_;
  std::vector<std::uint64_t> controls_of_;
  std::set<std::uint32_t> updated_groups_;  // but none
  bool several_groups_ = false;
  bool any_judged_ = false;
  std::optional<std::size_t> halting_;
  std::optional<std::size_t> held_;
  std::string held_group_;
  LookFound found_;
};

}  // namespace

LookFound judge_look(const JudgeSettings& settings, const LookInput& input) {
  return Look(settings, input).judge();
}

}  // namespace ota::rollout
