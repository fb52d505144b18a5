// How minutes of many devices lie in the store, and come back one device at a time.
#include "fleet/minutes.h"

#include <optional>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/memory_store.h"

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
    batch.puts =
        fleet::minute_rows(finished, static_cast<std::uint64_t>(now.time_since_epoch().count()));
    commit(std::move(batch));
  }
  void commit(store::Batch batch) {
    store.commit(std::move(batch), {});
    REQUIRE(store.flush());
  }
  fleet::MinutePage page(const std::string& id, WallTime from, WallTime to, std::size_t limit) {
    auto found = fleet::read_minutes(store, id, from, to, limit);
    REQUIRE(found.has_value());
    return std::move(*found);
  }
  std::vector<fleet::Minute> read(const std::string& id, WallTime to) {
    auto found = fleet::read_all_minutes(store, id, kBegin, to);
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
  kept.commit(fleet::expired_minutes(names, kBegin + minutes(5)));
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
  const auto some = kept.page("d-7", kBegin, kBegin + minutes(kRows), 300);
  REQUIRE(some.minutes.size() == 300);
  CHECK(some.minutes.back().at == all[299].at);
  const auto rest = kept.page("d-7", *some.next, kBegin + minutes(kRows), 300);
  REQUIRE(rest.minutes.size() == kRows / 2 - 300);
  CHECK(rest.minutes.front().at == all[300].at);
  CHECK_FALSE(rest.next);
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
  const auto two = kept.page("d-1", kBegin, kBegin + minutes(10), 2);
  CHECK(two.minutes.back().samples == 4);
  CHECK((*two.next == kBegin + minutes(5)));
}

TEST_CASE("single rows and blocks are read as one history, whichever is older",
          "[fleet][history]") {
  Minutes kept;
  kept.put({{"d-1", kBegin, summary(1)}, {"d-1", kBegin + minutes(2), summary(3)}},
           kBegin + minutes(3));
  store::Batch before;  // a program of before ran once more
  before.puts = {{"minutes", "d-1/2026-08-20T14:01", summary(2)},
                 {"minutes", "d-1/2026-08-20T14:02", summary(30)},
                 {"minutes", "d-1/2026-08-20T14:03", summary(4)}};
  kept.commit(std::move(before));
  const auto read = kept.read("d-1", kBegin + minutes(10));
  REQUIRE(read.size() == 4);
  for (unsigned i = 0; i < 4; ++i) {
    CHECK(read[i].at == kBegin + minutes(i));
    CHECK(read[i].samples == i + 1);
  }
  for (std::size_t limit = 1; limit < 5; ++limit) {
    std::vector<unsigned> samples;
    for (std::optional<WallTime> next = kBegin; next;) {
      const auto page = kept.page("d-1", *next, kBegin + minutes(10), limit);
      for (const fleet::Minute& minute : page.minutes)
        samples.push_back(minute.samples);
      next = page.next;
    }
    CHECK(samples == std::vector<unsigned>{1, 2, 3, 4});
  }
}

TEST_CASE("a device that is in none of its block's rows is looked for in bounded pages",
          "[fleet][history]") {
  Minutes kept;
  constexpr int kRows = 5000;
  std::string neighbour;  // of d-7's block
  for (int i = 0; neighbour.empty(); ++i) {
    const auto rows =
        fleet::minute_rows(std::vector<FinishedMinute>{{"d-7", kBegin, "{}"},
                                                       {"n-" + std::to_string(i), kBegin, "{}"}},
                           1);
    if (rows.size() == 1) neighbour = "n-" + std::to_string(i);
  }
  std::vector<FinishedMinute> finished;
  for (int i = 0; i < kRows; ++i)
    finished.push_back({neighbour, kBegin + minutes(i), summary(1)});
  finished.push_back({"d-7", kBegin + minutes(kRows - 1), summary(2)});
  kept.put(finished, kBegin + minutes(kRows));
  const auto first = kept.page("d-7", kBegin, kBegin + minutes(kRows), 100);
  CHECK(first.minutes.empty());
  REQUIRE(first.next);
  CHECK((*first.next < kBegin + minutes(kRows - 1)));
  CHECK(kept.read("d-7", kBegin + minutes(kRows)).size() == 1);
}
