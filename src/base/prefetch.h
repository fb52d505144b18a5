// Asks the processor for memory that is needed soon: misses overlap where they would follow each
// other. For what is touched rarely and then as a whole, such as one device of a large fleet.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ota {

inline void prefetch(const void* from, std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const char* const start = static_cast<const char*>(from);
  const std::size_t into_line = reinterpret_cast<std::uintptr_t>(from) % kLine;
  for (std::size_t at = 0; at < into_line + bytes; at += kLine)
    __builtin_prefetch(start - into_line + at);
}

}  // namespace ota
