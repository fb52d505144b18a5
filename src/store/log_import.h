// Imports of a state, as the log tells of them: who asked, what came, and who has seen to it.
//
// The log is never replaced: it goes on with `audit.imported` (store.h). Before it stands
// `audit.import`, with whoever asked and the document's size and digest; behind it, once somebody
// has looked into it, `audit.acknowledged`. Until then the log does not verify without a word on
// it. Blocks on the store; thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "store/store.h"

namespace ota::store {

struct LogImport {
  std::uint64_t seq = 0;  // of `audit.imported`
  WallTime at;
  std::string message;
  std::string actor;            // who asked; empty where that was not written down
  std::string acknowledged_by;  // empty: nobody has
};

// Writes down, durably, who is about to import what. An empty log stays empty: it is taken over.
Result<void> announce_import(Store& store, std::string_view document, const std::string& actor,
                             WallTime now);

// Oldest first, at most the newest thousand.
Result<std::vector<LogImport>> imports_of(Store& store);

// `seq` is one of an import. kNotFound. `done` after the commit.
Result<void> acknowledge_import(Store& store, std::uint64_t seq, const std::string& actor,
                                WallTime now, Done done);

// [{"seq":…,"at":…,"message":…,"actor":…,"acknowledged_by":…}]
Json imports_json(const std::vector<LogImport>& imports);

}  // namespace ota::store
