// The store when the disk fills up, writes fail, or the process is killed: what was acknowledged is
// there, what was refused is not, and the log of events has no gap.
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <iostream>
#include <mutex>
#include <random>
#include <set>

#include "base/file.h"
#include "sim/small_disk.h"
#include "store/event_document.h"
#include "store/log_verify.h"
#include "store/sqlite/database.h"
#include "store/sqlite/schema.h"
#include "store/sqlite/sqlite_store.h"
#include "tests/support/catch.h"
#include "tests/support/failing_vfs.h"
#include "tests/support/temp_folder.h"
#include "tests/support/wait.h"

using namespace ota;
using namespace ota::store;

namespace {

const SystemClock kClock;

Batch batch_for(int number) {
  model::Event event;
  event.at = kClock.wall();
  event.kind = "test.batch";
  event.source = "iot-001";
  event.message = "batch " + std::to_string(number);
  event.data = {{"n", number}};
  return {.puts = {{"devices", std::to_string(number), std::to_string(number)}},
          .erases = {},
          .events = {event}};
}

// Commits and waits; the outcome.
Result<void> commit_now(Store& store, int number) {
  std::promise<Result<void>> done;
  store.commit(batch_for(number), [&](const auto& result) {
    done.set_value(result ? Result<void>() : result.error());
  });
  return done.get_future().get();
}

// The batches that are in the store, after the log was verified; documents and events must agree.
std::set<int> batches_in(Store& store) {
  const std::uint64_t size = store.last_event();
  const auto root = tree_of(store, size).root();
  REQUIRE(root.has_value());
  const auto report = verify_log(store, audit::Checkpoint{"test", size, *root});
  REQUIRE(report.has_value());
  if (report->fault) FAIL(report->fault->what);
  std::set<int> from_events;
  const auto events = store.events({.limit = 1000000});
  REQUIRE(events.has_value());
  for (const model::Event& event : *events)
    from_events.insert(event.data.at("n").get<int>());
  std::set<int> from_documents;
  const auto documents = store.load("devices");
  REQUIRE(documents.has_value());
  for (const Document& document : *documents)
    from_documents.insert(std::stoi(document.key));
  CHECK(from_events == from_documents);
  return from_events;
}

// How a console ended: its database is closed, or keeps a write-ahead log beside it.
enum class End : std::uint8_t { kInOrder, kKilled };

// Commits batches 0 to 4, in a process that then ends.
void leave_five_batches(const std::filesystem::path& path, End end) {
  const pid_t writer = ::fork();
  REQUIRE(writer >= 0);
  if (writer == 0) {
    auto store = open_sqlite(path, kClock);
    if (!store) ::_exit(1);
    for (int number = 0; number < 5; ++number) {
      if (!commit_now(**store, number)) ::_exit(2);
    }
    if (end == End::kInOrder) store->reset();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(writer, &status, 0) == writer);
  REQUIRE(status == 0);
}

const std::set<int> kFive{0, 1, 2, 3, 4};

// What a store must do that was opened on a disk that takes no writes.
void check_reads_alone(const Result<std::unique_ptr<Store>>& store) {
  if (!store) FAIL(store.error().text());
  CHECK(batches_in(**store) == kFive);
  CHECK((*store)->last_event() == 5);
  CHECK((*store)->export_state().has_value());
  CHECK_FALSE(commit_now(**store, 5).has_value());
  CHECK_FALSE((*store)->health().writable);
  CHECK_FALSE((*store)->health().problem.empty());
  CHECK(batches_in(**store) == kFive);
}

void check_saves_again(Store& store) {
  CHECK(test::wait_until([&] { return store.health().writable; }));
  const auto committed = commit_now(store, 5);
  if (!committed) FAIL(committed.error().text());
  CHECK(batches_in(store) == std::set<int>{0, 1, 2, 3, 4, 5});
  CHECK(store.export_state().has_value());
}

}  // namespace

