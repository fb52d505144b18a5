// Rollouts over simulated fleets, on virtual time, judged by the shipped src/rollout: how many halt,
// how many devices are exposed until then, and how long it takes; beside hawkBit's error condition
// and a fixed count in the same worlds (sim/rollout_rounds.h).
#include <algorithm>
#include <stdexcept>

#include "sim/rollout_rounds.h"
#include "tests/bench/bench.h"

namespace ota::bench {
namespace {

using sim::WorldHappens;

enum class Aim : std::uint8_t { kNone, kClean, kFewExposed };

struct Kind {
  const char* fault;
  int rounds;
  int devices;
  std::uint32_t canaries;  // at least
  std::uint32_t per_model;
  Aim aim = Aim::kNone;
  WorldHappens heat_and_load = WorldHappens::kSometimes;
  double lossy = 0.03;
  bool shipped_watch = false;
  sim::MemoryDip dip = {};
};

constexpr WorldHappens kOften = WorldHappens::kAlways;
constexpr WorldHappens kSome = WorldHappens::kSometimes;
constexpr Kind kKinds[] = {
    {"none", 500, 200, 5, 4, Aim::kClean},
    {"none", 200, 500, 16, 4, Aim::kClean},
    {"none", 200, 60, 5, 4, Aim::kClean},
    {"none", 300, 200, 5, 4, Aim::kClean, kOften},
    {"none", 100, 200, 5, 4, Aim::kClean, kSome, 0.3},
    {"cpu", 40, 500, 16, 4, Aim::kFewExposed},
    {"temp", 40, 500, 16, 4, Aim::kFewExposed},
    {"mem", 40, 500, 16, 4, Aim::kFewExposed},
    {"cpu", 60, 200, 5, 4, Aim::kFewExposed},
    {"temp", 60, 200, 5, 4, Aim::kFewExposed},
    {"mem", 60, 200, 5, 4, Aim::kFewExposed},
    {"cpu", 60, 200, 5, 0},
    {"cpu", 60, 200, 5, 0, Aim::kNone, kOften},
    {"cpu-2", 40, 500, 16, 4},
    {"cpu-2", 60, 200, 5, 0},
    {"cpu-1", 40, 500, 16, 4},
    {"leak", 40, 500, 16, 4},
    {"late", 40, 500, 16, 4},
    {"crash-loop", 60, 200, 5, 0, Aim::kFewExposed},
    {"silence", 60, 200, 5, 0, Aim::kFewExposed},
    {"crash-loop-30", 40, 500, 16, 4, Aim::kFewExposed},
    {"model-15", 40, 500, 16, 4},
    {"model-30", 60, 200, 5, 4},
    {"forged-controls", 40, 500, 16, 4},
    {"installs", 60, 200, 5, 0},
    {"forged-canaries", 60, 200, 5, 0},
    // What a restart frees hides as much for as long: a longer watch, or a smaller dip.
    {"mem", 60, 200, 5, 4, Aim::kFewExposed, kSome, 0.03, true},
    {"mem", 60, 200, 5, 4, Aim::kFewExposed, kSome, 0.03, false, {3, 1}},
};

Line line_of(const Kind& kind, std::uint64_t seed) {
  const sim::RolloutFaultKind* fault = sim::find_rollout_fault(kind.fault);
  if (fault == nullptr) throw std::runtime_error("no such fault of a rollout");
  sim::RolloutRounds rounds;
  rounds.fault = fault->fault;
  rounds.rounds = kind.rounds;
  rounds.devices = kind.devices;
  rounds.seed = seed;
  rounds.canaries.least = kind.canaries;
  rounds.canaries.per_model = kind.per_model;
  rounds.heat = rounds.load = kind.heat_and_load;
  rounds.lossy = kind.lossy;
  rounds.dip = kind.dip;
  if (kind.shipped_watch) rounds.watch_minutes = sim::kShippedWatch;
  const sim::RolloutReport report = sim::run_rollout_rounds(rounds);
  Line line;
  line.what = std::string(fault->help) + "; " + std::to_string(kind.devices) +
              " devices, canaries at least " + std::to_string(kind.canaries) +
              (kind.per_model > 0 ? " and 4 a model" : "");
  if (kind.heat_and_load == kOften) line.what += "; heat wave and load change in each";
  if (kind.shipped_watch) line.what += "; watched as shipped, 4, 8, 24 h";
  if (kind.dip.points != sim::MemoryDip{}.points) line.what += "; memory dips by 3 points for 1 h";
  if (kind.lossy > 0.1) line.what += "; 30 % of the devices lossy";
  line.ours = report.judge.text();
  line.peer =
      "hawkBit's 10 %: " + report.hawkbit.text() + ". A fifth critical: " + report.count.text();
  if (kind.aim == Aim::kClean) {
    line.aim = "at most 1 % halted";
    line.met = met_if(report.judge.halted * 100 <= kind.rounds);
  } else if (kind.aim == Aim::kFewExposed) {
    line.aim = "all halted, with at most 5 % exposed at the median";
    line.met =
        met_if(report.judge.halted == kind.rounds && report.judge.few_exposed * 2 > kind.rounds);
  }
  return line;
}

}  // namespace

Lines rollout_row(Bench&) {
  pin_self(kAnyCore);
  Lines lines;
  std::uint64_t seed = 1;
  for (const Kind& kind : kKinds) {
    lines.push_back(line_of(kind, seed));
    seed += 100'000;
  }
  return lines;
}

}  // namespace ota::bench
