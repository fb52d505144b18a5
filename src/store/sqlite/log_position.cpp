#include "store/sqlite/log_position.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "store/sqlite/event_query.h"
#include "store/sqlite/schema.h"

namespace ota::store {

Result<void> put_tile(Statement& statement, const audit::Tile& tile) {
  const std::string hashes = audit::to_bytes(tile.hashes);
  statement.bind(1, std::int64_t{tile.level});
  statement.bind(2, static_cast<std::int64_t>(tile.n));
  statement.bind_blob(3, hashes);
  return statement.run();
}

namespace {

// What is missing (somebody altered the database) leaves its place, with nobody's hash.
Result<void> hash_all_events(Database& database) {
  auto rows = database.prepare("SELECT seq, document FROM events ORDER BY seq");
  if (!rows) return rows.error();
  auto put = database.prepare(kPutTile);
  if (!put) return put.error();
  audit::TreeEdge edge;
  audit::Hashes last;  // of the unfinished tile
  while (true) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) break;
    const auto seq = static_cast<std::uint64_t>(rows->number(0));
    const audit::Hash leaf = audit::leaf_hash(rows->text(1));
    while (edge.size() < seq) {
      std::vector<audit::Tile> grown;
      last.push_back(edge.size() + 1 == seq ? leaf : audit::Hash{});
      edge.append(last.back(), grown);
      if (last.size() == audit::kTileWidth) last.clear();
      for (const audit::Tile& tile : grown) {
        if (auto done = put_tile(*put, tile); !done) return done;
      }
    }
  }
  auto update = database.prepare("UPDATE events SET leaf = ?1 WHERE seq = ?2");
  if (!update) return update.error();
  for (std::size_t i = 0; i < last.size(); ++i) {
    update->bind_blob(1, as_text(last[i]));
    update->bind(2, static_cast<std::int64_t>(edge.size() - last.size() + i + 1));
    if (auto done = update->run(); !done) return done;
  }
  const std::string count = "UPDATE counters SET events = " + std::to_string(edge.size());
  return database.run(count.c_str());
}

Result<audit::Hashes> unfinished_tile(Database& database, unsigned level, std::uint64_t size) {
  const std::uint64_t n = (size >> (audit::kTileHeight * level)) / audit::kTileWidth;
  const std::uint64_t width = audit::tile_width(size, level, n);
  if (width == 0) return audit::Hashes();
  auto hashes = query_tile(database, level, n, width);
  if (!hashes) return hashes;
  hashes->resize(static_cast<std::size_t>(width));
  return hashes;
}

}  // namespace

Result<Position> read_position(Database& database) {
  Position position;
  const auto last = database.number("SELECT max(seq) FROM events");
  if (!last) return last.error();
  std::uint64_t size = static_cast<std::uint64_t>(*last);
  // A database that cannot be written may still lack what later programs count.
  const auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version < kTreeVersion) return position;
  auto counters = database.prepare("SELECT writes, incarnation, events FROM counters");
  if (!counters) return counters.error();
  const auto found = counters->step();
  if (!found) return found.error();
  if (*found) {
    position.writes = static_cast<std::uint64_t>(counters->number(0));
    position.incarnation = static_cast<std::uint64_t>(counters->number(1));
    // The larger: a number is never given twice.
    size =
        std::max(size, static_cast<std::uint64_t>(std::max<std::int64_t>(counters->number(2), 0)));
  }
  std::vector<audit::Hashes> unfinished;
  for (unsigned level = 0; level < audit::kMostLevels; ++level) {
    auto hashes = unfinished_tile(database, level, size);
    if (!hashes) return hashes.error();
    unfinished.push_back(std::move(*hashes));
  }
  auto edge = audit::TreeEdge::of(size, std::move(unfinished));
  if (!edge) return edge.error();
  position.edge = std::move(*edge);
  return position;
}

// In one transaction, so that a start that was cut off does it anew.
Result<void> plant_tree(Database& database) {
  const auto events = database.number("SELECT events FROM counters");
  if (!events) return events.error();
  if (*events >= 0) return {};
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto planted = hash_all_events(database);
  if (planted) planted = database.run("COMMIT");
  if (!planted && !database.autocommit()) (void)database.run("ROLLBACK");
  return planted;
}

}  // namespace ota::store