TEST_CASE("a write that fails at any point loses nothing acknowledged and applies nothing else",
          "[store][fault]") {
  for (const int error : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    for (int after = 0; after < 12; ++after) {
      INFO("error " << error << " after " << after << " writes");
      const test::TempFolder folder;
      const auto path = folder.path() / "ota.db";
      test::FailingVfs disk("failing");
      std::set<int> acknowledged;
      {
        auto store = open_sqlite(path, kClock, {.vfs = disk.name()});
        REQUIRE(store.has_value());
        REQUIRE(commit_now(**store, 1));
        acknowledged.insert(1);
        disk.fail(after, error);
        for (int number = 2; number < 10; ++number) {
          const auto outcome = commit_now(**store, number);
          if (outcome) {
            acknowledged.insert(number);
          } else {
            CHECK(outcome.error().code == (error == SQLITE_FULL ? Errc::kFull : Errc::kIo));
            CHECK_FALSE((*store)->health().writable);
          }
        }
        CHECK(acknowledged.size() < 9);
        disk.recover();
        REQUIRE(commit_now(**store, 10));
        acknowledged.insert(10);
        CHECK((*store)->health().writable);
        CHECK((*store)->last_event() == acknowledged.size());
        CHECK(batches_in(**store) == acknowledged);
      }
      auto again = open_sqlite(path, kClock);
      REQUIRE(again.has_value());
      CHECK(batches_in(**again) == acknowledged);
    }
  }
}

TEST_CASE("batches that a failing disk takes or refuses among others leave no gap",
          "[store][fault]") {
  const test::TempFolder folder;
  test::FailingVfs disk("failing");
  auto store = open_sqlite(folder.path() / "ota.db", kClock, {.vfs = disk.name()});
  REQUIRE(commit_now(**store, 0));
  std::mutex mutex;
  std::set<int> acknowledged{0};
  std::atomic<int> answered = 0;
  disk.fail(40, SQLITE_FULL);
  for (int number = 1; number <= 2000; ++number) {
    if (number == 1500) disk.recover();
    (*store)->commit(batch_for(number), [&, number](const auto& result) {
      ++answered;
      const std::lock_guard lock(mutex);
      if (result) acknowledged.insert(number);
    });
  }
  (void)(*store)->flush();
  CHECK(answered == 2000);
  REQUIRE(commit_now(**store, 2001));
  acknowledged.insert(2001);
  CHECK(batches_in(**store) == acknowledged);
  CHECK((*store)->last_event() == acknowledged.size());
}

TEST_CASE("a full disk shows in the health with its beginning, and mends without a commit",
          "[store][fault][threads]") {
  const test::TempFolder folder;
  test::FailingVfs disk("failing");
  auto store = open_sqlite(folder.path() / "ota.db", kClock,
                           {.vfs = disk.name(), .probe_every = milliseconds(10)});
  REQUIRE(store.has_value());
  CHECK((*store)->health().writable);
  const WallTime before = kClock.wall();
  disk.fail(0, SQLITE_FULL);
  CHECK_FALSE(commit_now(**store, 1).has_value());
  const Health sick = (*store)->health();
  CHECK_FALSE(sick.writable);
  CHECK(sick.since >= before);
  CHECK(sick.problem.find("full") != std::string::npos);
  CHECK_FALSE(commit_now(**store, 2).has_value());
  CHECK((*store)->health().since == sick.since);
  disk.recover();
  CHECK(test::wait_until([&] { return (*store)->health().writable; }));
  CHECK(batches_in(**store).empty());
}

TEST_CASE("opened while nothing can be written, a store serves what was committed, and mends",
          "[store][fault][threads]") {
  const auto end = GENERATE(End::kInOrder, End::kKilled);
  const auto error = GENERATE(SQLITE_FULL, SQLITE_IOERR_SHMSIZE);
  INFO((end == End::kInOrder ? "in order" : "killed") << ", error " << error);
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  leave_five_batches(path, end);
  test::FailingVfs disk("failing");
  disk.fail(0, error);
  const auto store =
      open_sqlite(path, kClock, {.vfs = disk.name(), .probe_every = milliseconds(10)});
  check_reads_alone(store);
  disk.recover();
  check_saves_again(**store);
}

TEST_CASE("opened on a full or a read-only disk, a store serves what was committed, and mends",
          "[store][fault][threads]") {
  const bool full = GENERATE(true, false);
  const auto end = GENERATE(End::kInOrder, End::kKilled);
  INFO((end == End::kInOrder ? "in order, " : "killed, ") << (full ? "full" : "read-only"));
  const test::TempFolder folder;
  const sim::SmallDisk disk(folder.path());
  if (!disk.made()) {
    WARN("only root can mount a disk to fill; not tried");
    return;
  }
  const auto path = folder.path() / "ota.db";
  leave_five_batches(path, end);
  const auto remount = [&](unsigned long flags) {
    REQUIRE(::mount("none", folder.path().c_str(), nullptr, MS_REMOUNT | flags, "size=24m") == 0);
  };
  if (full) {
    REQUIRE(disk.fill());
  } else {
    remount(MS_RDONLY);
  }
  {
    const auto store = open_sqlite(path, kClock, {.vfs = {}, .probe_every = milliseconds(10)});
    check_reads_alone(store);
    CHECK(open_sqlite(path, kClock).error().code == Errc::kConflict);
    if (full) {
      REQUIRE(disk.make_room());
    } else {
      remount(0);
    }
    check_saves_again(**store);
  }
  const auto again = open_sqlite(path, kClock);
  REQUIRE(again.has_value());
  CHECK((*again)->last_event() == 6);
}

