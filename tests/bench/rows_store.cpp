// The store: its group commit beside SQLite alone, and how it does with a million events.
#include <sqlite3.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "base/json.h"
#include "store/event_document.h"
#include "store/store.h"
#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

namespace fs = std::filesystem;

model::Event event_of(std::uint64_t number, WallTime at) {
  model::Event event;
  event.at = at;
  event.severity = number % 50 == 0   ? model::Severity::kWarning
                   : number % 10 == 0 ? model::Severity::kNotice
                                      : model::Severity::kInfo;
  event.kind = number % 100'000 == 7 ? "enrol.ok"
               : number % 2 == 0     ? "device.online"
                                     : "verdict.stable";
  event.source = "v-" + std::to_string(100000 + number * 7919 % 100000);
  event.message = event.source + " is online";
  return event;
}

std::unique_ptr<store::Store> open_at(const fs::path& root, const Clock& clock) {
  fs::create_directories(root);
  auto opened = store::open_store("sqlite:ota.db", root.string(), clock);
  if (!opened) throw std::runtime_error(opened.error().text());
  return std::move(*opened);
}

// Each event is a batch of its own, as events of many devices are; at most this many wait, as many
// devices would.
constexpr std::size_t kWaiting = 4000;
constexpr std::size_t kGroup = 1000;  // of SQLite alone

double store_rate(const fs::path& root, const Clock& clock, std::size_t count) {
  const auto store = open_at(root, clock);
  std::mutex mutex;
  std::condition_variable room;
  std::size_t waiting = 0;
  const WallTime at = clock.wall();
  const auto start = SteadyClock::now();
  for (std::size_t i = 0; i < count; ++i) {
    {
      std::unique_lock lock(mutex);
      room.wait(lock, [&] { return waiting < kWaiting; });
      ++waiting;
    }
    store::Batch batch;
    batch.events.push_back(event_of(i, at));
    store->commit(std::move(batch), [&](const auto& done) {
      if (!done) std::terminate();
      const std::lock_guard lock(mutex);
      if (--waiting == kWaiting / 2) room.notify_one();
    });
  }
  if (auto flushed = store->flush(); !flushed) throw std::runtime_error("flush");
  return static_cast<double>(count) / seconds_since(start);
}

void run_sql(sqlite3* database, const char* sql) {
  if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    throw std::runtime_error(sqlite3_errmsg(database));
  }
}

// The same rows into the same tables, with their documents made before the clock starts: what
// SQLite alone does in groups as large as ours can become.
double sqlite_rate(const fs::path& root, const Clock& clock, std::size_t count) {
  open_at(root, clock).reset();
  const WallTime at = clock.wall();
  std::vector<std::string> documents;
  std::vector<model::Event> events;
  for (std::size_t i = 0; i < count; ++i) {
    events.push_back(event_of(i, at));
    events.back().seq = i + 1;
    events.back().id = "1.1." + std::to_string(i + 1) + ".1";
    documents.push_back(store::event_document(events.back()));
  }
  sqlite3* database = nullptr;
  if (sqlite3_open((root / "ota.db").c_str(), &database) != SQLITE_OK) {
    throw std::runtime_error("sqlite");
  }
  run_sql(database, "PRAGMA synchronous=FULL");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(database,
                     "INSERT INTO events(seq, severity, source, kind, document) "
                     "VALUES(?1, ?2, ?3, ?4, ?5)",
                     -1, &insert, nullptr);
  const auto text = [insert](int parameter, const std::string& value) {
    sqlite3_bind_text(insert, parameter, value.data(), static_cast<int>(value.size()),
                      SQLITE_STATIC);
  };
  const auto start = SteadyClock::now();
  for (std::size_t i = 0; i < count; ++i) {
    if (i % kGroup == 0) run_sql(database, "BEGIN IMMEDIATE");
    sqlite3_bind_int64(insert, 1, static_cast<std::int64_t>(i + 1));
    sqlite3_bind_int64(insert, 2, static_cast<std::int64_t>(events[i].severity));
    text(3, events[i].source);
    text(4, events[i].kind);
    text(5, documents[i]);
    if (sqlite3_step(insert) != SQLITE_DONE) throw std::runtime_error(sqlite3_errmsg(database));
    sqlite3_reset(insert);
    if (i % kGroup == kGroup - 1 || i + 1 == count) run_sql(database, "COMMIT");
  }
  const double took = seconds_since(start);
  sqlite3_finalize(insert);
  sqlite3_close(database);
  return static_cast<double>(count) / took;
}

