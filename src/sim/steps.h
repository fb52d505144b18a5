// The kinds of step that a scenario can hold. A kind is a function in steps/ and a line in
// steps.cpp.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "sim/keys.h"

namespace ota::sim {

class World;

struct StepKind {
  std::string_view name;  // "wait-until"
  std::string_view help;  // one sentence
  std::vector<Key> keys;
  // Does it; an Error is a broken expectation (or a system that does not obey) and ends the run.
  Result<void> (*run)(World& world, const Json& keys);
};

std::span<const StepKind> step_kinds();
const StepKind* find_step_kind(std::string_view name);  // null: no such kind

}  // namespace ota::sim
