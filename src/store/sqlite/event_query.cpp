#include "store/sqlite/event_query.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "audit/tile_tree.h"
#include "base/json.h"
#include "store/event_document.h"

namespace ota::store {
namespace {

// More kinds than this under one prefix are not ours: then a scan is as good.
constexpr std::size_t kMostKinds = 256;

std::int64_t as_parameter(std::uint64_t number) {
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return static_cast<std::int64_t>(std::min(number, kMost));
}

// The query's parts that SQLite's planner can use: the severity stands in the text, so that the
// partial index of that severity serves it.
std::string events_sql(const EventQuery& query) {
  std::string sql = "SELECT seq, document FROM events WHERE seq > ?1 AND seq < ?5";
  if (query.at_least != model::Severity::kInfo) {
    sql += " AND severity >= " + std::to_string(static_cast<int>(query.at_least));
  }
  if (!query.source.empty()) sql += " AND source = ?3";
  if (!query.kind_prefix.empty()) sql += " AND substr(kind, 1, length(?4)) = ?4";
  sql += query.newest_first ? " ORDER BY seq DESC LIMIT ?2" : " ORDER BY seq LIMIT ?2";
  return sql;
}

// The rest of a query for numbers and documents.
Result<std::vector<LogEntry>> entries_in(Statement& rows) {
  std::vector<LogEntry> found;
  while (true) {
    auto row = rows.step();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back({static_cast<std::uint64_t>(rows.number(0)), std::string(rows.text(1))});
  }
}

Result<std::vector<model::Event>> in_order_of_seq(Database& database, const EventQuery& query) {
  auto rows = database.prepare(events_sql(query));
  if (!rows) return rows.error();
  rows->bind(1, as_parameter(query.after));
  rows->bind(2, as_parameter(query.limit));
  rows->bind(5, as_parameter(query.before));
  if (!query.source.empty()) rows->bind(3, query.source);
  if (!query.kind_prefix.empty()) rows->bind(4, query.kind_prefix);
  std::vector<model::Event> found;
  while (true) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return found;
    found.push_back(event_of(static_cast<std::uint64_t>(rows->number(0)), rows->text(1)));
  }
}

// From one kind to the next through the index, not row by row. None: too many.
Result<std::optional<std::vector<std::string>>> kinds_of(Database& database,
                                                         const std::string& prefix) {
  std::vector<std::string> kinds;
  auto first = database.prepare("SELECT kind FROM events WHERE kind >= ?1 ORDER BY kind LIMIT 1");
  if (!first) return first.error();
  auto next = database.prepare("SELECT kind FROM events WHERE kind > ?1 ORDER BY kind LIMIT 1");
  if (!next) return next.error();
  std::string last = prefix;
  for (Statement* query = &*first;; query = &*next) {
    query->bind(1, last);
    auto row = query->step();
    if (!row) return row.error();
    if (!*row || !query->text(0).starts_with(prefix)) return std::optional(std::move(kinds));
    if (kinds.size() == kMostKinds) return std::optional<std::vector<std::string>>();
    std::string kind(query->text(0));
    query->reset();
    kinds.push_back(kind);
    last = std::move(kind);
  }
}

// The numbers of at most `limit` events of these kinds, in the order of the answer.
Result<std::vector<std::int64_t>> numbers_of(Database& database, const EventQuery& query,
                                             const std::vector<std::string>& kinds) {
  auto rows = database.prepare(
      std::string(
          "SELECT seq FROM events WHERE kind = ?1 AND severity = ?2 AND seq > ?3 AND seq < ?5 "
          "ORDER BY seq ") +
      (query.newest_first ? "DESC" : "ASC") + " LIMIT ?4");
  if (!rows) return rows.error();
  std::vector<std::int64_t> numbers;
  for (const std::string& kind : kinds) {
    for (auto severity = static_cast<int>(query.at_least);
         severity <= static_cast<int>(model::Severity::kError); ++severity) {
      rows->bind(1, kind);
      rows->bind(2, std::int64_t{severity});
      rows->bind(3, as_parameter(query.after));
      rows->bind(4, as_parameter(query.limit));
      rows->bind(5, as_parameter(query.before));
      while (true) {
        auto row = rows->step();
        if (!row) return row.error();
        if (!*row) break;
        numbers.push_back(rows->number(0));
      }
      rows->reset();
    }
  }
  if (query.newest_first) {
    std::sort(numbers.rbegin(), numbers.rend());
  } else {
    std::sort(numbers.begin(), numbers.end());
  }
  numbers.resize(std::min(numbers.size(), query.limit));
  return numbers;
}

Result<std::vector<model::Event>> kind_by_kind(Database& database, const EventQuery& query,
                                               const std::vector<std::string>& kinds) {
  auto numbers = numbers_of(database, query, kinds);
  if (!numbers) return numbers.error();
  auto one = database.prepare("SELECT document FROM events WHERE seq = ?1");
  if (!one) return one.error();
  std::vector<model::Event> found;
  for (const std::int64_t number : *numbers) {
    one->bind(1, number);
    auto row = one->step();
    if (!row) return row.error();
    if (*row) found.push_back(event_of(static_cast<std::uint64_t>(number), one->text(0)));
    one->reset();
  }
  return found;
}

}  // namespace

