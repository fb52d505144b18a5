// Reading at a place of a file. Blocks; any thread.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"

namespace ota {

// Fills `into` from `offset` on, whatever the descriptor's position; kIo where the file ends before.
Result<void> read_exactly(int fd, std::uint64_t offset, std::span<std::uint8_t> into);

}  // namespace ota
