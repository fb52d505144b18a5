// Where a database's log and counters stand, as the writer takes it over at the start.
//
// Thread: the database's.
#pragma once

#include <cstdint>

#include "audit/tile_tree.h"
#include "base/result.h"
#include "store/sqlite/database.h"

namespace ota::store {

// What the log and the counters of a database stand at.
struct Position {
  audit::TreeEdge edge;           // of all events that ever were
  std::uint64_t writes = 0;       // batches that were ever written: the revision of the last one
  std::uint64_t incarnation = 0;  // how often a store was opened that then wrote
};

// Where the database stands. Hashes that it should have and lacks are taken as zeros: a log that
// somebody cut opens, and its verification says what is wrong.
Result<Position> read_position(Database& database);

// The tree over the events of a database that has none yet, of a program before it.
Result<void> plant_tree(Database& database);

// The statement that put_tile() runs: a tile of the tree, new or grown.
inline constexpr const char* kPutTile =
    "INSERT OR REPLACE INTO tiles(level, n, hashes) VALUES(?1, ?2, ?3)";
Result<void> put_tile(Statement& statement, const audit::Tile& tile);

}  // namespace ota::store
