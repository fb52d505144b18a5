// The log of events is looked at when it is opened, signed while it grows, and its oldest events
// leave after the log itself has said so.
#include "main/log_keeper.h"

#include "model/event_kind.h"
#include "pki/authority.h"
#include "store/audit_head.h"
#include "store/state_file.h"
#include "tests/support/catch.h"
#include "tests/support/memory_store.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using ota::main::LogKeeper;

namespace {

struct KeptLog {
  test::TempFolder folder{test::TempFolder::fast_parent()};
  test::MemoryStore store;
  ManualClock clock{*parse_rfc3339("2026-08-20T14:03:22Z")};
  std::optional<pki::Authority> authority;
  std::vector<model::Event> told;
  store::Retention retention{std::chrono::hours(24), 1'000'000};

  KeptLog() {
    std::filesystem::create_directories(state());
    authority.emplace(pki::Authority::open_or_create(state(), {}, clock).value());
  }
  std::filesystem::path state() const { return folder.path() / "state"; }

  // As after a start: what it tells becomes an event.
  std::unique_ptr<LogKeeper> keeper() {
    auto made =
        LogKeeper::make(folder.path(), store, *authority, clock, [this](model::Event event) {
          told.push_back(event);
          store.commit({.events = {std::move(event)}}, {});
          REQUIRE(store.flush());
        });
    REQUIRE(made.has_value());
    return std::move(*made);
  }
  void add(int events) {
    store::Batch batch;
    for (int i = 0; i < events; ++i) {
      batch.events.emplace_back();
      batch.events.back().at = clock.wall();
      batch.events.back().kind = "test";
    }
    store.commit(std::move(batch), {});
    REQUIRE(store.flush());
  }
  void tick(LogKeeper& keeper) {
    keeper.tick(retention);
    REQUIRE(store.flush());
  }
  // An hour after the last look, and not before, events leave.
  void leaves_in_an_hour(LogKeeper& keeper) {
    clock.advance(std::chrono::minutes(59));
    tick(keeper);
    CHECK(take_told().empty());
    clock.advance(std::chrono::minutes(1));
    tick(keeper);
    CHECK(take_told() == std::vector<std::string>{std::string(store::kLogRetired)});
  }
  std::vector<std::string> take_told() {
    std::vector<std::string> kinds;
    for (const model::Event& event : std::exchange(told, {}))
      kinds.push_back(event.kind);
    return kinds;
  }
};

using Kinds = std::vector<std::string>;

}  // namespace

TEST_CASE("a first run has nothing to miss, and a stored log without a head is told", "[main]") {
  KeptLog log;
  log.keeper()->open(LogKeeper::Origin::kStored);
  CHECK(log.take_told().empty());  // no events, no head
  log.add(3);
  log.keeper()->open(LogKeeper::Origin::kFirstRun);
  CHECK(log.take_told().empty());
  log.keeper()->open(LogKeeper::Origin::kStored);
  CHECK(log.take_told() == Kinds{std::string(model::event_kind::kAuditNoHead)});
}

TEST_CASE("a log that goes on from its head is silent, one that does not is told and left unsigned",
          "[main]") {
  KeptLog log;
  log.add(10);
  log.keeper()->sign();
  log.add(2);
  log.keeper()->open(LogKeeper::Origin::kStored);
  CHECK(log.take_told().empty());
  log.store = test::MemoryStore();  // put back from an older copy
  log.add(5);
  const auto keeper = log.keeper();
  keeper->open(LogKeeper::Origin::kStored);
  CHECK(log.take_told() == Kinds{std::string(store::kLogForked)});
  log.add(20);
  keeper->sign();
  log.tick(*keeper);
  CHECK(log.take_told().empty());
  CHECK(store::read_checkpoint(log.state())->size == 10);
}

TEST_CASE("a head that cannot be written is told once, until it could be", "[main]") {
  KeptLog log;
  const auto keeper = log.keeper();
  const auto file = log.state() / store::kCheckpointFile;
  std::filesystem::create_directories(file / "in the way");
  const auto fails = [&] {
    log.add(1);
    log.clock.advance(seconds(60));
    log.tick(*keeper);
  };
  fails();
  CHECK(log.take_told() == Kinds{std::string(model::event_kind::kAuditSignFailed)});
  fails();
  CHECK(log.take_told().empty());
  std::filesystem::remove_all(file);
  fails();
  CHECK(log.take_told().empty());
  CHECK(store::read_checkpoint(log.state()).has_value());
  std::filesystem::remove(file);
  std::filesystem::create_directories(file / "in the way");
  fails();
  CHECK(log.take_told() == Kinds{std::string(model::event_kind::kAuditSignFailed)});
}

TEST_CASE("old events leave after the log has said so, and are looked for once an hour", "[main]") {
  KeptLog log;
  log.add(600);
  const auto keeper = log.keeper();
  log.tick(*keeper);
  CHECK(log.take_told().empty());  // none is old
  log.clock.advance(std::chrono::hours(25));
  log.tick(*keeper);
  CHECK(log.take_told() == Kinds{std::string(store::kLogRetired)});
  CHECK(log.store.log.contains(1));
  log.tick(*keeper);
  CHECK(log.take_told().empty());
  CHECK_FALSE(log.store.log.contains(512));
  CHECK(log.store.log.contains(513));
  log.tick(*keeper);  // nothing more is old enough in whole bundles
  log.add(300);
  log.retention.keep_most = 10;
  log.leaves_in_an_hour(*keeper);
}

TEST_CASE("no event leaves in the hour after the clock was set: it need not be old", "[main]") {
  KeptLog log;
  log.add(600);
  const auto keeper = log.keeper();
  log.tick(*keeper);
  log.clock.advance(std::chrono::hours(2));
  log.clock.set_wall(log.clock.wall() + std::chrono::hours(24 * 400));
  log.tick(*keeper);
  CHECK(log.take_told().empty());
  log.leaves_in_an_hour(*keeper);
}

TEST_CASE("no event leaves a log that is broken, or while nothing can be written", "[main]") {
  KeptLog log;
  log.add(600);
  log.clock.advance(std::chrono::hours(25));
  SECTION("broken") {
    log.keeper()->sign();
    log.store = test::MemoryStore();
    log.add(300);
    log.clock.advance(std::chrono::hours(25));
    const auto keeper = log.keeper();
    keeper->open(LogKeeper::Origin::kStored);
    CHECK(log.take_told() == Kinds{std::string(store::kLogForked)});
    log.tick(*keeper);
  }
  SECTION("not writable") {
    log.store.state.writable = false;
    log.tick(*log.keeper());
  }
  CHECK(log.take_told().empty());
}
