#include "agents/patcher.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "agents/part_fetch.h"
#include "base/text.h"
#include "delta/apply.h"

namespace ota::agent {
namespace {

using delta::Step;

class PatchFetch {
 public:
  PatchFetch(http::Requester& client, const PatchOrder& order, PartialImage& into)
      : client_(client), order_(order), into_(into) {}

  Result<void> run() {
    if (auto fits = open_base(); !fits) return fits;
    want(delta::kFixedHead);
    for (std::uint64_t offset = 0;; offset = head_->offset_of(block_)) {
      ending_ = Ending::kNone;
      const auto answered = request(offset);
      switch (ending_) {
        case Ending::kWhole:
          return {};
        case Ending::kElsewhere:
          break;
        case Ending::kDamaged:
          // Once in all: a server that spoils every block must not have each of them sent twice.
          if (std::exchange(was_damaged_, true)) return answered.error();
          break;
        case Ending::kNone:
          if (!answered) return answered.error();
          return fail(Errc::kUnavailable, "the patch ended early");
      }
    }
  }

 private:
  // Why a request was ended from here.
  enum class Ending : std::uint8_t { kNone, kWhole, kElsewhere, kDamaged };

  Error end(Ending ending, Error error) {
    ending_ = ending;
    return error;
  }

  Result<void> open_base() {
    if (order_.patch.from.empty()) return {};
    auto base = MendedBase::open(
        client_, {order_.base, order_.patch.from, order_.base_path, order_.limits, order_.go_on});
    if (!base) return base.error();
    base_.emplace(std::move(*base));
    if (base_->mended() > 0) {
      order_.say("the base differs: put right in " + std::to_string(base_->mended()) +
                 " of its pieces of " + format_bytes(kPiece));
    }
    return {};
  }

  Result<void> request(std::uint64_t offset) {
    http::Requester::Download wanted = order_.limits;
    wanted.offset = offset;
    wanted.max_bytes = order_.patch.length;
    auto done = fetch_part(client_, order_.path, wanted, [&](std::string_view chunk) {
      auto wanted_still = order_.go_on();
      return wanted_still ? take(chunk) : wanted_still;
    });
    if (!done && done.error().code == Errc::kLimit && ending_ == Ending::kNone)
      return fail(delta::Errc::kBlock, "longer than the signed patch");
    return done;
  }

  // The next so many bytes are one thing: the head's first part, the head, a block.
  void want(std::size_t bytes) {
    piece_.clear();
    piece_.reserve(bytes);
    wanted_ = bytes;
  }

  Result<void> take(std::string_view chunk) {
    while (!chunk.empty()) {
      if (ending_ == Ending::kWhole) return fail(delta::Errc::kBlock, "longer than it says");
      const std::size_t part = std::min(wanted_ - piece_.size(), chunk.size());
      const ByteView bytes = as_bytes(chunk.substr(0, part));
      piece_.insert(piece_.end(), bytes.begin(), bytes.end());
      chunk.remove_prefix(part);
      if (piece_.size() < wanted_) return {};
      if (auto taken = head_ ? take_block() : take_head(); !taken) return taken;
    }
    return {};
  }

  Result<void> take_head() {
    if (piece_.size() == delta::kFixedHead) {
      const auto length = delta::head_length(piece_, order_.release.length);
      if (!length) return fail(delta::Errc::kHead, length.error().text());
      if (*length > order_.patch.length) return fail(delta::Errc::kHead, "longer than the patch");
      wanted_ = *length;
      piece_.reserve(wanted_);
      if (piece_.size() < wanted_) return {};
    }
    if (to_hex(sha256(piece_)) != order_.patch.head)
      return fail(delta::Errc::kHead, "not the signed one");
    auto head = delta::parse_head(piece_, order_.release.length);
    if (!head) return fail(delta::Errc::kHead, head.error().text());
    if (head->image_length != order_.release.length ||
        to_hex(head->image) != order_.release.sha256 ||
        head->base_length != (base_ ? base_->length() : 0) ||
        (base_ && to_hex(head->base) != order_.patch.from) ||
        head->file_length() != order_.patch.length)
      return fail(delta::Errc::kHead, "for other images than it was signed for");
    head_ = std::move(*head);
    decoder_.emplace(*head_);
    return go_on_from_here();
  }

  // Behind what is there of the image and fits.
  Result<void> go_on_from_here() {
    std::size_t whole = static_cast<std::size_t>(into_.size() >> head_->block_log);
    if (into_.size() >= head_->image_length) whole = head_->blocks.size();
    while (whole > 0) {
      const auto fits = is_there(whole - 1);
      if (!fits) return fits.error();
      if (*fits) break;
      --whole;
    }
    block_ = whole;
    const std::uint64_t kept = std::min(head_->begin_of(whole), head_->image_length);
    if (auto cut = into_.cut(kept); !cut) return cut;
    if (whole == 0) return next_block();
    if (whole == head_->blocks.size())
      return end(Ending::kWhole, fail(Errc::kUnavailable, "nothing is missing"));
    want(head_->blocks[block_].coded_length);
    return end(Ending::kElsewhere, fail(Errc::kUnavailable, "it goes on further behind"));
  }

  Result<bool> is_there(std::size_t block) const {
    Bytes chunk(std::size_t{64} << 10);
    Sha256 digest;
    std::uint64_t at = head_->begin_of(block);
    for (std::size_t left = head_->length_of(block); left > 0;) {
      const auto part = std::span(chunk).first(std::min(left, chunk.size()));
      if (auto read = into_.read_at(at, part); !read) return read.error();
      digest.update(part);
      at += part.size();
      left -= part.size();
    }
    return digest.finish() == head_->blocks[block].decoded;
  }

  Result<void> next_block() {
    if (block_ == head_->blocks.size()) {
      ending_ = Ending::kWhole;  // the answer ends as well, and its connection stays
    } else {
      want(head_->blocks[block_].coded_length);
    }
    return {};
  }

  Result<void> take_block() {
    const delta::BlockPorts ports{
        .read =
            [this](Step::Source source, std::uint64_t offset, std::span<std::uint8_t> into) {
              return source == Step::Source::kBase ? base_->read(offset, into)
                                                   : into_.read_at(offset, into);
            },
        .write = [this](ByteView bytes) { return into_.append(as_text(bytes)); }};
    const auto applied = delta::apply_block(*decoder_, block_, piece_, ports);
    if (applied) {
      ++block_;
      return next_block();
    }
    if (auto cut = into_.cut(head_->begin_of(block_)); !cut) return cut;
    const Error error = applied.error().within("block " + std::to_string(block_));
    if (applied.error().code != delta::Errc::kBlock) return error;
    want(head_->blocks[block_].coded_length);
    return end(Ending::kDamaged, error);
  }

  http::Requester& client_;
  const PatchOrder& order_;
  PartialImage& into_;
  std::optional<MendedBase> base_;
  std::optional<delta::Head> head_;
  std::optional<delta::BlockDecoder> decoder_;
  Bytes piece_;
  std::size_t wanted_ = 0;
  std::size_t block_ = 0;
  bool was_damaged_ = false;
  Ending ending_ = Ending::kNone;
};

}  // namespace

Result<void> fetch_patch(http::Requester& client, const PatchOrder& order, PartialImage& into) {
  return PatchFetch(client, order, into).run();
}

}  // namespace ota::agent
