// The numbers of a block: LEB128, in as few bytes as they need; signed ones zigzag. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace ota::delta {

constexpr std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1 ^ (~(value & 1) + 1));
}

inline void put_varint(Bytes& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

// Takes a number off the front of `from`; nothing where it is cut short, longer than it needs to be
// or beyond 64 bits.
inline std::optional<std::uint64_t> take_varint(ByteView& from) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < from.size() && i < 10; ++i) {
    const std::uint64_t seven = from[i] & 0x7F;
    if (i == 9 && seven > 1) return std::nullopt;
    value |= seven << (7 * i);
    if (from[i] >= 0x80) continue;
    if (i > 0 && seven == 0) return std::nullopt;
    from = from.subspan(i + 1);
    return value;
  }
  return std::nullopt;
}

}  // namespace ota::delta
