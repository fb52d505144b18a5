#include "delta/suffix_index.h"

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;

TEST_CASE("the suffix index finds the longest piece that begins alike", "[delta]") {
  for (const unsigned letters : {2U, 3U, 256U}) {
    Bytes text = test::noise(700, letters);
    for (std::uint8_t& byte : text)
      byte = static_cast<std::uint8_t>(byte % letters + (256 - letters));
    const delta::SuffixIndex index(text);
    for (unsigned seed = 1; seed < 60; ++seed) {
      Bytes pattern = test::noise(40, seed);
      for (std::uint8_t& byte : pattern)
        byte = static_cast<std::uint8_t>(byte % letters + (256 - letters));
      if (seed % 3 == 0) std::copy_n(text.begin() + seed * 5, 30, pattern.begin());
      if (seed % 5 == 0) std::copy(text.end() - 1, text.end(), pattern.begin());
      std::size_t longest = 0;
      for (std::size_t at = 0; at < text.size(); ++at)
        longest = std::max(longest, delta::common_prefix(ByteView(text).subspan(at), pattern));
      const auto found = index.longest(pattern);
      CHECK(found.length == (longest < 2 ? 0 : longest));
      if (found.length > 0)
        CHECK(delta::common_prefix(ByteView(text).subspan(found.at), pattern) == found.length);
    }
  }
}

TEST_CASE("a text of a byte or none has nothing to find", "[delta]") {
  for (const std::size_t size : {0U, 1U}) {
    const Bytes text(size, 'x');
    CHECK(delta::SuffixIndex(text).longest(as_bytes("xx")).length == 0);
  }
  const Bytes text(2, 'x');
  CHECK(delta::SuffixIndex(text).longest(as_bytes("xxx")).length == 2);
  CHECK(delta::SuffixIndex(text).longest(as_bytes("x")).length == 0);
}
