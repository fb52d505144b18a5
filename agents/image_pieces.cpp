#include "agents/image_pieces.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/read_exactly.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kMagic("OTAPIECE\1", 9);
constexpr std::size_t kLengthBytes = 8;
constexpr std::size_t kHead = kMagic.size() + kLengthBytes + sizeof(Digest256);
// Long enough that no two pieces of one image are taken for each other; what is made of the pieces
// is compared with the image's own digest.
constexpr std::size_t kNoted = 16;

}  // namespace

PieceNotes::PieceNotes() : notes_(kHead) {}

void PieceNotes::add(ByteView bytes) {
  while (!bytes.empty()) {
    const std::size_t open = static_cast<std::size_t>(length_ % kPiece);
    const ByteView part = bytes.first(std::min(kPiece - open, bytes.size()));
    piece_.update(part);
    length_ += part.size();
    bytes = bytes.subspan(part.size());
    if (length_ % kPiece == 0) end_piece();
  }
}

void PieceNotes::end_piece() {
  const Digest256 digest = std::exchange(piece_, Sha256()).finish();
  notes_.insert(notes_.end(), digest.begin(), digest.begin() + kNoted);
}

Result<void> PieceNotes::write(Disk& disk, const fs::path& file, const std::string& sha256) {
  if (length_ % kPiece != 0) end_piece();
  const auto image = from_hex(sha256);
  if (!image || image->size() != sizeof(Digest256)) return fail(Errc::kInvalid, "no sha256");
  auto at = std::copy(kMagic.begin(), kMagic.end(), notes_.begin());
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    *at++ = static_cast<std::uint8_t>(length_ >> (8 * i));
  std::copy(image->begin(), image->end(), at);
  return write_file_durably(disk, file, as_text(notes_), 0600);
}

Result<ImagePieces> ImagePieces::open(const fs::path& file, const std::string& sha256) {
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "read " + file.string());
  struct stat info {};
  std::array<std::uint8_t, kHead> head{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(Errc::kInvalid, file.string() + " is no plain file");
  if (auto read = read_exactly(fd.get(), 0, head); !read) return read.error();
  const ByteView bytes(head);
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= std::uint64_t{head[kMagic.size() + i]} << (8 * i);
  const ByteView image = bytes.subspan(kMagic.size() + kLengthBytes);
  const auto pieces = static_cast<std::uint64_t>(info.st_size) - kHead;
  if (as_text(bytes.first(kMagic.size())) != kMagic || to_hex(image) != sha256 ||
      pieces % kNoted != 0 || length == 0 || (length - 1) / kPiece + 1 != pieces / kNoted) {
    return fail(Errc::kInvalid, file.string() + " notes no pieces of this image");
  }
  return ImagePieces(std::move(fd), length);
}

std::size_t ImagePieces::length_of(std::uint64_t piece) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, length_ - piece * kPiece));
}

Result<bool> ImagePieces::is(std::uint64_t piece, ByteView bytes) const {
  std::array<std::uint8_t, kNoted> noted{};
  if (auto read = read_exactly(fd_.get(), kHead + piece * kNoted, noted); !read)
    return read.error();
  const Digest256 digest = sha256(bytes);
  return std::equal(noted.begin(), noted.end(), digest.begin());
}

}  // namespace ota::agent
