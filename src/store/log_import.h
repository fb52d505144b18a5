// Imports of a state, as the log tells of them: who asked, what came, and who has seen to it.
//
// The log is never replaced: it goes on with `audit.imported` (store.h). Before it stands
// `audit.import`, with whoever asked and the document's size and digest; behind it, once somebody
// has looked into it, `audit.acknowledged`. Until then the log does not verify without a word on
// it. Blocks on the store; thread: any.
#pragma once

#include <cstdint>
#include <optional>
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
  std::string actor;      // who asked; empty where that was not written down
  std::uint64_t log = 0;  // what came, by Store::closed_entries; its events and root
  std::uint64_t events = 0;
  std::string root{};
  std::string origin{};         // the name of that log; empty: it was never signed
  std::string checkpoint{};     // its last signed head, for who has its key
  std::string acknowledged_by;  // empty: nobody has
};

// Who is about to import what, to be on disk before anything is replaced. None: the log is empty,
// and stays so, since it is taken over.
std::optional<model::Event> announcement(Store& store, std::string_view document,
                                         const std::string& actor, WallTime now);

// Oldest first, at most the newest thousand.
Result<std::vector<LogImport>> imports_of(Store& store);

// The word on the import of event `seq`, to be written into the log. kNotFound: it is none.
Result<model::Event> acknowledgement(Store& store, std::uint64_t seq, const std::string& actor,
                                     WallTime now);

// Commits one of these and waits. Where a fleet runs, it is Fleet::record that does.
Result<void> write_down(Store& store, model::Event word);

// [{"seq":…,"at":…,"message":…,"actor":…,"log":…,"events":…,"root":…,"origin":…,"checkpoint":…,
//   "acknowledged_by":…}]
Json imports_json(const std::vector<LogImport>& imports);

}  // namespace ota::store
