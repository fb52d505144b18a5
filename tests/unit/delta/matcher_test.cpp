// The search for where an image's bytes come from, by either index of the base.
#include "delta/matcher.h"

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using delta::Matcher;

namespace {

constexpr std::uint64_t kBlock = std::uint64_t{1} << 16;
constexpr std::uint64_t kEnough = std::uint64_t{1} << 20;

// Bytes of the image that are found nowhere; each block is made up exactly.
std::size_t new_bytes(const Matcher& matcher, ByteView base, ByteView image) {
  std::size_t extra = 0;
  for (std::size_t block = 0; block * kBlock < image.size(); ++block) {
    std::size_t made = 0;
    for (const delta::Copy& copy : matcher.copies(block)) {
      CHECK(copy.from + copy.length <= base.size() + block * kBlock);
      made += copy.length + copy.extra;
      extra += copy.extra;
    }
    CHECK(made == std::min<std::size_t>(kBlock, image.size() - block * kBlock));
  }
  return extra;
}

}  // namespace

TEST_CASE("what moved is found by hashes where there is too much to sort, or no memory for it",
          "[delta]") {
  const Bytes base = test::noise(200'000, 7);
  Bytes image(base.begin() + 70'001, base.end());
  image.insert(image.end(), base.begin(), base.begin() + 70'001);
  const std::size_t sorted = new_bytes(Matcher(base, image, kBlock, kEnough * 2), base, image);
  const std::size_t hashed = new_bytes(Matcher(base, image, kBlock, kEnough * 2, 0), base, image);
  CHECK(sorted < 100);
  CHECK(hashed < 200);
  CHECK(new_bytes(Matcher(base, image, kBlock, 1023), base, image) > image.size() / 2);
}

TEST_CASE(
    "pieces too short for hashes are found by sorting alone: each index is what was asked for",
    "[delta]") {
  const Bytes base = test::noise(50'000, 8);
  Bytes image;
  for (std::size_t i = 0; i + 12 <= base.size(); i += 24)  // 12 bytes each, the last ones first
    image.insert(image.end(), base.end() - static_cast<std::ptrdiff_t>(i + 12),
                 base.end() - static_cast<std::ptrdiff_t>(i));
  const auto found_new = [&](std::uint64_t index_bytes, std::size_t most_sorted) {
    return new_bytes(Matcher(base, image, kBlock, index_bytes, most_sorted), base, image);
  };
  CHECK(found_new(kEnough, Matcher::kMostSorted) < image.size() / 10);
  CHECK(found_new(kEnough, base.size() - 1) > image.size() * 9 / 10);          // too much to sort
  CHECK(found_new(base.size() * 5 - 1, base.size()) > image.size() * 9 / 10);  // too little memory
  CHECK(found_new(base.size() * 5, base.size()) < image.size() / 10);
}
