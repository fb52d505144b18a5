// What a verdict was made of, kept so that the verdict can be made again.
//
// Evidence is the part of a detector that an explanation reads: the last value of each metric, what
// was expected of it, which limits it is over and since when. A few hundred bytes of JSON; members
// that are zero are left out. The same evidence, thresholds and time give the same verdict to the
// byte, as long as the engine is the same.
//
// It is not the detector: it learns nothing further. Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"
#include "model/verdict.h"

namespace ota::anomaly {

struct DeviceState;

// Raised with every change that makes another verdict of the same evidence.
inline constexpr int kEngineVersion = 4;

nlohmann::json evidence_of(const DeviceState& state);

// kInvalid where it is no evidence.
Result<model::Verdict> explain_evidence(const nlohmann::json& evidence,
                                        const model::Thresholds& thresholds, WallTime now);

// The verdict on the same readings under `others`: what these have against them is taken to have
// lasted, what only the old ones had is forgotten. Equal thresholds give the verdict itself.
Result<model::Verdict> explain_evidence_under(const nlohmann::json& evidence,
                                              const model::Thresholds& thresholds,
                                              const model::Thresholds& others, WallTime now);

}  // namespace ota::anomaly
