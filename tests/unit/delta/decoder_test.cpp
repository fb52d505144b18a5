// Blocks that are not what they say: each is refused, and nothing is read or written beyond.
#include "delta/decoder.h"

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;
using delta::zigzag;
using test::frame_of;
using test::group_of;

namespace {

const Bytes kBase = test::noise(1000, 3);
const Bytes kImage = [] {
  Bytes image(kBase.begin() + 100, kBase.begin() + 700);  // 600 bytes
  image[7] = static_cast<std::uint8_t>(image[7] + 1);
  image.insert(image.end(), {'n', 'e', 'w'});
  return image;
}();
const std::vector<std::uint64_t> kCopies{600, 3, zigzag(100)};
const std::vector<std::uint64_t> kRuns{7, 1};
const Bytes kLiterals{1};
const Bytes kExtras{'n', 'e', 'w'};

Result<Bytes> decoded(const Bytes& plain, test::FrameOptions options = {}) {
  return test::apply_patch(kBase, test::patch_of(kBase, kImage, frame_of(plain, options)));
}

void refused(const Bytes& plain) {
  const auto image = decoded(plain);
  REQUIRE(image.has_error());
  CHECK(image.error().code == delta::Errc::kBlock);
}

Bytes joined(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::uint64_t kHuge = ~std::uint64_t{0};

}  // namespace

TEST_CASE("a block is copies, differences and new bytes", "[delta]") {
  CHECK(decoded(group_of(kCopies, kRuns, kLiterals, kExtras)).value() == kImage);
  // In two copies, of which the second one goes back.
  const Bytes twice = group_of({500, 0, zigzag(100), 100, 3, zigzag(0)}, kRuns, kLiterals, kExtras);
  CHECK(decoded(twice).value() == kImage);
}

TEST_CASE("a copy from outside the base is refused", "[delta]") {
  refused(group_of({600, 3, zigzag(-1)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 3, zigzag(401)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 3, zigzag(1000)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 3, zigzag(1001)}, kRuns, kLiterals, kExtras));
  refused(group_of({0, 3, zigzag(-1), 600, 0, zigzag(101)}, kRuns, kLiterals, kExtras));
  for (const std::int64_t far : {INT64_MIN, INT64_MIN + 1, INT64_MAX, INT64_MAX - 1})
    refused(group_of({600, 3, zigzag(far)}, kRuns, kLiterals, kExtras));
}

TEST_CASE("a copy that does not fit its group is refused", "[delta]") {
  refused(group_of({601, 3, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 4, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({599, 3, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({kHuge, 3, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, kHuge, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({kHuge, 604, zigzag(100)}, kRuns, kLiterals, kExtras));  // their sum wraps
  refused(group_of({0, 0, 0, 600, 3, zigzag(100)}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 3, zigzag(100), 0, 0, 0}, kRuns, kLiterals, kExtras));
  refused(group_of({600, 3}, kRuns, kLiterals, kExtras));
  refused(group_of({}, {}, {}, {}));
}

TEST_CASE("parts that do not come out even are refused", "[delta]") {
  refused(group_of(kCopies, {7, 2}, kLiterals, kExtras));
  refused(group_of(kCopies, {7, 0}, {}, kExtras));
  refused(group_of(kCopies, {7}, kLiterals, kExtras));
  refused(group_of(kCopies, {7, 1, 1000, 1}, {1, 1}, kExtras));
  refused(group_of(kCopies, {kHuge, kHuge}, kLiterals, kExtras));
  refused(group_of(kCopies, kRuns, {}, kExtras));
  refused(group_of(kCopies, kRuns, {1, 1}, kExtras));
  refused(group_of(kCopies, kRuns, kLiterals, {'n', 'e'}));
  refused(group_of(kCopies, kRuns, kLiterals, {'n', 'e', 'w', 's'}));
  const Bytes good = group_of(kCopies, kRuns, kLiterals, kExtras);
  refused(joined(good, {0}));
  refused(joined(good, good));
  for (std::size_t length = 0; length < good.size(); ++length)
    refused(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)));
}

TEST_CASE("a group that announces more than a group may be is refused unread", "[delta]") {
  Bytes plain;
  delta::put_varint(plain, delta::max_group_parts(kImage.size()) + 1);
  refused(joined(plain, Bytes(4000)));
  refused(joined({0xFF, 0xFF, 0xFF, 0x7F}, Bytes(4000)));
  refused(joined({0xFF, 0xFF, 0xFF, 0xFF, 0x01}, Bytes(4000)));
  refused(joined({0x80, 0x00}, Bytes(4000)));  // a zero in two bytes
}

TEST_CASE("a decompression bomb ends where the block does", "[delta]") {
  const Bytes good = group_of(kCopies, kRuns, kLiterals, kExtras);
  const auto bomb = frame_of(joined(good, Bytes(1U << 20)));
  REQUIRE(bomb.size() < delta::max_coded_length(kImage.size()));  // a head may announce it
  Bytes given;
  const test::Patch patch = test::patch_of(kBase, kImage, bomb);
  CHECK(test::apply_patch(kBase, patch, &given).has_error());
  CHECK(given.size() <= kImage.size());
}

TEST_CASE("a frame that wants a window above the head's is refused", "[delta]") {
  Bytes plain = group_of(kCopies, kRuns, kLiterals, kExtras);
  // Long enough that the window is what is asked for and not the content's length.
  plain = joined(plain, test::noise(1U << 20, 5));
  const auto wide = decoded(plain, {.window_log = 20});
  REQUIRE(wide.has_error());
  CHECK(wide.error().code == delta::Errc::kBlock);
  const test::Patch fits = test::patch_of(
      kBase, kImage, frame_of(group_of(kCopies, kRuns, kLiterals, kExtras), {.window_log = 20}));
  CHECK(test::apply_patch(kBase, fits).value() == kImage);  // zstd lessens it by itself
}

TEST_CASE("only one zstd frame is a block", "[delta]") {
  const Bytes frame = frame_of(group_of(kCopies, kRuns, kLiterals, kExtras));
  const auto with = [&](const Bytes& bytes) {
    return test::apply_patch(kBase, test::patch_of(kBase, kImage, bytes)).has_value();
  };
  REQUIRE(with(frame));
  CHECK_FALSE(with(joined(frame, {0})));
  CHECK_FALSE(with(joined(frame, frame)));
  CHECK_FALSE(with({}));
  CHECK_FALSE(with({0x28, 0xB5, 0x2F}));
  const Bytes skippable{0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0};
  CHECK_FALSE(with(joined(skippable, frame)));
  CHECK_FALSE(with(joined(frame, skippable)));
  for (std::size_t length = 0; length < frame.size(); ++length)
    CHECK_FALSE(with(Bytes(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length))));
}

TEST_CASE("every byte of a block is under its digest, before the decompressor sees any",
          "[delta]") {
  const test::Patch patch = test::make_patch(kBase, kImage);
  REQUIRE(test::apply_patch(kBase, patch).value() == kImage);
  for (std::size_t i = 0; i < patch.blocks[0].size(); ++i) {
    for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
      test::Patch other = patch;
      other.blocks[0][i] = static_cast<std::uint8_t>(other.blocks[0][i] ^ bit);
      Bytes given;
      const auto image = test::apply_patch(kBase, other, &given);
      REQUIRE(image.has_error());
      CHECK(image.error().code == delta::Errc::kBlock);
      CHECK(given.empty());
    }
  }
}

TEST_CASE("a frame turned anywhere, with its digest mended, never makes another image", "[delta]") {
  const test::Patch patch = test::make_patch(kBase, kImage);
  for (std::size_t i = 0; i < patch.blocks[0].size(); ++i) {
    for (unsigned bit = 1; bit < 0x100; bit <<= 1) {
      Bytes frame = patch.blocks[0];
      frame[i] = static_cast<std::uint8_t>(frame[i] ^ bit);
      const auto image = test::apply_patch(kBase, test::patch_of(kBase, kImage, frame));
      if (image) CHECK(*image == kImage);
    }
  }
}

TEST_CASE("a decoder goes on after a damaged block", "[delta]") {
  const test::Patch patch = test::make_patch(kBase, kImage);
  delta::BlockDecoder decoder(patch.head);
  CHECK(decoder.next().has_error());
  CHECK(decoder.begin(0, as_bytes("other")).has_error());
  CHECK(decoder.next().has_error());
  CHECK(decoder.begin(1, patch.blocks[0]).has_error());
  REQUIRE(decoder.begin(0, patch.blocks[0]).has_value());
  CHECK(decoder.next().value().kind == delta::Step::Kind::kRead);
}

TEST_CASE("a block that asks for other bytes than the base has is found out", "[delta]") {
  const test::Patch patch = test::make_patch(kBase, kImage);
  Bytes changed = kBase;
  changed[300] = static_cast<std::uint8_t>(changed[300] + 1);
  CHECK(test::apply_patch(changed, patch).error().code == delta::Errc::kBlock);
}
