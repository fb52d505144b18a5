// The record of a decision: everything that it was made of, so that anyone can make it again and
// compare the bytes.
//
//   {"engine": 3, "gate": 2, "thresholds": {...}, "evidence": {...}, "input": {...}, "peers":
//   {...}}
//
// `evidence` is what the verdict was made of (anomaly/evidence.h); `input` is what else the gate
// looked at. The decision itself stands beside the record in its event, under the chain's hash. A
// record of another version of the engine, or of the gate where it is a decision's, is shown, and
// not made again: its rules are gone.
//
// Pure; any thread.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "anomaly/peers.h"
#include "base/result.h"
#include "gate/gate.h"

namespace ota::gate {

// What a verdict was made of.
struct Grounds {
  model::Thresholds thresholds;
  nlohmann::json evidence;
  anomaly::Peers peers;
  WallTime at;
};

nlohmann::json verdict_record(const Grounds& grounds);
// `input.verdict` is left out: it is made again from the grounds.
nlohmann::json decision_record(const Grounds& grounds, const Input& input);

struct Recomputed {
  model::Verdict verdict;
  std::optional<model::Decision> decision;  // none: a record of a verdict alone
};

// The same decision under other thresholds (anomaly::explain_evidence_under).
Result<Recomputed> recompute_under(const nlohmann::json& record, const model::Thresholds& others);

// kUnavailable: made by another version of the engine or of the gate. kInvalid: no record.
Result<Recomputed> recompute(const nlohmann::json& record);

}  // namespace ota::gate
