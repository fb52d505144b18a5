// What every store promises (store.h), held against each: the one in memory that other tests use,
// SQLite with a thread of its own, and SQLite that an executor runs by hand.
#include <atomic>
#include <deque>
#include <optional>

#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "store/store.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace ota;
using namespace ota::store;

namespace {

const SystemClock kContractClock;

struct InMemory {
  std::unique_ptr<Store> store = std::make_unique<test::MemoryStore>();
};

struct WithThread {
  test::TempFolder folder;
  std::unique_ptr<Store> store = std::move(*open_sqlite(folder.path() / "ota.db", kContractClock));
};

struct ByHand {
  test::TempFolder folder;
  std::deque<std::function<void()>> tasks;
  std::unique_ptr<Store> store = std::move(
      *open_sqlite(folder.path() / "ota.db", kContractClock,
                   {.executor = [this](auto task) { tasks.push_back(std::move(task)); }}));
};

model::Event happened(std::string source) {
  model::Event event;
  event.at = *parse_rfc3339("2026-08-20T14:03:22Z");
  event.kind = "test.happened";
  event.source = std::move(source);
  event.message = "it happened";
  return event;
}

// Commits and waits.
Result<Committed> outcome_of(Store& store, Batch batch) {
  std::optional<Result<Committed>> outcome;
  store.commit(std::move(batch), [&](Result<Committed> result) { outcome = std::move(result); });
  (void)store.flush();
  REQUIRE(outcome.has_value());
  return std::move(*outcome);
}

bool commits(Store& store, Batch batch) {
  return outcome_of(store, std::move(batch)).has_value();
}

Result<std::string> take_now(Store& store, const std::string& key) {
  std::optional<Result<std::string>> outcome;
  store.take("enrolments", key, [&](Result<std::string> result) { outcome = std::move(result); });
  (void)store.flush();
  REQUIRE(outcome.has_value());
  return std::move(*outcome);
}

std::uint64_t revision_of(Store& store, const std::string& key) {
  for (const Document& document : *store.load("devices")) {
    if (document.key == key) return document.revision;
  }
  return 0;
}

}  // namespace

#define EACH_STORE InMemory, WithThread, ByHand

TEMPLATE_TEST_CASE("events get their numbers when they are committed, in the order of commits",
                   "[store]", EACH_STORE) {
  TestType it;
  const auto first = outcome_of(*it.store, {.events = {happened("a"), happened("b")}});
  const auto second = outcome_of(*it.store, {.events = {happened("c")}});
  REQUIRE(first.has_value());
  REQUIRE(first->events.size() == 2);
  CHECK(first->events[0].seq == 1);
  CHECK(first->events[1].seq == 2);
  CHECK(second->events.at(0).seq == 3);
  CHECK(it.store->last_event() == 3);
  const auto stored = it.store->events({});
  REQUIRE(stored->size() == 3);
  CHECK(stored->at(2).source == "c");
}

TEMPLATE_TEST_CASE("a document is written only over the revision that was expected", "[store]",
                   EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  REQUIRE(commits(store, {.puts = {{"devices", "a", "1", 0}}}));
  CHECK(outcome_of(store, {.puts = {{"devices", "a", "2", 0}}}).error().code == Errc::kConflict);
  const std::uint64_t seen = revision_of(store, "a");
  REQUIRE(commits(store, {.puts = {{"devices", "a", "3", seen}}}));
  const auto late = outcome_of(store, {.puts = {{"devices", "b", "4"}, {"devices", "a", "4", seen}},
                                       .events = {happened("a")}});
  CHECK(late.error().code == Errc::kConflict);
  CHECK(store.get("devices", "a")->value() == "3");
  CHECK_FALSE(store.get("devices", "b")->has_value());  // nothing of the batch was applied
  CHECK(store.last_event() == 0);
  CHECK(store.health().writable);
}

TEMPLATE_TEST_CASE("a document that was made anew has not the revision of the one before",
                   "[store]", EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  REQUIRE(commits(store, {.puts = {{"devices", "a", "1"}}}));
  const std::uint64_t seen = revision_of(store, "a");
  REQUIRE(commits(store, {.erases = {{"devices", "a"}}}));
  REQUIRE(commits(store, {.puts = {{"devices", "a", "2"}}}));
  CHECK(outcome_of(store, {.puts = {{"devices", "a", "3", seen}}}).error().code == Errc::kConflict);
}

