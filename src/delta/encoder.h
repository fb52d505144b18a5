// Makes a patch, or a packed full image: the publishing side.
//
// The same base, image and options give the same bytes with any number of threads (and the same
// libzstd). Costs: the base and the image in memory (they may be mapped files), an index of what of
// the base is in no page of the image (5 bytes for each byte up to 128 MiB, beyond that half a
// byte), some 30 MiB a thread.
#pragma once

#include <cstdint>
#include <functional>

#include "delta/head.h"

namespace ota::delta {

struct EncodeOptions {
  std::uint8_t block_log = kMaxBlockLog;
  std::uint8_t window_log = kMaxWindowLog;
  int level = 19;                                      // zstd's
  unsigned threads = 1;                                // at least 1
  std::uint64_t index_bytes = std::uint64_t{4} << 30;  // the most that the base's index takes
  // After each block, with how many are done; one call at a time, on any thread.
  std::function<void(std::size_t done, std::size_t all)> progress = [](std::size_t, std::size_t) {};
};

// Takes the coded blocks in their order, one call at a time, on any thread.
using BlockSink = std::function<Result<void>(ByteView coded)>;

// An empty `base` makes a packed full image. The blocks go to `sink`; what it returns as an error
// ends the work. kInvalid: options out of the format's limits. Throws std::bad_alloc.
Result<Head> encode(ByteView base, ByteView image, const EncodeOptions& options,
                    const BlockSink& sink);

}  // namespace ota::delta
