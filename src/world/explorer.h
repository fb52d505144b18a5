// Many worlds, one after the other and several at a time: which of them end with a finding, how
// fast that goes, what they met; and a found one made small enough to be read.
//
// Each world runs in a process of its own: one that crashes or hangs is a finding like any other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "world/plan.h"
#include "world/world.h"

namespace ota::world {

// A report as it comes back from a world's process.
Json to_document(const WorldReport& report);

// Runs a plan in a process of its own. Blocks. `each_step`: World::look_each_step().
Json run_apart(const Plan& plan, Trace::Keep keep, const std::filesystem::path& scratch,
               const std::string& each_step = {});

// The same finding with fewer acts, devices and faults; at most `tries` runs.
Plan shrink(const Plan& plan, const std::string& invariant, std::size_t tries,
            const std::filesystem::path& scratch);

// ota-sim explore. The exit code: 0 nothing was found, 1 something was, 2 usage.
int explore(std::span<const std::string> words, std::ostream& out, std::ostream& err);

}  // namespace ota::world
