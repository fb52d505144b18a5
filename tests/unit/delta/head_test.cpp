#include "delta/head.h"

#include "tests/support/catch.h"
#include "tests/unit/delta/patches.h"

using namespace ota;

namespace {

// Two blocks, the second a byte short of whole.
test::Patch small_patch() {
  delta::EncodeOptions options;
  options.block_log = 12;
  options.window_log = 12;
  return test::make_patch(test::program_like(9000, 1), test::program_like(8191, 2), options);
}

}  // namespace

TEST_CASE("a patch's head reads as what was written", "[delta]") {
  const delta::Head head = small_patch().head;
  REQUIRE(head.blocks.size() == 2);
  const Bytes bytes = delta::serialize(head);
  CHECK(bytes.size() == head.head_length());
  CHECK(delta::head_length(ByteView(bytes).first(delta::kFixedHead)).value() == bytes.size());
  CHECK(delta::parse_head(bytes).value() == head);
  CHECK(head.length_of(0) == 4096);
  CHECK(head.length_of(1) == 4095);
  CHECK(head.file_length() ==
        bytes.size() + head.blocks[0].coded_length + head.blocks[1].coded_length);
}

TEST_CASE("no byte of a head can be turned without another head or none", "[delta]") {
  const test::Patch patch = small_patch();
  const Bytes bytes = delta::serialize(patch.head);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const unsigned bit : {0x01U, 0x80U}) {
      Bytes other = bytes;
      other[i] = static_cast<std::uint8_t>(other[i] ^ bit);
      const auto head = delta::parse_head(other);
      // What parses is another patch, which the signed digest of the head tells; and it makes no
      // image that it does not announce.
      if (!head) continue;
      CHECK_FALSE(*head == patch.head);
      CHECK(delta::serialize(*head) == other);
    }
  }
  for (std::size_t length = 0; length < bytes.size(); ++length)
    CHECK(delta::parse_head(ByteView(bytes).first(length)).has_error());
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK(delta::parse_head(longer).has_error());
}

TEST_CASE("a head whose numbers do not fit is refused before anything is made for it", "[delta]") {
  const delta::Head good = small_patch().head;
  const auto code_of = [](const delta::Head& head) {
    const auto parsed = delta::parse_head(delta::serialize(head));
    return parsed ? std::error_code() : parsed.error().code;
  };
  REQUIRE(code_of(good) == std::error_code());
  const auto refused = [&](auto&& spoil) {
    delta::Head head = good;
    spoil(head);
    CHECK(code_of(head) == delta::Errc::kHead);
  };
  refused([](delta::Head& head) { head.block_log = 11; });
  refused([](delta::Head& head) { head.block_log = 22; });
  refused([](delta::Head& head) { head.block_log = 255; });
  refused([](delta::Head& head) { head.window_log = 9; });
  refused([](delta::Head& head) { head.window_log = 20; });
  refused([](delta::Head& head) { head.blocks.pop_back(); });
  refused([](delta::Head& head) { head.blocks.push_back(head.blocks[0]); });
  refused([](delta::Head& head) { head.image_length += 2; });
  refused([](delta::Head& head) { head.image_length = ~std::uint64_t{0}; });
  refused([](delta::Head& head) { head.base_length = ~std::uint64_t{0}; });
  refused([](delta::Head& head) { head.blocks[1].coded_length = 0; });
  refused([](delta::Head& head) { head.blocks[0].coded_length = 0xFFFFFFFF; });
  refused([](delta::Head& head) {
    head.blocks[0].coded_length = static_cast<std::uint32_t>(delta::max_coded_length(4096) + 1);
  });
  const Bytes bytes = delta::serialize(good);
  CHECK(delta::parse_head(bytes, 8190).error().code == Errc::kLimit);
  CHECK(delta::parse_head(bytes, 8191).has_value());
}
