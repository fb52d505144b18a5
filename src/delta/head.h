// The head of ota-patch/1: what a patch is made from, what it makes, and for each of its blocks the
// length and the digests before and after decoding (README.md has the layout).
//
// A head is checked as a whole when it is parsed: whoever has one may trust that its numbers fit
// each other and the limits below. That it is the signed one, its digest tells (head_digest).
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "delta/error.h"

namespace ota::delta {

inline constexpr std::uint8_t kFormat = 1;
inline constexpr unsigned kMinBlockLog = 12;
inline constexpr unsigned kMaxBlockLog = 21;  // 2 MiB
// zstd's least, and what a device has to keep of what it decoded: 512 KiB.
inline constexpr unsigned kMinWindowLog = 10;
inline constexpr unsigned kMaxWindowLog = 19;
// Output of one group, the last of a block may be shorter.
inline constexpr std::size_t kGroup = std::size_t{256} << 10;
inline constexpr std::uint64_t kMaxImage = std::uint64_t{1} << 40;

inline constexpr std::size_t kFixedHead = 95;
inline constexpr std::size_t kBlockEntry = 68;

struct Block {
  std::uint32_t coded_length = 0;
  Digest256 coded{};
  Digest256 decoded{};

  bool operator==(const Block&) const = default;
};

struct Head {
  std::uint64_t base_length = 0;  // 0: a packed full image, which needs no base
  Digest256 base{};
  std::uint64_t image_length = 0;
  Digest256 image{};
  std::uint8_t block_log = kMaxBlockLog;
  std::uint8_t window_log = kMaxWindowLog;
  std::vector<Block> blocks;

  std::uint64_t block_size() const { return std::uint64_t{1} << block_log; }
  // Of the image, in bytes.
  std::uint64_t begin_of(std::size_t block) const { return block * block_size(); }
  std::size_t length_of(std::size_t block) const;
  // Where block `block` begins in the file.
  std::uint64_t offset_of(std::size_t block) const;
  // Of the whole file.
  std::uint64_t file_length() const { return offset_of(blocks.size()); }
  std::size_t head_length() const { return kFixedHead + blocks.size() * kBlockEntry; }

  bool operator==(const Head&) const = default;
};

// The most that a block of `decoded` bytes may take in the file.
constexpr std::size_t max_coded_length(std::size_t decoded) {
  return decoded + decoded / 64 + 1024;
}
// The most that the four parts of a group of `output` bytes may take together.
constexpr std::size_t max_group_parts(std::size_t output) {
  return 2 * output + 64;
}

// How many blocks an image of that length has, and so how long its head is.
std::uint64_t blocks_of(std::uint64_t image_length, unsigned block_log);

// Reads the length of the whole head out of its first kFixedHead bytes, so that no more is fetched;
// kHead as parse_head(), kLimit (base) where the image is longer than `max_image` bytes.
Result<std::size_t> head_length(ByteView fixed, std::uint64_t max_image = kMaxImage);
// `bytes` is the head and nothing more. kHead: another format or version, a number out of its
// limits, blocks that do not make the image.
Result<Head> parse_head(ByteView bytes, std::uint64_t max_image = kMaxImage);
Bytes serialize(const Head& head);

}  // namespace ota::delta
