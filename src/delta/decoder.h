// Decodes one block after the other of a patch, without any I/O: it says what it wants read of the
// base and gives pieces of the new image.
//
//   begin(block, coded bytes) -> next() -> [read | give]* -> done
//
// A block's coded bytes reach the decompressor only if they have the digest that the head gives
// them, and what was given is the image's only once the block is done: on an error the caller takes
// back what the block gave. Every length and address is checked before it is used.
//
// Memory: what the constructor allocates (three groups, 0.8 MiB at most) and zstd's state, about
// the window and two of its blocks; the coded bytes are the caller's. Thread: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "delta/head.h"

namespace ota::delta {

struct Step {
  enum class Kind : std::uint8_t {
    kRead,  // fill `into`, then next()
    kGive,  // take `output`, then next()
    kDone,  // the block is the announced one
  };
  enum class Source : std::uint8_t { kBase, kImage };
  Kind kind = Kind::kDone;
  Source source = Source::kBase;  // kImage: of blocks that are done
  std::uint64_t offset = 0;       // in the source
  std::span<std::uint8_t> into{};
  ByteView output{};  // until the next call
};

class BlockDecoder {
 public:
  // `head` stays the caller's and outlives the decoder. Throws std::bad_alloc.
  explicit BlockDecoder(const Head& head);
  ~BlockDecoder();
  BlockDecoder(const BlockDecoder&) = delete;
  BlockDecoder& operator=(const BlockDecoder&) = delete;

  // Starts with a block whose predecessors are done; `coded` lives until the last next(). kBlock:
  // not the announced bytes.
  Result<void> begin(std::size_t block, ByteView coded);
  // kBlock: the block is not what it has to be. Nothing follows but begin().
  Result<Step> next();

 private:
  struct Stream;
  enum class State : std::uint8_t { kFailed, kOpen, kEntry, kFilled };

  Result<Step> advance();
  Result<void> open_group();
  Result<std::optional<Step>> entry();
  Result<void> take_extra();
  Result<void> change(std::span<std::uint8_t> copied);
  Result<void> finish();
  std::uint64_t space() const { return head_.base_length + head_.begin_of(block_); }

  const Head& head_;
  std::unique_ptr<Stream> stream_;
  // Not filled beforehand, so that what a group does not use takes no memory.
  using Buffer = std::unique_ptr<std::uint8_t[]>;
  std::size_t largest_;  // output of a group
  Buffer parts_;         // of the group: copies, runs, literals, extras
  Buffer output_;        // of the group
  State state_ = State::kFailed;

  std::size_t block_ = 0;
  std::size_t block_length_ = 0;
  std::size_t produced_ = 0;  // of the block, in groups that are given
  std::uint64_t cursor_ = 0;
  std::optional<Sha256> digest_;

  std::size_t group_ = 0;   // length of the group's output
  std::size_t filled_ = 0;  // of it
  std::size_t copying_ = 0;
  std::size_t extra_ = 0;
  ByteView copies_, runs_, literals_, extras_;  // what is left of the parts
  std::uint64_t zeros_ = 0, changed_ = 0;       // what is left of the present run
};

}  // namespace ota::delta