TEST_CASE("what is acknowledged was synced to the disk before", "[store][fault]") {
  const test::TempFolder folder;
  test::FailingVfs disk("counting");
  auto store = open_sqlite(folder.path() / "ota.db", kClock, {.vfs = disk.name()});
  REQUIRE(store.has_value());
  for (int number = 0; number < 5; ++number) {
    const int before = disk.syncs();
    REQUIRE(commit_now(**store, number));
    CHECK(disk.syncs() > before);
  }
}

TEST_CASE("a disk with room for a page and not for a minute's work is still full",
          "[store][fault][threads]") {
  const test::TempFolder folder;
  test::FailingVfs disk("nearly full");
  auto store = open_sqlite(folder.path() / "ota.db", kClock,
                           {.vfs = disk.name(), .probe_every = milliseconds(10)});
  REQUIRE(store.has_value());
  disk.fail(0, SQLITE_FULL);
  REQUIRE_FALSE(commit_now(**store, 1).has_value());
  const int refused = disk.refused();
  disk.leave_room(100'000);
  CHECK(test::wait_until(
      [&] { return disk.refused() >= refused + 3 || (*store)->health().writable; }));
  CHECK_FALSE((*store)->health().writable);
  disk.recover();
  CHECK(test::wait_until([&] { return (*store)->health().writable; }));
}

TEST_CASE("the state of an older program is read where nothing can be written", "[store][fault]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  constexpr std::size_t kReleased = 3;
  {
    auto database = Database::open(path, Database::Mode::kCreate, "");
    REQUIRE(prepare_schema(*database, migrations().first(kReleased)));
    REQUIRE(database->run("INSERT INTO documents VALUES('devices', 'iot-001', '{}')"));
  }
  test::FailingVfs disk("failing");
  disk.fail(0, SQLITE_FULL);
  const auto store = open_sqlite(path, kClock, {.vfs = disk.name()});
  if (!store) FAIL(store.error().text());
  CHECK((*store)->load("devices")->size() == 1);
  CHECK((*store)->changes(0, 10)->empty());
  CHECK_FALSE((*store)->health().writable);
}

TEST_CASE("a store that is there and right is opened without a write", "[store][fault]") {
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  leave_five_batches(path, End::kInOrder);
  REQUIRE(open_sqlite(path, kClock).has_value());
  const auto log = std::filesystem::path(path.string() + "-wal");
  const auto store = open_sqlite(path, kClock);
  REQUIRE(store.has_value());
  CHECK(std::filesystem::file_size(log) == 0);
}

TEST_CASE("an import that runs out of space replaces nothing", "[store][fault]") {
  const test::TempFolder folder;
  test::FailingVfs disk("failing");
  auto store = open_sqlite(folder.path() / "ota.db", kClock, {.vfs = disk.name()});
  for (int number = 0; number < 5; ++number)
    REQUIRE(commit_now(**store, number));
  const std::string before = (*store)->export_state().value();
  disk.fail(1, SQLITE_FULL);
  const std::string empty =
      "{\"format\":\"secure-ota-state\",\"version\":1,\"documents\":{},\"events\":[]}";
  CHECK((*store)->import_state(empty).error().code == Errc::kFull);
  disk.recover();
  CHECK((*store)->export_state().value() == before);
  REQUIRE(commit_now(**store, 5));
  CHECK((*store)->last_event() == 6);
}

TEST_CASE("kill -9 during commits loses nothing that was acknowledged", "[store][fault]") {
  constexpr int kRounds = 20;
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  std::mt19937 random(20260820);
  int next = 0;
  int last_acknowledged = -1;
  for (int round = 0; round < kRounds; ++round) {
    std::array<int, 2> ends{};
    REQUIRE(::pipe(ends.data()) == 0);
    const FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);
    const pid_t writer = ::fork();
    REQUIRE(writer >= 0);
    if (writer == 0) {
      auto store = open_sqlite(path, kClock);
      if (!store) ::_exit(1);
      for (int number = next;; ++number) {
        (*store)->commit(batch_for(number), [&, number](const auto& result) {
          if (result && ::write(writing.get(), &number, sizeof number) < 0) ::_exit(2);
        });
        if (number % 16 == 15) (void)(*store)->flush();
      }
    }
    writing.reset();
    const int wanted = 1 + static_cast<int>(random() % 400);
    int number = 0;
    for (int got = 0; got < wanted; ++got) {
      REQUIRE(::read(reading.get(), &number, sizeof number) == sizeof number);
      last_acknowledged = number;
    }
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    while (::read(reading.get(), &number, sizeof number) == sizeof number)
      last_acknowledged = number;  // said before it died

    auto store = open_sqlite(path, kClock);
    if (!store) FAIL(store.error().text());
    const std::set<int> present = batches_in(**store);
    REQUIRE(*present.rbegin() >= last_acknowledged);
    REQUIRE(present.size() == static_cast<std::size_t>(*present.rbegin() + 1));
    next = *present.rbegin() + 1;
  }
}

