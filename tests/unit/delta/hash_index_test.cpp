#include "delta/hash_index.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using delta::HashIndex;

TEST_CASE("a piece of the base that holds a hashed position is found, as long as it goes on",
          "[delta]") {
  const Bytes base = test::noise(10'000, 3);
  HashIndex index(base, base.size(), 8);
  index.add(0, base.size());
  const ByteView whole(base);
  for (std::size_t at = 0; at + 16 <= base.size(); at += 8) {
    CAPTURE(at);
    const auto found = index.longest(whole.subspan(at));
    // A bucket that was full does not know it: few are.
    if (found.length == 0) continue;
    CHECK(found.at == at);
    CHECK(found.length == base.size() - at);
  }
  CHECK(index.longest(whole.subspan(1)).length == 0);  // between two positions
  CHECK(index.longest(whole.first(15)).length == 0);
  CHECK(index.longest(test::noise(100, 4)).length == 0);
}

TEST_CASE("most positions are known where each has its place", "[delta]") {
  const Bytes base = test::noise(100'000, 5);
  HashIndex index(base, base.size(), 4);
  index.add(0, base.size());
  std::size_t known = 0;
  std::size_t all = 0;
  for (std::size_t at = 0; at + 16 <= base.size(); at += 4, ++all)
    known += index.longest(ByteView(base).subspan(at)).length > 0 ? 1 : 0;
  CHECK(known * 10 > all * 8);
}

TEST_CASE("only what was added is found, and of many that begin alike the longest that is known",
          "[delta]") {
  Bytes base = test::noise(4096, 6);
  std::copy_n(base.begin(), 20, base.begin() + 1024);
  std::copy_n(base.begin(), 40, base.begin() + 2048);
  HashIndex index(base, 2100, 8);
  index.add(0, 20);
  index.add(1024, 1024 + 40);
  CHECK(index.longest(ByteView(base).first(40)).length == 40);
  CHECK(index.longest(ByteView(base).subspan(512, 64)).length == 0);
  // One that goes on as only the place that was added last does.
  Bytes wanted(base.begin() + 2048, base.begin() + 2048 + 60);
  const auto found = index.longest(wanted);
  CHECK(found.at == 2048);
  CHECK(found.length == 60);
  CHECK(HashIndex::bytes_for(std::size_t{1} << 30, 8) <= (std::uint64_t{1} << 29) + 64);
  CHECK(HashIndex().longest(base).length == 0);
}
