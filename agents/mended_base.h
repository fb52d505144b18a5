// The image that a patch is made from, with what differs put right.
//
// An image that is mounted writable changes by itself, in a few places. Where that is all, the
// pieces of 64 KiB that changed are fetched from the base's own image, as published, and kept in a
// file beside the new one; the base itself is not written to. Which pieces those are, the device
// knows from image_pieces.h, so that a base that differs wholly costs no byte of the network. In
// the end the base with its right pieces must have the digest that the patch was made from: until
// then nothing of the patch is fetched.
//
//   mended file: for each piece its index (u64, little-endian) and its bytes; what a power cut leaves
//   of it is looked at piece by piece, and what is right stays
//
// Blocks on network and files. Thread: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agents/image_pieces.h"
#include "base/disk.h"
#include "base/file.h"
#include "http/requester.h"

namespace ota::agent {

struct BaseFiles {
  std::filesystem::path image;   // what runs here
  std::filesystem::path pieces;  // what its pieces were
  std::filesystem::path mended;  // where right ones are kept
  std::uint64_t may_fetch = 0;   // bytes in all, for right ones
  Disk* disk = &real_disk();     // that they lie on
};

struct BaseOrder {
  const BaseFiles& files;
  const std::string& sha256;            // that the base must have
  const std::string& path;              // to fetch its pieces from; empty: not to be had
  http::Requester::Download limits;     // time and speed of a request
  std::function<Result<void>()> go_on;  // at each piece that comes; an error ends the work with it
};

class MendedBase {
 public:
  // delta::Errc::kBaseDiffers where the base is another one and is not mended with what may be
  // fetched; kUnavailable, kTimeout: worth another try; kIo of the mended file.
  static Result<MendedBase> open(http::Requester& client, const BaseOrder& order);

  std::uint64_t length() const { return length_; }
  // How many pieces were put right.
  std::size_t mended() const { return mended_.size(); }
  // kBaseDiffers where they are not to be had.
  Result<void> read(std::uint64_t offset, std::span<std::uint8_t> into) const;

 private:
  MendedBase() = default;
  Result<void> mend(http::Requester& client, const BaseOrder& order);
  Result<void> take_up();
  Result<std::vector<std::uint64_t>> missing(std::uint64_t may_fetch);
  Result<void> fetch(http::Requester& client, const BaseOrder& order, std::uint64_t first,
                     std::uint64_t end);
  Result<void> keep(std::uint64_t piece, Bytes& record);
  Result<std::string> digest() const;
  Result<void> read_base(std::uint64_t offset, std::span<std::uint8_t> into) const;

  FileDescriptor base_;
  std::uint64_t length_ = 0;
  std::optional<ImagePieces> pieces_;
  Disk* disk_ = nullptr;
  FileDescriptor kept_;
  std::uint64_t kept_length_ = 0;
  std::map<std::uint64_t, std::uint64_t> mended_;  // where in the file a piece's bytes are
};

}  // namespace ota::agent
