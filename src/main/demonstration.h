// Starts the demonstration in a root whose fleet is empty: what `make run` shows at once.
//
// Blocks on files and signing. Thread: the host's.
#pragma once

#include <filesystem>

#include "base/result.h"

namespace ota::main {

class FirmwareWatcher;

// Lists the demonstration's devices and agents in config/ (the watcher takes them from there) and
// publishes the sample images where nothing is published. Both files are written or neither;
// kConflict where a device is listed already.
Result<void> start_demonstration(const std::filesystem::path& root, FirmwareWatcher& firmware);

}  // namespace ota::main
