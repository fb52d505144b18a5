// What a fresh root needs before anything can serve: default configuration, keys, a firmware
// repository with two sample images, and join codes for the local agents. Each step looks first and
// does nothing where it was done.
//
// Blocks on files and signing. Thread: the host's.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "model/settings.h"

namespace ota::fleet {
class Fleet;
}
namespace ota::tuf {
class Repository;
}

namespace ota::main {

// Makes config/, firmware/ and state/ (0700), and the default configuration files where they are
// missing.
Result<void> prepare_root(const std::filesystem::path& root);

// Opens firmware/, or makes it and, where a device is listed, lays the sample images ready.
Result<std::unique_ptr<tuf::Repository>> prepare_firmware(const std::filesystem::path& root,
                                                          const model::Whitelist& whitelist,
                                                          const Clock& clock);

// Lays the sample images v2.1.4 and v2.1.5 ready in state/, for publish_samples().
Result<void> lay_samples_ready(const std::filesystem::path& root);

// Publishes the sample images that lie ready, for every model of the whitelist: those of a first
// run, or what one that was cut off has left. With an empty whitelist they stay where they lie.
Result<void> publish_samples(const std::filesystem::path& root, const model::Whitelist& whitelist,
                             tuf::Repository& repository);

// Writes the folder and configuration of a local agent that has none yet (the demonstration's three
// agents; `server` is the URL that they call), and a one-time join code where the agent is not
// enrolled or lost its certificate. The code's file is 0600 and the agent deletes it. An error
// where the device was revoked, or enrolled with a key that the folder does not hold.
Result<void> prepare_agent(const std::filesystem::path& root, const model::LocalAgent& agent,
                           const model::Settings& settings,
                           const std::string& authority_fingerprint, const std::string& server,
                           fleet::Fleet& fleet, const Clock& clock, std::uint64_t seed);

}  // namespace ota::main