// Run by name: it prints figures, and a busy machine proves nothing.
TEST_CASE("figures: 100,000 devices and 200,000 events", "[.bench-store]") {
  using Clk = std::chrono::steady_clock;
  const auto since = [](Clk::time_point start) {
    return std::chrono::duration<double>(Clk::now() - start).count();
  };
  const test::TempFolder folder;
  const auto path = folder.path() / "ota.db";
  {
    auto store = open_sqlite(path, kClock);
    auto start = Clk::now();
    for (int i = 0; i < 100000; ++i) {
      (*store)->commit({.puts = {{"devices", "iot-" + std::to_string(i), std::string(600, ' ')}},
                        .erases = {},
                        .events = {}},
                       nullptr);
    }
    REQUIRE((*store)->flush());
    std::cout << "write 100,000 devices: " << since(start) << " s\n";
    start = Clk::now();
    for (int i = 0; i < 200000; ++i) {
      Batch batch = batch_for(i);
      batch.puts.clear();
      if (i % 1000 == 0) batch.events[0].severity = model::Severity::kError;
      (*store)->commit(std::move(batch), nullptr);
    }
    REQUIRE((*store)->flush());
    std::cout << "write 200,000 events in single batches: " << since(start) << " s\n";
  }
  {
    // The same rows by SQLite alone: a loop over a prepared statement, 1,000 in a transaction.
    auto raw = Database::open(folder.path() / "raw.db", Database::Mode::kCreate, "");
    REQUIRE(prepare_schema(*raw, migrations()));
    auto insert = raw->prepare(
        "INSERT INTO events(seq, severity, source, kind, document) "
        "VALUES(?1, ?2, ?3, ?4, ?5)");
    Batch batch = batch_for(1);
    const std::string document = event_document(batch.events[0]);
    const auto start = Clk::now();
    for (int i = 0; i < 200000; ++i) {
      if (i % 1000 == 0) REQUIRE(raw->run("BEGIN IMMEDIATE"));
      insert->bind(1, std::int64_t{i});
      insert->bind(2, std::int64_t{i % 1000 == 0 ? 3 : 0});
      insert->bind(3, "iot-001");
      insert->bind(4, "test.batch");
      insert->bind(5, document);
      REQUIRE(insert->run());
      if (i % 1000 == 999) REQUIRE(raw->run("COMMIT"));
    }
    std::cout << "the same rows by SQLite alone: " << since(start) << " s\n";
  }
  auto start = Clk::now();
  auto store = open_sqlite(path, kClock);
  std::cout << "open: " << since(start) * 1000 << " ms\n";
  start = Clk::now();
  CHECK((*store)->load("devices")->size() == 100000);
  std::cout << "load 100,000 devices: " << since(start) << " s\n";
  start = Clk::now();
  CHECK((*store)->events({.limit = 100, .newest_first = true})->size() == 100);
  std::cout << "newest 100 events: " << since(start) * 1000 << " ms\n";
  start = Clk::now();
  CHECK((*store)
            ->events({.limit = 100, .at_least = model::Severity::kError, .newest_first = true})
            ->size() == 100);
  std::cout << "newest 100 errors: " << since(start) * 1000 << " ms\n";
}
