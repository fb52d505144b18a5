// The default store: one SQLite file in WAL mode, one writer (writer.h), one connection for reads.
//
// A lock file beside the database keeps a second console out for as long as the store is open; the
// kernel lets go of it however the process ends. What is committed survives kill -9 and power loss
// (synchronous=FULL).
//
// A disk that is full or read-only when the store is opened does not keep the state from being
// read: what was committed is served, health() says why nothing is saved, and the first probe that
// can open the database for writing ends that.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace ota::store {

struct SqliteOptions {
  std::string vfs{};               // SQLite's file layer; empty: the system's
  milliseconds probe_every{2000};  // how often a store that cannot write looks again
  Executor executor{};             // runs the writer; empty: a thread of its own
};

// As open_store(); makes the file and its folder where they are missing (mode 0600, 0700). `clock`
// outlives the store. kFull only where there is no state that could be read.
Result<std::unique_ptr<Store>> open_sqlite(const std::filesystem::path& path, const Clock& clock,
                                           const SqliteOptions& options = {});

}  // namespace ota::store
