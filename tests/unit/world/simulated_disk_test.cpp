#include "world/simulated_disk.h"

#include <string>

#include "base/clock.h"
#include "store/sqlite/database.h"
#include "tests/support/catch.h"

namespace ota::world {
namespace {

using store::Database;

Database opened(const SimulatedDisk& disk) {
  auto database = Database::open("a.db", Database::Mode::kCreate, disk.name());
  REQUIRE(database.has_value());
  REQUIRE(database->run("PRAGMA journal_mode=WAL"));
  return std::move(*database);
}

std::int64_t rows(const SimulatedDisk& disk) {
  Database database = opened(disk);
  const auto count = database.number("SELECT count(*) FROM t");
  REQUIRE(count.has_value());
  return *count;
}

TEST_CASE("what was synced outlives every power cut, and a cut leaves no torn database",
          "[world]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SimulatedDisk disk("disk-test-" + std::to_string(seed));
    Random random(seed);
    Database writing = opened(disk);
    REQUIRE(writing.run("PRAGMA synchronous=FULL"));
    REQUIRE(writing.run("CREATE TABLE t(x)"));
    for (int i = 0; i < 20; ++i)
      REQUIRE(writing.run("INSERT INTO t VALUES(zeroblob(3000))"));
    REQUIRE(writing.run("BEGIN"));
    REQUIRE(writing.run("INSERT INTO t VALUES(1)"));
    disk.power_cut(random);
    CHECK(rows(disk) == 20);
  }
}

TEST_CASE("what was not synced may be lost by a power cut, and not by a kill", "[world]") {
  bool lost = false;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SimulatedDisk disk("disk-test-" + std::to_string(seed));
    Random random(seed);
    Database writing = opened(disk);
    REQUIRE(writing.run("PRAGMA synchronous=FULL"));
    REQUIRE(writing.run("CREATE TABLE t(x)"));
    REQUIRE(writing.run("PRAGMA synchronous=OFF"));
    REQUIRE(writing.run("INSERT INTO t VALUES(1)"));
    CHECK(disk.unsynced() > 0);
    if (seed % 2 == 0) {
      disk.kill();
      CHECK(rows(disk) == 1);
    } else {
      disk.power_cut(random);
      lost = lost || rows(disk) == 0;
    }
  }
  CHECK(lost);
}

TEST_CASE("after a kill nothing that is still open reaches the disk", "[world]") {
  SimulatedDisk disk("disk-test");
  Database writing = opened(disk);
  REQUIRE(writing.run("CREATE TABLE t(x)"));
  disk.kill();
  CHECK_FALSE(writing.run("INSERT INTO t VALUES(1)").has_value());
  CHECK(rows(disk) == 0);
}

TEST_CASE("a full disk refuses writes until there is room", "[world]") {
  SimulatedDisk disk("disk-test");
  Database writing = opened(disk);
  REQUIRE(writing.run("CREATE TABLE t(x)"));
  disk.set_full(true);
  const auto refused = writing.run("INSERT INTO t VALUES(1)");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::kFull);
  disk.set_full(false);
  CHECK(writing.run("INSERT INTO t VALUES(1)").has_value());
}

}  // namespace
}  // namespace ota::world