Result<std::vector<Change>> query_changes(Database& database, std::uint64_t after,
                                          std::size_t limit) {
  auto rows = database.prepare(
      "SELECT seq, document, touched FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
  if (!rows) return rows.error();
  rows->bind(1, as_parameter(after));
  rows->bind(2, as_parameter(limit));
  std::vector<Change> found;
  while (true) {
    auto row = rows->step();
    if (!row) return row.error();
    if (!*row) return found;
    Change change{event_of(static_cast<std::uint64_t>(rows->number(0)), rows->text(1)), {}};
    if (!rows->text(2).empty()) {
      const auto touched = parse_json(rows->text(2), {.max_bytes = 64U << 20});
      if (!touched) return touched.error();
      auto keys = json_as<decltype(change.touched)>(*touched, "what an event's batch touched");
      if (!keys) return keys.error();
      change.touched = std::move(*keys);
    }
    found.push_back(std::move(change));
  }
}

Result<audit::Hashes> query_tile(Database& database, unsigned level, std::uint64_t n,
                                 std::uint64_t width) {
  auto tile = database.prepare("SELECT hashes FROM tiles WHERE level = ?1 AND n = ?2");
  if (!tile) return tile.error();
  tile->bind(1, std::int64_t{level});
  tile->bind(2, as_parameter(n));
  auto row = tile->step();
  if (!row) return row.error();
  audit::Hashes hashes;
  if (*row) {
    auto found = audit::hashes_of(tile->blob(0));
    if (!found) return found;
    hashes = std::move(*found);
  } else if (level == 0) {
    auto rows =
        database.prepare("SELECT seq, leaf FROM events WHERE seq > ?1 AND seq <= ?2 ORDER BY seq");
    if (!rows) return rows.error();
    const std::uint64_t first = n * audit::kTileWidth;
    rows->bind(1, as_parameter(first));
    rows->bind(2, as_parameter(first + audit::kTileWidth));
    while (true) {
      row = rows->step();
      if (!row) return row.error();
      if (!*row) break;
      // A row that is gone leaves its place, which is then nobody's hash.
      hashes.resize(static_cast<std::uint64_t>(rows->number(0)) - first);
      const auto leaf = audit::hashes_of(rows->blob(1));
      if (leaf && leaf->size() == 1) hashes.back() = leaf->front();
    }
  }
  hashes.resize(std::min<std::size_t>(hashes.size(), width));
  return hashes;
}

Result<std::vector<LogEntry>> query_entries(Database& database, std::uint64_t after,
                                            std::size_t limit) {
  auto rows =
      database.prepare("SELECT seq, document FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2");
  if (!rows) return rows.error();
  rows->bind(1, as_parameter(after));
  rows->bind(2, as_parameter(limit));
  return entries_in(*rows);
}

Result<std::vector<LogEntry>> query_closed_entries(Database& database, std::uint64_t log,
                                                   std::uint64_t after, std::size_t limit) {
  auto rows = database.prepare(
      "SELECT seq, document FROM closed_events WHERE log = ?3 AND seq > ?1 ORDER BY seq LIMIT ?2");
  if (!rows) return rows.error();
  rows->bind(1, as_parameter(after));
  rows->bind(2, as_parameter(limit));
  rows->bind(3, as_parameter(log));
  return entries_in(*rows);
}

Result<std::vector<model::Event>> query_events(Database& database, const EventQuery& query) {
  // A source has few events: its index serves, and the kinds are looked at one by one.
  if (query.kind_prefix.empty() || !query.source.empty()) return in_order_of_seq(database, query);
  auto kinds = kinds_of(database, query.kind_prefix);
  if (!kinds) return kinds.error();
  if (!*kinds) return in_order_of_seq(database, query);
  return kind_by_kind(database, query, **kinds);
}

}  // namespace ota::store