constexpr std::size_t kEvents = 1'000'000;

// A million events, written in large batches.
void fill_events(store::Store& store, WallTime at) {
  for (std::size_t i = 0; i < kEvents;) {
    store::Batch batch;
    for (std::size_t k = 0; k < 10'000; ++k, ++i)
      batch.events.push_back(event_of(i, at));
    store.commit(std::move(batch), [](const auto& done) {
      if (!done) std::terminate();
    });
    if (i % 100'000 == 0 && !store.flush()) throw std::runtime_error("flush");
  }
}

double query_ms(store::Store& store, const store::EventQuery& query) {
  Series runs;
  for (int i = 0; i < 9; ++i) {
    const auto start = SteadyClock::now();
    if (!store.events(query)) throw std::runtime_error("a query failed");
    runs.add(seconds_since(start) * 1000);
  }
  return runs.median();
}

}  // namespace

Lines store_row(Bench& bench) {
  constexpr std::size_t kCount = 60'000;
  Series ours;
  Series alone;
  pin_self(kAnyCore);  // the writer is a thread of its own
  for (int round = 0; round < 5; ++round) {
    const std::string number = std::to_string(round);
    ours.add(store_rate(bench.folder / ("store-" + number), bench.clock, kCount));
    alone.add(sqlite_rate(bench.folder / ("sqlite-" + number), bench.clock, kCount));
  }
  const double ratio = ours.ratio_to(alone);
  return {{"store, 60,000 events, each a commit of its own", ours.text(0) + " /s",
           "SQLite, groups of 1,000: " + alone.text(0) + " /s", fixed(ratio, 2), "at least 0.70",
           met_if(ratio >= 0.7)}};
}

Lines events_row(Bench& bench) {
  Lines lines;
  pin_self(kAnyCore);
  const fs::path root = bench.folder / "events";
  {
    const auto store = open_at(root, bench.clock);
    fill_events(*store, bench.clock.wall());
    if (!store->flush()) throw std::runtime_error("flush");
  }
  const auto opening = SteadyClock::now();
  const auto store = open_at(root, bench.clock);
  const double open_ms = seconds_since(opening) * 1000;
  lines.push_back({"open a store with 1,000,000 events", fixed(open_ms, 1) + " ms", "", "",
                   "at most 50 ms", met_if(open_ms <= 50)});
  struct Query {
    const char* what;
    store::EventQuery query;
  };
  const std::vector<Query> queries{
      {"the newest 200", {.limit = 200, .newest_first = true}},
      {"the newest 200 warnings",
       {.limit = 200, .at_least = model::Severity::kWarning, .newest_first = true}},
      {"the newest 200 of a device", {.limit = 200, .source = "v-107919", .newest_first = true}},
      {"a page of 200 in the middle", {.after = kEvents / 2, .limit = 200}},
      {"warnings of a device",
       {.limit = 200,
        .at_least = model::Severity::kWarning,
        .source = "v-100000",
        .newest_first = true}},
      {"the newest 200 of one kind",
       {.limit = 200, .kind_prefix = "device.", .newest_first = true}},
      {"a kind that is rare", {.limit = 200, .kind_prefix = "enrol.", .newest_first = true}},
  };
  double worst = 0;
  std::string told;
  for (const Query& query : queries) {
    const double took = query_ms(*store, query.query);
    worst = std::max(worst, took);
    told += (told.empty() ? "" : ", ") + std::string(query.what) + " " + fixed(took, 2);
  }
  lines.push_back({"queries of the views over 1,000,000 events, ms", told, "", "",
                   "each at most 5 ms", met_if(worst <= 5)});
  return lines;
}

}  // namespace ota::bench
