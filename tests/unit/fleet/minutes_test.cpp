// How minutes of many devices lie in the store, and come back one device at a time.
#include "fleet/minutes.h"

#include <set>

#include "store/retention.h"
#include "tests/support/catch.h"
#include "tests/unit/fleet/memory_store.h"

using namespace ota;
using fleet::FinishedMinute;
using std::chrono::minutes;

namespace {

const WallTime kBegin = *parse_rfc3339("2026-08-20T14:00:00Z");

std::string device(int number) {
  return "d-" + std::to_string(number);
}

std::string summary(unsigned samples) {
  return dump_json(Json{{"samples", samples}});
}

struct Minutes {
  test::MemoryStore store;

  void put(const std::vector<FinishedMinute>& finished, WallTime now) {
    store::Batch batch;
    batch.puts = fleet::minute_rows(finished, now);
    commit(std::move(batch));
  }
  void commit(store::Batch batch) {
    store.commit(std::move(batch), {});
    REQUIRE(store.flush());
  }
  std::vector<fleet::Minute> read(const std::string& id, WallTime to, std::size_t limit = 10'000) {
    auto found = fleet::read_minutes(store, id, kBegin, to, limit);
    REQUIRE(found.has_value());
    return std::move(*found);
  }
};

}  // namespace

TEST_CASE("devices share the rows of their blocks, and each reads its own minutes",
          "[fleet][history]") {
  constexpr int kDevices = 3000;
  Minutes kept;
  for (int minute = 0; minute < 2; ++minute) {
    std::vector<FinishedMinute> finished;
    for (int i = 0; i < kDevices; ++i)
      finished.push_back(
          {device(i), kBegin + minutes(minute), summary(static_cast<unsigned>(i + minute + 1))});
    kept.put(finished, kBegin + minutes(minute + 1));
  }
  const std::size_t blocks = fleet::minute_blocks().size();
  CHECK(kept.store.documents["minutes"].size() <= 2 * blocks);
  CHECK(kept.store.documents["minutes"].size() > blocks);  // spread, not heaped
  for (const int i : {0, 1, 17, 299, kDevices - 1}) {
    const auto read = kept.read(device(i), kBegin + minutes(10));
    REQUIRE(read.size() == 2);
    CHECK(read[0].at == kBegin);
    CHECK(read[0].samples == static_cast<unsigned>(i + 1));
    CHECK(read[1].at == kBegin + minutes(1));
    CHECK(read[1].samples == static_cast<unsigned>(i + 2));
  }
  CHECK(kept.read(device(5), kBegin + minutes(1)).size() == 1);
  CHECK(kept.read("nobody", kBegin + minutes(10)).empty());
}

TEST_CASE("every row of the blocks is among those whose time is up", "[fleet][history]") {
  Minutes kept;
  std::vector<FinishedMinute> finished;
  for (int i = 0; i < 300; ++i) {
    finished.push_back({device(i), kBegin, summary(1)});
    finished.push_back({device(i), kBegin + minutes(5), summary(1)});
  }
  kept.put(finished, kBegin + minutes(6));
  const auto names = fleet::minute_blocks();
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
  kept.commit(store::expired_minutes(names, kBegin + minutes(5)));
  for (int i = 0; i < 300; ++i) {
    const auto left = kept.read(device(i), kBegin + minutes(10));
    REQUIRE(left.size() == 1);
    CHECK(left[0].at == kBegin + minutes(5));
  }
}

TEST_CASE("a long history is read in pages, up to the limit, though others share its rows",
          "[fleet][history]") {
  Minutes kept;
  constexpr int kRows = 700;
  std::vector<FinishedMinute> finished;
  for (int i = 0; i < kRows; ++i) {
    // In every second minute it was silent, and its row holds another's alone.
    if (i % 2 == 0) finished.push_back({"d-7", kBegin + minutes(i), summary(1)});
    for (int other = 0; other < 20; ++other)
      finished.push_back({device(other * 100 + 8), kBegin + minutes(i), summary(2)});
  }
  kept.put(finished, kBegin + minutes(kRows));
  const auto all = kept.read("d-7", kBegin + minutes(kRows));
  REQUIRE(all.size() == kRows / 2);
  for (std::size_t i = 0; i < all.size(); ++i)
    CHECK(all[i].at == kBegin + minutes(2 * static_cast<int>(i)));
  const auto some = kept.read("d-7", kBegin + minutes(kRows), 300);
  REQUIRE(some.size() == 300);
  CHECK(some.back().at == all[299].at);
}

TEST_CASE("of a minute that was written twice the later word counts", "[fleet][history]") {
  Minutes kept;
  kept.put({{"d-1", kBegin, summary(40)}, {"d-2", kBegin, summary(50)}}, kBegin + minutes(1));
  kept.put({{"d-1", kBegin, summary(7)}}, kBegin + minutes(2));  // the clock was set back
  const auto read = kept.read("d-1", kBegin + minutes(10));
  REQUIRE(read.size() == 1);
  CHECK(read[0].samples == 7);
  CHECK(kept.read("d-2", kBegin + minutes(10)).at(0).samples == 50);
}

TEST_CASE("minutes stored a row for each device come first, and damaged rows hide no others",
          "[fleet][history]") {
  Minutes kept;
  store::Batch before;
  before.puts = {{"minutes", "d-1/2026-08-20T14:00", summary(3)},
                 {"minutes", "d-1/2026-08-20T14:01", "{\"samples\":"},
                 {"minutes", "d-1/2026-08-20T14:02", summary(4)}};
  kept.commit(std::move(before));
  kept.put({{"d-1", kBegin + minutes(3), "{\"samples\":"}}, kBegin + minutes(4));
  kept.put({{"d-1", kBegin + minutes(4), R"({"samples":5,"cpu":"high"})"}}, kBegin + minutes(5));
  kept.put({{"d-1", kBegin + minutes(5), summary(6)}}, kBegin + minutes(6));
  const auto read = kept.read("d-1", kBegin + minutes(10));
  REQUIRE(read.size() == 3);
  CHECK(read[0].samples == 3);
  CHECK(read[1].samples == 4);
  CHECK(read[2].samples == 6);
  CHECK(kept.read("d-1", kBegin + minutes(10), 2).back().samples == 4);
}
