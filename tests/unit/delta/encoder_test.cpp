#include "delta/encoder.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;

namespace {

delta::EncodeOptions small_blocks() {
  delta::EncodeOptions options;
  options.block_log = 14;
  options.window_log = 12;
  options.level = 3;
  return options;
}

struct Pair {
  std::string name;
  Bytes base, image;
};

std::vector<Pair> pairs() {
  constexpr std::size_t kBlock = 1U << 14;
  const Bytes a = test::program_like(5 * kBlock + 123, 1);
  const auto slice = [&](std::size_t from, std::size_t to) {
    return Bytes(a.begin() + static_cast<std::ptrdiff_t>(from),
                 a.begin() + static_cast<std::ptrdiff_t>(to));
  };
  const auto join = [](Bytes x, const Bytes& y) {
    x.insert(x.end(), y.begin(), y.end());
    return x;
  };
  std::vector<Pair> all{
      {"equal", a, a},
      {"both empty", {}, {}},
      {"from nothing", {}, a},
      {"to nothing", a, {}},
      {"one byte", {1}, {2}},
      {"one byte of many", a, {9}},
      {"many of one byte", {9}, a},
      {"two bytes", {1, 2}, {2, 1}},
      {"moved by one byte", a, join({0}, a)},
      {"moved by a page", a, join(Bytes(4096, 1), a)},
      {"its halves changed about", a, join(slice(40000, a.size()), slice(0, 40000))},
      {"doubled", a, join(a, a)},
      {"cut", a, slice(1000, 50000)},
      {"unlike noise", test::noise(70000, 1), test::noise(70000, 2)},
      {"noise from nothing", {}, test::noise(70000, 2)},
      {"zeros", Bytes(60000), Bytes(90000)},
      {"zeros from noise", test::noise(60000, 1), Bytes(90000)},
      {"every byte one more", a, a}};
  for (std::uint8_t& byte : all.back().image)
    ++byte;
  for (const std::size_t size : {kBlock - 1, kBlock, kBlock + 1, 2 * kBlock - 1, 2 * kBlock,
                                 2 * kBlock + 1, std::size_t{4095}, std::size_t{4097}}) {
    Bytes image = slice(0, size);
    image[size / 2] = static_cast<std::uint8_t>(image[size / 2] + 3);
    image.back() = 77;
    all.push_back({std::to_string(size) + " bytes", a, image});
  }
  for (unsigned seed = 1; seed <= 12; ++seed) {  // scattered changes, insertions, removals
    std::minstd_rand random(seed);
    Bytes image = a;
    for (unsigned i = 0; i < 30; ++i) {
      const auto at = image.begin() + static_cast<std::ptrdiff_t>(random() % (image.size() - 600));
      switch (random() % 3) {
        case 0:
          *at = static_cast<std::uint8_t>(random());
          break;
        case 1:
          image.insert(at, random() % 500, static_cast<std::uint8_t>(random()));
          break;
        case 2:
          image.erase(at, at + static_cast<std::ptrdiff_t>(random() % 500));
          break;
      }
    }
    all.push_back({"changes of seed " + std::to_string(seed), a, image});
  }
  return all;
}

std::size_t length_of(const test::Patch& patch) {
  std::size_t sum = 0;
  for (const Bytes& block : patch.blocks)
    sum += block.size();
  return sum;
}

}  // namespace

TEST_CASE("whatever base and image, the patch makes the image", "[delta]") {
  for (const Pair& pair : pairs()) {
    INFO(pair.name);
    const test::Patch patch = test::make_patch(pair.base, pair.image, small_blocks());
    CHECK(delta::parse_head(delta::serialize(patch.head)).value() == patch.head);
    CHECK(test::apply_patch(pair.base, patch).value() == pair.image);
  }
}

TEST_CASE("groups and blocks of the size that devices get hold the image too", "[delta]") {
  const Bytes base = test::program_like(5U << 20, 1);
  Bytes image = base;
  image.insert(image.begin() + 3000000, 70000, 3);
  image.erase(image.begin() + 200000, image.begin() + 200100);
  delta::EncodeOptions options;
  options.level = 3;
  const test::Patch patch = test::make_patch(base, image, options);
  CHECK(patch.blocks.size() == 3);
  CHECK(patch.head.file_length() < 20000);
  CHECK(test::apply_patch(base, patch).value() == image);
}

TEST_CASE("the same images make the same patch, however many threads", "[delta]") {
  const Pair last = pairs().back();
  const test::Patch one = test::make_patch(last.base, last.image, small_blocks());
  for (const unsigned threads : {2U, 5U, 40U}) {
    delta::EncodeOptions options = small_blocks();
    options.threads = threads;
    const test::Patch many = test::make_patch(last.base, last.image, options);
    CHECK(many.head == one.head);
    CHECK(many.blocks == one.blocks);
  }
}

TEST_CASE("what has not changed costs next to nothing, and what stands twice is sent once",
          "[delta]") {
  const Bytes half = test::noise(std::size_t{128} << 10, 9);
  Bytes doubled = half;
  doubled.insert(doubled.end(), half.begin(), half.end());
  CHECK(length_of(test::make_patch(half, half, small_blocks())) < 300);
  const test::Patch packed = test::make_patch({}, doubled, small_blocks());
  CHECK(length_of(packed) < half.size() + 2000);
  CHECK(test::apply_patch({}, packed).value() == doubled);
}

TEST_CASE("a search with bounds on its memory finds less and makes the image all the same",
          "[delta]") {
  const Bytes base = test::program_like(60000, 1);
  Bytes image = base;
  image.insert(image.begin(), 0);
  delta::EncodeOptions options = small_blocks();
  std::vector<std::size_t> lengths;
  for (const std::uint64_t bound : {0, 1024, 20'000, 60'000, 1'000'000}) {
    CAPTURE(bound);
    options.index_bytes = bound;
    const test::Patch patch = test::make_patch(base, image, options);
    CHECK(test::apply_patch(base, patch).value() == image);
    lengths.push_back(length_of(patch));
  }
  // Even a little of an index finds most of it.
  CHECK(std::all_of(lengths.begin() + 1, lengths.end(),
                    [&](std::size_t length) { return length * 2 < lengths[0]; }));
}

TEST_CASE("an error of the one who takes the blocks ends the work", "[delta]") {
  const Bytes image = test::noise(100000, 4);
  delta::EncodeOptions options = small_blocks();
  options.threads = 3;
  std::size_t taken = 0;
  const auto head = delta::encode({}, image, options, [&](ByteView) -> Result<void> {
    if (++taken == 2) return fail(Errc::kFull, "the disk");
    return {};
  });
  REQUIRE(head.has_error());
  CHECK(head.error().code == Errc::kFull);
  CHECK(taken == 2);
}

TEST_CASE("a patch beyond the format's limits is not made", "[delta]") {
  const auto made = [](std::uint8_t block_log, std::uint8_t window_log) {
    delta::EncodeOptions options;
    options.block_log = block_log;
    options.window_log = window_log;
    return delta::encode({}, as_bytes("x"), options, [](ByteView) -> Result<void> { return {}; })
        .has_value();
  };
  CHECK(made(12, 10));
  CHECK(made(21, 19));
  CHECK_FALSE(made(11, 19));
  CHECK_FALSE(made(22, 19));
  CHECK_FALSE(made(21, 9));
  CHECK_FALSE(made(21, 20));
}