TEMPLATE_TEST_CASE("of many that take a document one gets it", "[store]", EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  REQUIRE(commits(store, {.puts = {{"enrolments", "token", R"({"id":"a"})"}}}));
  int got = 0;
  int refused = 0;
  for (int i = 0; i < 5; ++i) {
    store.take("enrolments", "token", [&](const Result<std::string>& taken) {
      if (taken) {
        CHECK(*taken == R"({"id":"a"})");
        ++got;
      } else {
        CHECK(taken.error().code == Errc::kNotFound);
        ++refused;
      }
    });
  }
  REQUIRE(store.flush());
  CHECK(got == 1);
  CHECK(refused == 4);
  CHECK(store.load("enrolments")->empty());
  CHECK(take_now(store, "token").error().code == Errc::kNotFound);
}

TEMPLATE_TEST_CASE("a name that is claimed is its holder's until it is released", "[store]",
                   EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  const auto claim = [&](const std::string& holder) {
    return outcome_of(store,
                      {.puts = {{"jobs", holder, "{}"}}, .claims = {{"job/iot-001", holder}}});
  };
  REQUIRE(claim("job-1").has_value());
  REQUIRE(claim("job-1").has_value());
  const auto second = claim("job-2");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == Errc::kConflict);
  CHECK(second.error().context.find("job-1") != std::string::npos);
  CHECK_FALSE(store.get("jobs", "job-2")->has_value());
  REQUIRE(commits(store, {.releases = {"job/iot-001"}}));
  CHECK(claim("job-2").has_value());
  // Handed on in one batch.
  CHECK(commits(store, {.claims = {{"job/iot-001", "job-3"}}, .releases = {"job/iot-001"}}));
  CHECK(claim("job-2").error().code == Errc::kConflict);
}

TEMPLATE_TEST_CASE("the changes tell each event in order, with the documents of its batch",
                   "[store]", EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  REQUIRE(commits(store, {.puts = {{"devices", "a", "1"}},
                          .erases = {{"jobs", "j"}},
                          .events = {happened("a"), happened("a")}}));
  REQUIRE(commits(store, {.puts = {{"minutes", "m", "1"}}}));
  REQUIRE(commits(store, {.events = {happened("b")}}));
  const auto changes = store.changes(0, 10);
  REQUIRE(changes->size() == 3);
  CHECK(changes->at(0).touched.empty());
  using Keys = std::vector<std::pair<std::string, std::string>>;
  CHECK(changes->at(1).touched == Keys{{"devices", "a"}, {"jobs", "j"}});
  CHECK(changes->at(2).event.source == "b");
  CHECK(changes->at(2).event.seq == 3);
  CHECK(store.changes(1, 1)->at(0).event.seq == 2);
  CHECK(store.changes(3, 10)->empty());
}

TEMPLATE_TEST_CASE("the bell rings after a commit that brought events, and no more once it is off",
                   "[store]", EACH_STORE) {
  TestType it;
  Store& store = *it.store;
  std::atomic<int> rang = 0;
  store.on_change([&] { ++rang; });
  REQUIRE(commits(store, {.puts = {{"devices", "a", "1"}}}));
  store.on_change({});  // waits for a call that is running
  CHECK(rang == 0);
  store.on_change([&] { ++rang; });
  REQUIRE(commits(store, {.events = {happened("a")}}));
  CHECK(test::wait_until([&] { return rang == 1; }));
  store.on_change({});
  REQUIRE(commits(store, {.events = {happened("a")}}));
  CHECK(rang == 1);
}

TEST_CASE("a store that an executor runs writes nothing before its task runs", "[store]") {
  ByHand it;
  bool done = false;
  it.store->commit({.events = {happened("a")}},
                   [&](const auto& result) { done = result.has_value(); });
  it.store->commit({.events = {happened("b")}}, {});
  CHECK_FALSE(done);
  CHECK(it.store->last_event() == 0);
  REQUIRE(it.tasks.size() == 1);  // one task for all that is queued
  it.tasks.front()();
  CHECK(done);
  CHECK(it.store->last_event() == 2);
  it.tasks.clear();
  it.store->commit({.events = {happened("c")}}, {});
  REQUIRE(it.tasks.size() == 1);
  it.store.reset();  // writes what is queued; the task that is left finds nothing
  it.tasks.front()();
  auto again = open_sqlite(it.folder.path() / "ota.db", kContractClock);
  CHECK((*again)->last_event() == 3);
}
