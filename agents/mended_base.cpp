#include "agents/mended_base.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "agents/part_fetch.h"
#include "agents/slot_store.h"
#include "base/read_exactly.h"
#include "delta/error.h"

namespace ota::agent {
namespace {

constexpr std::size_t kIndexBytes = 8;

void put_index(std::uint64_t piece, Bytes& record) {
  for (std::size_t i = 0; i < kIndexBytes; ++i)
    record[i] = static_cast<std::uint8_t>(piece >> (8 * i));
}

std::uint64_t index_of(ByteView record) {
  std::uint64_t piece = 0;
  for (std::size_t i = 0; i < kIndexBytes; ++i)
    piece |= std::uint64_t{record[i]} << (8 * i);
  return piece;
}

Error differs(const std::string& why) {
  return fail(delta::Errc::kBaseDiffers, why);
}

}  // namespace

Result<MendedBase> MendedBase::open(http::Requester& client, const BaseOrder& order) {
  const auto found = digest_file(order.files.image);
  // A base that cannot be read is none: the whole image goes to another slot.
  if (!found) return differs(found.error().text());
  MendedBase base;
  base.base_ = FileDescriptor(::open(order.files.image.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!base.base_) return differs(fail_errno(errno, "read " + order.files.image.string()).text());
  base.length_ = found->length;
  if (found->sha256 == order.sha256) return base;
  const std::string is = "it is " + found->sha256.substr(0, 16) + "...";
  if (order.path.empty() || order.files.may_fetch < kPiece) return differs(is);
  auto pieces = ImagePieces::open(order.files.pieces, order.sha256);
  if (!pieces || pieces->image_length() != base.length_) return differs(is);
  base.pieces_.emplace(std::move(*pieces));
  if (auto mended = base.mend(client, order); !mended) return mended.error();
  return base;
}

Result<void> MendedBase::mend(http::Requester& client, const BaseOrder& order) {
  disk_ = order.files.disk;
  auto kept = disk_->open_to_append(order.files.mended, 0600);
  if (!kept) return kept.error();
  kept_ = std::move(*kept);
  if (auto taken = take_up(); !taken) return taken;
  const auto wrong = missing(order.files.may_fetch);
  if (!wrong) return wrong.error();
  // One request for pieces that stand together.
  for (auto from = wrong->begin(); from != wrong->end();) {
    auto to = std::next(from);
    while (to != wrong->end() && *to == *std::prev(to) + 1)
      ++to;
    if (auto done = fetch(client, order, *from, *std::prev(to) + 1); !done) return done;
    from = to;
  }
  const auto now = digest();
  if (!now) return now.error();
  if (*now != order.sha256) return differs("it does not become the one it was");
  return {};
}

// What is in the file, as far as it is right.
Result<void> MendedBase::take_up() {
  struct stat info {};
  if (::fstat(kept_.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(Errc::kIo, "the pieces' file is no plain file");
  const auto size = static_cast<std::uint64_t>(info.st_size);
  Bytes record(kIndexBytes + kPiece);
  while (kept_length_ + kIndexBytes < size) {
    if (auto read = read_exactly(kept_.get(), kept_length_, std::span(record).first(kIndexBytes));
        !read)
      return read;
    const std::uint64_t piece = index_of(record);
    if (piece >= pieces_->count()) break;
    const std::size_t length = pieces_->length_of(piece);
    const auto bytes = std::span(record).subspan(kIndexBytes, length);
    if (size - kept_length_ - kIndexBytes < length) break;
    if (auto read = read_exactly(kept_.get(), kept_length_ + kIndexBytes, bytes); !read)
      return read;
    const auto right = pieces_->is(piece, bytes);
    if (!right) return right.error();
    if (!*right) break;
    mended_[piece] = kept_length_ + kIndexBytes;
    kept_length_ += kIndexBytes + length;
  }
  return disk_->truncate(kept_.get(), kept_length_);
}

// The pieces of the base that are wrong and not there yet. All that was ever fetched counts.
Result<std::vector<std::uint64_t>> MendedBase::missing(std::uint64_t may_fetch) {
  std::vector<std::uint64_t> out;
  Bytes bytes(kPiece);
  for (std::uint64_t piece = 0; piece < pieces_->count(); ++piece) {
    if (mended_.contains(piece)) continue;
    const auto now = std::span(bytes).first(pieces_->length_of(piece));
    if (auto read = read_exactly(base_.get(), piece * kPiece, now); !read)
      return differs(read.error().text());
    const auto right = pieces_->is(piece, now);
    if (!right) return right.error();
    if (*right) continue;
    out.push_back(piece);
    if ((mended_.size() + out.size()) * kPiece > may_fetch)
      return differs("in more pieces than it is worth");
  }
  return out;
}

Result<void> MendedBase::fetch(http::Requester& client, const BaseOrder& order, std::uint64_t first,
                               std::uint64_t end) {
  http::Requester::Download wanted = order.limits;
  wanted.offset = first * kPiece;
  wanted.end = std::min(end * kPiece, length_);
  wanted.max_bytes = wanted.end;
  Bytes record(kIndexBytes);
  std::uint64_t piece = first;
  const auto sink = [&](std::string_view chunk) -> Result<void> {
    if (auto still = order.go_on(); !still) return still;
    while (!chunk.empty() && piece < end) {
      const std::size_t whole = kIndexBytes + pieces_->length_of(piece);
      const ByteView part = as_bytes(chunk.substr(0, whole - record.size()));
      record.insert(record.end(), part.begin(), part.end());
      chunk.remove_prefix(part.size());
      if (record.size() < whole) break;
      if (auto kept = keep(piece, record); !kept) return kept;
      record.resize(kIndexBytes);
      ++piece;
    }
    return {};
  };
  auto done = fetch_part(client, order.path, wanted, sink);
  // One that is not published any more, or of which no part is sent, is not mended.
  if (!done && (done.error().code == Errc::kNotFound || done.error().code == Errc::kLimit ||
                done.error().code == Errc::kInvalid))
    return differs(done.error().text());
  if (!done) return done;
  if (piece < end) return fail(Errc::kUnavailable, "the base's pieces ended early");
  return {};
}

Result<void> MendedBase::keep(std::uint64_t piece, Bytes& record) {
  const auto right = pieces_->is(piece, ByteView(record).subspan(kIndexBytes));
  if (!right) return right.error();
  if (!*right) return differs("the server has other pieces");
  put_index(piece, record);
  auto written = disk_->write(kept_.get(), as_text(record));
  // A disk without room for these pieces may have room for the image.
  if (!written && written.error().code == Errc::kFull) return differs(written.error().text());
  if (!written) return written;
  mended_[piece] = kept_length_ + kIndexBytes;
  kept_length_ += record.size();
  return {};
}

Result<std::string> MendedBase::digest() const {
  Sha256 digest;
  Bytes bytes(kPiece);
  for (std::uint64_t at = 0; at < length_; at += kPiece) {
    const auto part = std::span(bytes).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, length_ - at)));
    if (auto got = read(at, part); !got) return got.error();
    digest.update(part);
  }
  return to_hex(digest.finish());
}

Result<void> MendedBase::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  while (!mended_.empty() && !into.empty()) {
    const std::uint64_t piece = offset / kPiece;
    const std::uint64_t inside = offset % kPiece;
    const auto part =
        into.first(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece - inside, into.size())));
    const auto right = mended_.find(piece);
    auto got = right == mended_.end() ? read_base(offset, part)
                                      : read_exactly(kept_.get(), right->second + inside, part);
    if (!got) return got;
    offset += part.size();
    into = into.subspan(part.size());
  }
  return read_base(offset, into);
}

Result<void> MendedBase::read_base(std::uint64_t offset, std::span<std::uint8_t> into) const {
  if (auto got = read_exactly(base_.get(), offset, into); !got) return differs(got.error().text());
  return {};
}

}  // namespace ota::agent
