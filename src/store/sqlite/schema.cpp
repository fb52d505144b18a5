#include "store/sqlite/schema.h"

#include <array>
#include <string>

namespace ota::store {
namespace {

// Documents lie in their primary key's order, so that a collection or a range of keys is one
// sequential read. Events are read newest first: by sequence number, by source, and those above a
// severity by small partial indexes, since "only warnings" over a million events must not read a
// million.
constexpr const char* kTables = R"(
  CREATE TABLE documents(
    collection TEXT NOT NULL,
    key        TEXT NOT NULL,
    document   TEXT NOT NULL,
    PRIMARY KEY(collection, key)
  ) WITHOUT ROWID;
  CREATE TABLE events(
    seq      INTEGER PRIMARY KEY,
    severity INTEGER NOT NULL,
    source   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    document TEXT NOT NULL
  );
  CREATE INDEX events_by_source ON events(source, seq);
  CREATE INDEX events_notice  ON events(seq) WHERE severity >= 1;
  CREATE INDEX events_warning ON events(seq) WHERE severity >= 2;
  CREATE INDEX events_error   ON events(seq) WHERE severity >= 3;
)";

// What the writer fills to find out whether a full disk has space again.
constexpr const char* kProbe = R"(
  CREATE TABLE probe(id INTEGER PRIMARY KEY, filler BLOB NOT NULL);
)";

// For "all that was enrolled": a million events are not read to find ten.
constexpr const char* kEventsByKind = R"(
  CREATE INDEX events_by_kind ON events(kind, severity, seq);
)";

// A revision for each document, names that exist once, what an event's batch touched, the log's
// tree (an event's own hash stands with it; counters.events is -1 until plant_tree() has hashed
// what was there), logs that came with an import, and what the writer counts.
constexpr const char* kTree = R"(
  ALTER TABLE documents ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE events ADD COLUMN touched TEXT NOT NULL DEFAULT '';
  ALTER TABLE events ADD COLUMN leaf BLOB;
  CREATE TABLE tiles(
    level  INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    hashes BLOB NOT NULL,
    PRIMARY KEY(level, n)
  ) WITHOUT ROWID;
  CREATE TABLE closed_events(
    log      INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY(log, seq)
  ) WITHOUT ROWID;
  CREATE TABLE claims(name TEXT PRIMARY KEY, holder TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE counters(
    id          INTEGER PRIMARY KEY CHECK(id = 1),
    writes      INTEGER NOT NULL,
    incarnation INTEGER NOT NULL,
    events      INTEGER NOT NULL
  );
  INSERT INTO counters VALUES(1, 1, 0, -1);
)";

// For a disk that takes no writes: the tables of before the tree, read as they would be.
constexpr const char* kReadBeforeTree = R"(
  PRAGMA temp_store=MEMORY;
  CREATE TEMP VIEW documents AS
    SELECT collection, key, document, 1 AS revision FROM main.documents;
  CREATE TEMP VIEW events AS SELECT *, '' AS touched, NULL AS leaf FROM main.events;
  CREATE TEMP VIEW tiles AS SELECT 0 AS level, 0 AS n, x'' AS hashes WHERE 0;
)";

constexpr std::array kMigrations{kTables, kProbe, kEventsByKind, kTree};

Result<void> check_owner(Database& database, std::int64_t newest) {
  auto application = database.number("PRAGMA application_id");
  if (!application) return application.error();
  auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  auto tables = database.number("SELECT count(*) FROM sqlite_master");
  if (!tables) return tables.error();
  const bool empty = *application == 0 && *version == 0 && *tables == 0;
  if (!empty && *application != kApplicationId) {
    return fail(Errc::kInvalid,
                "this is a database of another program; move it away, or name "
                "another one as store.url in config/console.json");
  }
  if (*version > newest) {
    return fail(Errc::kInvalid, "its schema is version " + std::to_string(*version) +
                                    ", this program knows up to " + std::to_string(newest) +
                                    "; start the newer program that wrote it");
  }
  return {};
}

Result<void> apply(Database& database, std::span<const char* const> steps) {
  auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (static_cast<std::size_t>(*version) == steps.size()) return {};
  for (auto step = static_cast<std::size_t>(*version); step < steps.size(); ++step) {
    if (auto done = database.run(steps[step]); !done) {
      return done.error().within("migrate to version " + std::to_string(step + 1));
    }
  }
  const std::string stamp = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            "; PRAGMA user_version=" + std::to_string(steps.size());
  return database.run(stamp.c_str());
}

}  // namespace

std::span<const char* const> migrations() {
  return kMigrations;
}

Result<void> prepare_reading(Database& database, std::span<const char* const> steps) {
  if (auto owner = check_owner(database, static_cast<std::int64_t>(steps.size())); !owner) {
    return owner;
  }
  auto version = database.number("PRAGMA user_version");
  if (!version) return version.error();
  if (*version == 0) return fail(Errc::kInvalid, "it holds no state yet");
  return *version < kTreeVersion ? database.run(kReadBeforeTree) : Result<void>();
}

Result<void> prepare_schema(Database& database, std::span<const char* const> steps) {
  // The owner is checked before the first write: a foreign file stays as it is, its journal mode
  // too.
  const auto newest = static_cast<std::int64_t>(steps.size());
  if (auto owner = check_owner(database, newest); !owner) return owner;
  for (const char* setting : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL"}) {
    if (auto set = database.run(setting); !set) return set;
  }
  if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
  auto applied = apply(database, steps);
  if (applied) applied = database.run("COMMIT");
  if (!applied && !database.autocommit()) (void)database.run("ROLLBACK");
  return applied;
}

}  // namespace ota::store
