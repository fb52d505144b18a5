#include "sim/rollout_rounds.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>

namespace ota::sim {
namespace {

constexpr double kFewExposed = 5;  // percent
constexpr double kTail = 0.025;    // on each side

RolloutFault made(void (*how)(RolloutFault&)) {
  RolloutFault fault;
  how(fault);
  return fault;
}

std::string decimals(double value, int count) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", count, value);
  return text.data();
}

// P(X <= k) of a binomial.
double binomial_cdf(int k, int n, double p) {
  double sum = 0;
  for (int x = 0; x <= k; ++x) {
    int sign = 0;
    const double log_choose =
        ::lgamma_r(n + 1.0, &sign) - ::lgamma_r(x + 1.0, &sign) - ::lgamma_r(n - x + 1.0, &sign);
    sum += std::exp(log_choose + x * std::log(p) + (n - x) * std::log1p(-p));
  }
  return std::min(1.0, sum);
}

double smallest(const std::function<bool(double)>& reached) {
  double low = 1e-12;
  double high = 1 - 1e-12;
  constexpr int kSteps = 60;
  for (int i = 0; i < kSteps; ++i) {
    const double middle = (low + high) / 2;
    (reached(middle) ? high : low) = middle;
  }
  return high;
}

double quantile_of(const std::vector<double>& sorted, double quantile) {
  const auto rank =
      static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

Json quantiles(std::vector<double> values) {
  if (values.empty()) return nullptr;
  std::sort(values.begin(), values.end());
  return {{"median", quantile_of(values, 0.5)}, {"p90", quantile_of(values, 0.9)}};
}

}  // namespace

std::span<const RolloutFaultKind> rollout_faults() {
  using F = RolloutFault;
  static const std::vector<RolloutFaultKind> kFaults{
      {"none", "nothing: what halts is a false halt", {}},
      {"cpu", "cpu is 3 sigma higher", made([](F& f) { f.shift[0] = 3; })},
      {"mem", "mem is 3 sigma higher", made([](F& f) { f.shift[1] = 3; })},
      {"temp", "temp is 3 sigma higher", made([](F& f) { f.shift[3] = 3; })},
      {"cpu-2", "cpu is 2 sigma higher", made([](F& f) { f.shift[0] = 2; })},
      {"cpu-1", "cpu is 1 sigma higher", made([](F& f) { f.shift[0] = 1; })},
      {"leak", "mem rises by 1 sigma an hour", made([](F& f) { f.leak = 1; })},
      {"late", "cpu is 3 sigma higher from five hours after the update on", made([](F& f) {
         f.shift[0] = 3;
         f.from = 5 * 60;
       })},
      {"crash-loop", "all restart over and over", made([](F& f) { f.looping = 1; })},
      {"crash-loop-30", "30 % of the devices do", made([](F& f) { f.looping = 0.3; })},
      {"silence", "nothing is heard 20 minutes after the update",
       made([](F& f) { f.silent = true; })},
      {"model-30", "cpu is 3 sigma higher on the model that 30 % are of", made([](F& f) {
         f.shift[0] = 3;
         f.model = 1;
       })},
      {"model-15", "the same on the model that 15 % are of", made([](F& f) {
         f.shift[0] = 3;
         f.model = 2;
       })},
      {"forged-controls", "cpu is 3 sigma higher, and a fifth of the controls forge 8 sigma",
       made([](F& f) {
         f.shift[0] = 3;
         f.forging_controls = 0.2;
       })},
      {"forged-canaries", "nothing, but each updated device forges cpu by 8 sigma with 20 %",
       made([](F& f) { f.forging_canaries = 0.2; })},
      {"installs", "30 % of the installs fail", made([](F& f) { f.failing = 0.3; })},
  };
  return kFaults;
}

const RolloutFaultKind* find_rollout_fault(std::string_view name) {
  for (const RolloutFaultKind& kind : rollout_faults()) {
    if (kind.name == name) return &kind;
  }
  return nullptr;
}

std::string share_with_interval(int count, int of) {
  const double low =
      count == 0 ? 0
                 : smallest([&](double p) { return 1 - binomial_cdf(count - 1, of, p) > kTail; });
  const double high =
      count == of ? 1 : smallest([&](double p) { return binomial_cdf(count, of, p) < kTail; });
  const double percent = 100.0 * count / of;
  return std::to_string(count) + " of " + std::to_string(of) + ", " +
         decimals(percent, std::floor(percent) == percent ? 0 : 1) + " % (" +
         decimals(100 * low, 2) + " to " + decimals(100 * high, 2) + ")";
}

std::string quantile_with_interval(std::vector<double> values, double quantile, int count) {
  if (values.empty()) return "-";
  std::sort(values.begin(), values.end());
  const auto n = static_cast<int>(values.size());
  const auto at = [&](int rank) {
    return decimals(values[static_cast<std::size_t>(std::clamp(rank, 1, n) - 1)], count);
  };
  // The ranks between which the true quantile lies, but for kTail on each side.
  int low = 1;
  while (low < n && binomial_cdf(low, n, quantile) < kTail)
    ++low;
  int high = n;
  while (high > 1 && 1 - binomial_cdf(high - 2, n, quantile) < kTail)
    --high;
  return decimals(quantile_of(values, quantile), count) + " (" + at(low) + " to " + at(high) + ")";
}

void RolloutTally::add(const RolloutResult& result) {
  ++rounds;
  looks += result.looks;
  held += result.held;
  if (!result.halted) return;
  ++halted;
  exposed.push_back(result.exposed * 100);
  delay_h.push_back(result.delay_h);
  few_exposed += exposed.back() <= kFewExposed + 1e-9 ? 1 : 0;
  by.push_back(result.by);
}

std::string RolloutTally::text() const {
  std::string out = "halted " + share_with_interval(halted, rounds);
  if (halted > 0) {
    out += "; exposed " + quantile_with_interval(exposed, 0.5, 1) +
           " %, 90 %: " + quantile_with_interval(exposed, 0.9, 1) + "; at most 5 % exposed in " +
           share_with_interval(few_exposed, rounds) + "; after " +
           quantile_with_interval(delay_h, 0.5, 1) +
           " h, 90 %: " + quantile_with_interval(delay_h, 0.9, 1);
    std::vector<std::string> tests = by;
    std::sort(tests.begin(), tests.end());
    tests.erase(std::unique(tests.begin(), tests.end()), tests.end());
    out += "; by";
    for (const std::string& test : tests)
      out += " " + test + " " + std::to_string(std::count(by.begin(), by.end(), test));
  }
  if (held > 0) {
    out += "; " + std::to_string(held) + " of " + std::to_string(looks) + " looks held";
  }
  return out;
}

Json RolloutTally::json() const {
  return {{"rounds", rounds},
          {"halted", halted},
          {"few_exposed", few_exposed},
          {"exposed_percent", quantiles(exposed)},
          {"delay_h", quantiles(delay_h)},
          {"looks", looks},
          {"held", held}};
}

RolloutReport run_rollout_rounds(const RolloutRounds& rounds,
                                 const std::function<void(std::string_view row)>& record) {
  RolloutReport report;
  for (int round = 0; round < rounds.rounds; ++round) {
    RolloutWorldOptions world;
    world.seed = rounds.seed + static_cast<std::uint64_t>(round);
    world.devices = rounds.devices;
    world.heat = rounds.heat;
    world.load = rounds.load;
    world.lossy = rounds.lossy;
    world.dip = rounds.dip;
    RolloutRunOptions run;
    run.fault = rounds.fault;
    run.watch_minutes = rounds.watch_minutes;
    run.canaries = rounds.canaries;
    run.settings.alpha = rounds.alpha;
    if (round == 0) run.record = record;
    const auto results = run_rollouts(world, run);
    report.judge.add(results[0]);
    report.hawkbit.add(results[1]);
    report.count.add(results[2]);
  }
  return report;
}

}  // namespace ota::sim
