// The states of an update in which a storm's kills fall, as they are seen from outside.
//
// Thread: any.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "model/version.h"

namespace ota::sim {

// After the last of them.
inline constexpr const char* kOver = "over";

// In the order in which an update goes through them. The server's are those of its job.
std::vector<std::string> server_states();
// The agent's: of an image that comes by a patch "patch-begun" (its base is being looked at, its head
// and first block come), "patch-partial" (blocks of the image are written) and "patch-whole" (the
// last one is, it is being verified), of one that comes as it is "partial-download".
std::vector<std::string> agent_states();
bool is_patch_state(std::string_view state);

// What the files of an agent's folder say of its update to `version`: one of agent_states(), or
// kOver once the server has taken its last word.
std::string agent_state(const std::filesystem::path& folder, const model::Version& version);

}  // namespace ota::sim
