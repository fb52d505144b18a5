// A device that tries to read as healthier than it is, or sicker: samples with its own key, as a
// manipulated agent would send them.
//
// The same seed and times give the same samples. Pure. Thread: one per object.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "model/enum_text.h"
#include "model/telemetry.h"
#include "sim/profile.h"

namespace ota::sim {

// kStuck: the CPU reading stands still after a live beginning. kPerfect: nothing ever moves.
// kReplayed: twenty readings again and again. kImpossible: 250 % of CPU between honest samples.
// kFuture, kOld: an hour ahead, an hour behind. kRepeated: each sample three times. kBackwards: the
// numbers go down. kJustUnder: CPU just below 90 %. kMissing: no CPU any more after a beginning.
// kRestarting: a new start each three samples. kDrifting: memory climbs by an eightieth of a point
// with each sample, which at one a minute teaches a baseline that follows within days. kMining: a
// heavy load, far below the limits. kNightly: the same for nine samples of each 288 (of a day at
// five minutes), from the third day on. kHot: 25 degrees more than usual. kDropping: a temperature
// that climbs and is no longer sent.
enum class Lie : std::uint8_t {
  kHonest,
  kStuck,
  kPerfect,
  kReplayed,
  kImpossible,
  kFuture,
  kOld,
  kRepeated,
  kBackwards,
  kJustUnder,
  kMissing,
  kRestarting,
  kDrifting,
  kMining,
  kNightly,
  kHot,
  kDropping
};
inline constexpr model::EnumTable<Lie, 17> kLieWords{{{Lie::kHonest, "honest"},
                                                      {Lie::kStuck, "stuck"},
                                                      {Lie::kPerfect, "perfect"},
                                                      {Lie::kReplayed, "replayed"},
                                                      {Lie::kImpossible, "impossible"},
                                                      {Lie::kFuture, "future"},
                                                      {Lie::kOld, "old"},
                                                      {Lie::kRepeated, "repeated"},
                                                      {Lie::kBackwards, "backwards"},
                                                      {Lie::kJustUnder, "just-under"},
                                                      {Lie::kMissing, "missing"},
                                                      {Lie::kRestarting, "restarting"},
                                                      {Lie::kDrifting, "drifting"},
                                                      {Lie::kMining, "mining"},
                                                      {Lie::kNightly, "nightly"},
                                                      {Lie::kHot, "hot"},
                                                      {Lie::kDropping, "dropping"}}};

class Liar {
 public:
  Liar(Lie lie, std::uint64_t seed);
  // The next sample in the wire's form, sent at `now`.
  Json next(WallTime now);

 private:
  Readings readings();
  bool mines() const;

  Lie lie_;
  SimulatedSensors sensors_;
  model::BootId boot_;
  std::uint64_t sent_ = 0;
  std::vector<Readings> recorded_;
};

}  // namespace ota::sim
