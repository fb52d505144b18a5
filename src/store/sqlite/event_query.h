// The events that a query names, out of millions in milliseconds: each kind of query has an index
// that gives its rows in the order of the answer.
//
// A prefix of kinds is answered kind by kind and severity by severity (there are some forty kinds),
// and what was found is merged. Thread: the database's.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace ota::store {

// A stored event as a value. One that cannot be read any more comes back as an event that does not
// verify, so that an audit names it instead of failing on it.
model::Event event_of(std::uint64_t seq, std::string_view document);

Result<std::vector<model::Event>> query_events(Database& database, const EventQuery& query);

}  // namespace ota::store
