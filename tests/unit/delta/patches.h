// Patches in memory, for tests: made, carried out, and made wrong on purpose.
#pragma once

#include <zstd.h>

#include <algorithm>
#include <random>

#include "delta/apply.h"
#include "delta/encoder.h"
#include "delta/varint.h"

namespace ota::test {

struct Patch {
  delta::Head head;
  std::vector<Bytes> blocks;
};

inline Patch make_patch(ByteView base, ByteView image, const delta::EncodeOptions& options = {}) {
  Patch patch;
  auto head = delta::encode(base, image, options, [&](ByteView coded) -> Result<void> {
    patch.blocks.emplace_back(coded.begin(), coded.end());
    return {};
  });
  patch.head = std::move(head.value());
  return patch;
}

// What the patch makes of the base. `given`: what was written before an error.
inline Result<Bytes> apply_patch(ByteView base, const Patch& patch, Bytes* given = nullptr) {
  Bytes image;
  delta::BlockDecoder decoder(patch.head);
  const delta::BlockPorts ports{
      .read = [&](delta::Step::Source source, std::uint64_t offset,
                  std::span<std::uint8_t> into) -> Result<void> {
        const ByteView from = source == delta::Step::Source::kBase ? base : ByteView(image);
        if (offset > from.size() || into.size() > from.size() - offset)
          return fail(ota::Errc::kInternal, "a read beyond its source");
        std::ranges::copy(from.subspan(static_cast<std::size_t>(offset), into.size()),
                          into.begin());
        return {};
      },
      .write = [&](ByteView bytes) -> Result<void> {
        image.insert(image.end(), bytes.begin(), bytes.end());
        return {};
      }};
  for (std::size_t i = 0; i < patch.blocks.size(); ++i) {
    const auto done = delta::apply_block(decoder, i, patch.blocks[i], ports);
    if (given != nullptr) *given = image;
    if (!done) return done.error();
  }
  return image;
}

inline Bytes noise(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  Bytes out(size);
  for (std::uint8_t& byte : out)
    byte = static_cast<std::uint8_t>(random() >> 8);
  return out;
}

// Like a program: short pieces that come again, with bytes of their own between.
inline Bytes program_like(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  const Bytes words = noise(4096, 7);
  Bytes out;
  while (out.size() < size) {
    const std::size_t at = random() % 4000;
    const std::size_t length = 8 + random() % 64;
    for (std::size_t i = 0; i < length && at + i < words.size(); ++i)
      out.push_back(words[at + i]);
    out.push_back(static_cast<std::uint8_t>(random()));
  }
  out.resize(size);
  return out;
}

struct FrameOptions {
  int window_log = 12;
  bool content_size = false;
};

inline Bytes frame_of(ByteView plain, FrameOptions options = {}) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 3);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, options.window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, options.content_size ? 1 : 0);
  Bytes out(ZSTD_compressBound(plain.size()));
  out.resize(ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size()));
  ZSTD_freeCCtx(context);
  return out;
}

// One group out of its four parts.
inline Bytes group_of(const std::vector<std::uint64_t>& copies,
                      const std::vector<std::uint64_t>& runs, const Bytes& literals,
                      const Bytes& extras) {
  Bytes first, second, out;
  for (const std::uint64_t value : copies)
    delta::put_varint(first, value);
  for (const std::uint64_t value : runs)
    delta::put_varint(second, value);
  const Bytes* parts[] = {&first, &second, &literals, &extras};
  for (const Bytes* part : parts)
    delta::put_varint(out, part->size());
  for (const Bytes* part : parts)
    out.insert(out.end(), part->begin(), part->end());
  return out;
}

// A patch of one block out of that frame, which says of itself what is true, so that only what is
// in the frame can be wrong.
inline Patch patch_of(ByteView base, ByteView image, Bytes frame) {
  Patch patch;
  delta::Head& head = patch.head;
  head.base_length = base.size();
  head.base = sha256(base);
  head.image_length = image.size();
  head.image = sha256(image);
  head.block_log = 16;
  head.window_log = 12;
  head.blocks = {{static_cast<std::uint32_t>(frame.size()), sha256(frame), sha256(image)}};
  patch.blocks.push_back(std::move(frame));
  return patch;
}

}  // namespace ota::test
