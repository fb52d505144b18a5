// What must hold for any bytes that reach a device as the head or a block of a patch; the unit tests
// replay the corpora over them.
#pragma once

#include <zstd.h>

#include <algorithm>
#include <string_view>

#include "base/assert.h"
#include "delta/apply.h"

namespace ota::fuzz {

inline void delta_head(std::string_view input) {
  const ByteView bytes = as_bytes(input);
  const auto length = delta::head_length(bytes);
  const auto head = delta::parse_head(bytes);
  if (!head) return;
  OTA_ASSERT(length && *length == bytes.size() && head->head_length() == bytes.size());
  const Bytes again = delta::serialize(*head);
  OTA_ASSERT(std::ranges::equal(again, bytes));
  std::uint64_t image = 0;
  for (std::size_t i = 0; i < head->blocks.size(); ++i) {
    OTA_ASSERT(head->length_of(i) > 0 && head->begin_of(i) == image);
    image += head->length_of(i);
  }
  OTA_ASSERT(image == head->image_length);
}

// A block whose digest is right, as a publisher could sign it. Its first four bytes choose lengths:
// of the base, the image (both in units of 61 bytes), the block that is decoded, and whether the
// rest is the frame or what is to be put into one.
inline void delta_block(std::string_view input) {
  if (input.size() < 4) return;
  const auto chosen = [&](std::size_t i) { return static_cast<std::size_t>(as_bytes(input)[i]); };
  delta::Head head;
  head.base_length = chosen(0) * 61;
  head.image_length = 1 + chosen(1) * 61;
  head.block_log = delta::kMinBlockLog;
  head.window_log = 12;
  head.blocks.resize(static_cast<std::size_t>(delta::blocks_of(head.image_length, head.block_log)));
  const std::size_t block = chosen(2) % head.blocks.size();
  const ByteView rest = as_bytes(input).subspan(4);
  Bytes frame(rest.begin(), rest.end());
  if (chosen(3) % 2 == 1) {
    frame.resize(ZSTD_compressBound(rest.size()));
    frame.resize(ZSTD_compress(frame.data(), frame.size(), rest.data(), rest.size(), 1));
  }
  head.blocks[block].coded_length = static_cast<std::uint32_t>(frame.size());
  head.blocks[block].coded = sha256(frame);

  Bytes finished(static_cast<std::size_t>(head.begin_of(block)), 5);
  const Bytes base(static_cast<std::size_t>(head.base_length), 3);
  const std::size_t before = finished.size();
  Bytes image = finished;
  const auto decode = [&] {
    image = finished;
    delta::BlockDecoder decoder(head);
    return delta::apply_block(decoder, block, frame,
                              {.read = [&](delta::Step::Source source, std::uint64_t offset,
                                           std::span<std::uint8_t> into) -> Result<void> {
                                 const Bytes& from =
                                     source == delta::Step::Source::kBase ? base : finished;
                                 OTA_ASSERT(!into.empty() && offset <= from.size() &&
                                            into.size() <= from.size() - offset);
                                 std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(offset),
                                             into.size(), into.begin());
                                 return {};
                               },
                               .write = [&](ByteView bytes) -> Result<void> {
                                 image.insert(image.end(), bytes.begin(), bytes.end());
                                 OTA_ASSERT(image.size() - before <= head.length_of(block));
                                 return {};
                               }});
  };
  // The digest of what it makes is not known here, so the first answer is a refusal; with the digest
  // of a block that came whole it is taken, and is the same.
  const auto refused = decode();
  OTA_ASSERT(refused.has_error() && refused.error().code == delta::Errc::kBlock);
  if (image.size() - before != head.length_of(block)) return;
  const Bytes first = image;
  head.blocks[block].decoded = sha256(ByteView(image).subspan(before));
  const auto again = decode();
  OTA_ASSERT(image == first || again.has_error());
}

}  // namespace ota::fuzz
