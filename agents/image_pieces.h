// What the pieces of an image were when its digest was last seen to be right, so that a device whose
// image has changed on its disk since then knows where, without asking anybody.
//
//   "OTAPIECE" 1, image: length u64 (little-endian), sha256 (32 bytes); then of each piece of 64 KiB,
//   the last one of what is left, the first 16 bytes of its sha256
//
// The file is a hint: one that is missing, damaged or of another image costs a shorter way to the
// next image, and nothing else.
//
// Blocks on files. Thread: one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/result.h"

namespace ota::agent {

inline constexpr std::size_t kPiece = std::size_t{64} << 10;

// Notes the pieces of an image that streams by: 256 bytes for each MiB of it.
class PieceNotes {
 public:
  PieceNotes();
  void add(ByteView bytes);
  // Durably, after which nothing is added. `sha256`: of all that was added, in hex.
  Result<void> write(Disk& disk, const std::filesystem::path& file, const std::string& sha256);

 private:
  void end_piece();

  std::uint64_t length_ = 0;
  Sha256 piece_;
  Bytes notes_;  // the file, with an empty head
};

class ImagePieces {
 public:
  // kNotFound where there is none, kInvalid where it is not one of the image `sha256`.
  static Result<ImagePieces> open(const std::filesystem::path& file, const std::string& sha256);

  std::uint64_t image_length() const { return length_; }
  std::uint64_t count() const { return (length_ + kPiece - 1) / kPiece; }
  // Of the piece with this index, which is below count().
  std::size_t length_of(std::uint64_t piece) const;
  // Whether these are its bytes.
  Result<bool> is(std::uint64_t piece, ByteView bytes) const;

 private:
  ImagePieces(FileDescriptor fd, std::uint64_t length) : fd_(std::move(fd)), length_(length) {}
  FileDescriptor fd_;
  std::uint64_t length_;
};

}  // namespace ota::agent
