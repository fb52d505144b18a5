#include "delta/head.h"

#include <algorithm>
#include <string_view>

namespace ota::delta {
namespace {

constexpr std::string_view kMagic = "OTAPATCH";

// Whoever reads has looked at the length before.
class Reader {
 public:
  explicit Reader(ByteView bytes) : bytes_(bytes) {}

  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = size; i-- > 0;)
      value = value << 8 | bytes_[at_ + i];
    at_ += size;
    return value;
  }
  Digest256 digest() {
    Digest256 out;
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), out.size(), out.begin());
    at_ += out.size();
    return out;
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

void put(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}
void put(Bytes& out, const Digest256& digest) {
  out.insert(out.end(), digest.begin(), digest.end());
}

struct Fixed {
  Head head;
  std::uint32_t blocks = 0;
};

Result<Fixed> parse_fixed(ByteView bytes, std::uint64_t max_image) {
  if (bytes.size() < kFixedHead) return fail(Errc::kHead, "cut short");
  if (as_text(bytes.first(kMagic.size())) != kMagic) return fail(Errc::kHead, "no patch");
  Reader reader(bytes.subspan(kMagic.size()));
  if (const auto format = reader.number(1); format != kFormat)
    return fail(Errc::kHead, "format " + std::to_string(format));
  Fixed fixed;
  Head& head = fixed.head;
  head.base_length = reader.number(8);
  head.base = reader.digest();
  head.image_length = reader.number(8);
  head.image = reader.digest();
  head.block_log = static_cast<std::uint8_t>(reader.number(1));
  head.window_log = static_cast<std::uint8_t>(reader.number(1));
  fixed.blocks = static_cast<std::uint32_t>(reader.number(4));
  if (head.base_length > kMaxImage || head.image_length > kMaxImage)
    return fail(Errc::kHead, "a length beyond all images");
  if (head.image_length > max_image) {
    return fail(ota::Errc::kLimit, "an image of " + std::to_string(head.image_length) + " bytes");
  }
  if (head.block_log < kMinBlockLog || head.block_log > kMaxBlockLog)
    return fail(Errc::kHead, "blocks of 2^" + std::to_string(head.block_log) + " bytes");
  if (head.window_log < kMinWindowLog || head.window_log > kMaxWindowLog)
    return fail(Errc::kHead, "a window of 2^" + std::to_string(head.window_log) + " bytes");
  if (fixed.blocks != blocks_of(head.image_length, head.block_log))
    return fail(Errc::kHead, std::to_string(fixed.blocks) + " blocks");
  return fixed;
}

}  // namespace

std::size_t Head::length_of(std::size_t block) const {
  return static_cast<std::size_t>(std::min(block_size(), image_length - begin_of(block)));
}

std::uint64_t Head::offset_of(std::size_t block) const {
  std::uint64_t offset = head_length();
  for (std::size_t i = 0; i < block; ++i)
    offset += blocks[i].coded_length;
  return offset;
}

std::uint64_t blocks_of(std::uint64_t image_length, unsigned block_log) {
  return (image_length + (std::uint64_t{1} << block_log) - 1) >> block_log;
}

Result<std::size_t> head_length(ByteView fixed, std::uint64_t max_image) {
  const auto parsed = parse_fixed(fixed, max_image);
  if (!parsed) return parsed.error();
  return kFixedHead + std::size_t{parsed->blocks} * kBlockEntry;
}

Result<Head> parse_head(ByteView bytes, std::uint64_t max_image) {
  auto parsed = parse_fixed(bytes, max_image);
  if (!parsed) return parsed.error();
  // Before anything is reserved: so many blocks are there as bytes for them.
  if (bytes.size() != kFixedHead + std::uint64_t{parsed->blocks} * kBlockEntry)
    return fail(Errc::kHead, std::to_string(bytes.size()) + " bytes");
  Head head = std::move(parsed->head);
  head.blocks.reserve(parsed->blocks);
  Reader reader(bytes.subspan(kFixedHead));
  for (std::uint32_t i = 0; i < parsed->blocks; ++i) {
    Block block;
    block.coded_length = static_cast<std::uint32_t>(reader.number(4));
    block.coded = reader.digest();
    block.decoded = reader.digest();
    if (block.coded_length == 0 || block.coded_length > max_coded_length(head.length_of(i))) {
      return fail(Errc::kHead, "block " + std::to_string(i) + " of " +
                                   std::to_string(block.coded_length) + " bytes");
    }
    head.blocks.push_back(block);
  }
  return head;
}

Bytes serialize(const Head& head) {
  Bytes out;
  out.reserve(head.head_length());
  for (const char letter : kMagic)
    out.push_back(static_cast<std::uint8_t>(letter));
  out.push_back(kFormat);
  put(out, head.base_length, 8);
  put(out, head.base);
  put(out, head.image_length, 8);
  put(out, head.image);
  out.push_back(head.block_log);
  out.push_back(head.window_log);
  put(out, head.blocks.size(), 4);
  for (const Block& block : head.blocks) {
    put(out, block.coded_length, 4);
    put(out, block.coded);
    put(out, block.decoded);
  }
  return out;
}

}  // namespace ota::delta
