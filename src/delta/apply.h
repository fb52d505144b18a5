// What the steps of a block ask for, carried out by whoever has the files.
#pragma once

#include <functional>
#include <span>

#include "delta/decoder.h"

namespace ota::delta {

struct BlockPorts {
  // Fills `into` from `offset` of the base, or of what is written of the image; an error where there
  // is not as much.
  std::function<Result<void>(Step::Source, std::uint64_t offset, std::span<std::uint8_t> into)>
      read;
  // Appends to the image.
  std::function<Result<void>(ByteView)> write;
};

// Decodes one block by `decoder`. On an error (kBlock, or what a port returned) the ports have
// written a part of it, which is worth nothing.
Result<void> apply_block(BlockDecoder& decoder, std::size_t block, ByteView coded,
                         const BlockPorts& ports);

}  // namespace ota::delta
