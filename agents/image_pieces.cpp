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
constexpr std::size_t kWriteAt = 4096;

fs::path unfinished(const fs::path& file) {
  return file.string() + ".new";
}

}  // namespace

PieceNotes::PieceNotes(fs::path file, FileDescriptor fd)
    : file_(std::move(file)), fd_(std::move(fd)), digests_(kHead) {}

PieceNotes::~PieceNotes() {
  if (fd_) ::unlink(unfinished(file_).c_str());
}

Result<PieceNotes> PieceNotes::begin(fs::path file) {
  FileDescriptor fd(::open(unfinished(file).c_str(),
                           O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno(errno, "write " + file.string());
  return PieceNotes(std::move(file), std::move(fd));
}

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
  digests_.insert(digests_.end(), digest.begin(), digest.begin() + kNoted);
  if (digests_.size() < kWriteAt || !written_) return;
  written_ = write_all(fd_.get(), as_text(digests_));
  digests_.clear();
}

Result<void> PieceNotes::finish(const std::string& sha256) {
  if (length_ % kPiece != 0) end_piece();
  if (written_) written_ = write_all(fd_.get(), as_text(digests_));
  if (!written_) return written_;
  // The head stood empty until here.
  Bytes head(kMagic.begin(), kMagic.end());
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    head.push_back(static_cast<std::uint8_t>(length_ >> (8 * i)));
  const auto image = from_hex(sha256);
  if (!image || image->size() != sizeof(Digest256)) return fail(Errc::kInvalid, "no sha256");
  head.insert(head.end(), image->begin(), image->end());
  if (::pwrite(fd_.get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()) ||
      ::fsync(fd_.get()) != 0 || ::rename(unfinished(file_).c_str(), file_.c_str()) != 0) {
    return fail_errno(errno, "write " + file_.string());
  }
  fd_.reset();
  return {};
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
