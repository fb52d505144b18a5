// The events that a query names, out of millions in milliseconds: each kind of query has an index
// that gives its rows in the order of the answer.
//
// A prefix of kinds is answered kind by kind and severity by severity (there are some forty kinds),
// and what was found is merged. Thread: the database's.
#pragma once

#include <cstdint>
#include <vector>

#include "audit/merkle.h"
#include "base/result.h"
#include "model/event.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace ota::store {

Result<std::vector<model::Event>> query_events(Database& database, const EventQuery& query);

// Store::changes.
Result<std::vector<Change>> query_changes(Database& database, std::uint64_t after,
                                          std::size_t limit);

// Store::tile. The last tile of level 0 is made of its events' rows until it is full.
Result<audit::Hashes> query_tile(Database& database, unsigned level, std::uint64_t n,
                                 std::uint64_t width);

// Store::entries.
Result<std::vector<LogEntry>> query_entries(Database& database, std::uint64_t after,
                                            std::size_t limit);

// Store::closed_entries.
Result<std::vector<LogEntry>> query_closed_entries(Database& database, std::uint64_t log,
                                                   std::uint64_t after, std::size_t limit);

}  // namespace ota::store
