#include "delta/decoder.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <new>

#include "delta/varint.h"

namespace ota::delta {
namespace {

// RFC 8878 section 3.1.1: what libzstd reads besides (older formats, skippable frames) is no block.
constexpr std::array<std::uint8_t, 4> kFrameMagic{0x28, 0xB5, 0x2F, 0xFD};

Error damaged(const char* what) {
  return fail(Errc::kBlock, what);
}

}  // namespace

// One zstd frame, read in pieces.
struct BlockDecoder::Stream {
  explicit Stream(unsigned window_log) : context(ZSTD_createDCtx()) {
    if (context == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, static_cast<int>(window_log));
  }
  ~Stream() { ZSTD_freeDCtx(context); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  void begin(ByteView frame) {
    ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
    input = {frame.data(), frame.size(), 0};
    ended = false;
  }
  // Decodes `into` full; false where the frame is damaged or has no more.
  bool pull(std::span<std::uint8_t> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos < out.size) {
      if (ended) return false;
      if (!step(out)) return false;
    }
    return true;
  }
  // The frame ends here, and with it the input.
  bool at_end() {
    std::uint8_t none = 0;
    ZSTD_outBuffer out{&none, 0, 0};
    while (!ended) {
      if (!step(out)) return false;
    }
    return input.pos == input.size;
  }

 private:
  // False where it is damaged, and where it does not get on.
  bool step(ZSTD_outBuffer& out) {
    const std::size_t taken = input.pos;
    const std::size_t made = out.pos;
    const std::size_t left = ZSTD_decompressStream(context, &out, &input);
    if (ZSTD_isError(left) != 0) return false;
    ended = left == 0;
    return ended || input.pos != taken || out.pos != made;
  }

  ZSTD_DCtx* context;
  ZSTD_inBuffer input{nullptr, 0, 0};
  bool ended = true;
};

BlockDecoder::BlockDecoder(const Head& head)
    : head_(head),
      stream_(std::make_unique<Stream>(head.window_log)),
      largest_(static_cast<std::size_t>(
          std::min({std::uint64_t{kGroup}, head.block_size(), head.image_length}))),
      parts_(std::make_unique_for_overwrite<std::uint8_t[]>(max_group_parts(largest_))),
      output_(std::make_unique_for_overwrite<std::uint8_t[]>(largest_)) {}

BlockDecoder::~BlockDecoder() = default;

Result<void> BlockDecoder::begin(std::size_t block, ByteView coded) {
  state_ = State::kFailed;
  if (block >= head_.blocks.size()) return damaged("no such block");
  const Block& announced = head_.blocks[block];
  if (coded.size() != announced.coded_length) return damaged("its length");
  if (sha256(coded) != announced.coded) return damaged("its digest");
  if (coded.size() < kFrameMagic.size() ||
      !std::equal(kFrameMagic.begin(), kFrameMagic.end(), coded.begin()))
    return damaged("no frame");
  stream_->begin(coded);
  block_ = block;
  block_length_ = head_.length_of(block);
  produced_ = 0;
  cursor_ = head_.begin_of(block);
  digest_.emplace();
  state_ = State::kOpen;
  return {};
}

Result<Step> BlockDecoder::next() {
  Result<Step> step = advance();
  if (!step || step->kind == Step::Kind::kDone) state_ = State::kFailed;
  return step;
}

Result<Step> BlockDecoder::advance() {
  for (;;) {
    switch (state_) {
      case State::kFailed:
        return damaged("not begun");
      case State::kOpen:
        if (produced_ == block_length_) {
          if (const auto good = finish(); !good) return good.error();
          return Step{};
        }
        if (const auto opened = open_group(); !opened) return opened.error();
        state_ = State::kEntry;
        break;
      case State::kEntry: {
        const auto step = entry();
        if (!step) return step.error();
        if (*step) return **step;
        break;
      }
      case State::kFilled:
        if (const auto good = change(std::span(output_.get() + filled_, copying_)); !good)
          return good.error();
        filled_ += copying_;
        cursor_ += copying_;
        if (const auto good = take_extra(); !good) return good.error();
        state_ = State::kEntry;
        break;
    }
  }
}

Result<void> BlockDecoder::open_group() {
  group_ = std::min(largest_, block_length_ - produced_);
  filled_ = 0;
  zeros_ = changed_ = 0;
  std::array<std::size_t, 4> lengths{};
  std::size_t room = max_group_parts(group_);
  for (std::size_t& length : lengths) {
    std::array<std::uint8_t, 4> digits{};  // a group's parts are shorter than 2^28
    std::size_t count = 0;
    do {
      if (count == digits.size() || !stream_->pull(std::span(digits).subspan(count, 1)))
        return damaged("a group's lengths");
    } while (digits[count++] >= 0x80);
    ByteView number = std::span(digits).first(count);
    const auto value = take_varint(number);
    if (!value || *value > room) return damaged("a group's lengths");
    length = static_cast<std::size_t>(*value);
    room -= length;
  }
  const std::size_t total = max_group_parts(group_) - room;
  if (!stream_->pull(std::span(parts_.get(), total))) return damaged("a group cut short");
  ByteView rest = std::span(parts_.get(), total);
  for (std::size_t i = 0; ByteView * part : {&copies_, &runs_, &literals_, &extras_}) {
    *part = rest.first(lengths[i]);
    rest = rest.subspan(lengths[i++]);
  }
  return {};
}

// A read, or the whole group; nothing where the entry had new bytes alone.
Result<std::optional<Step>> BlockDecoder::entry() {
  if (filled_ == group_) {
    if (!copies_.empty() || !runs_.empty() || !literals_.empty() || !extras_.empty() ||
        zeros_ != 0 || changed_ != 0)
      return damaged("a group with more than its share");
    const ByteView output(output_.get(), group_);
    digest_->update(output);
    produced_ += group_;
    state_ = State::kOpen;
    return std::optional(Step{.kind = Step::Kind::kGive, .output = output});
  }
  const auto length = take_varint(copies_);
  const auto extra = length ? take_varint(copies_) : std::nullopt;
  const auto seek = extra ? take_varint(copies_) : std::nullopt;
  if (!seek) return damaged("a copy cut short");
  const std::size_t room = group_ - filled_;
  if (*length > room || *extra > room - *length) return damaged("a copy beyond its group");
  if (*length == 0 && *extra == 0) return damaged("a copy of nothing");
  extra_ = static_cast<std::size_t>(*extra);
  copying_ = static_cast<std::size_t>(*length);
  const std::int64_t by = unzigzag(*seek);
  const std::uint64_t far =
      by < 0 ? ~static_cast<std::uint64_t>(by) + 1 : static_cast<std::uint64_t>(by);
  if (by < 0 ? far > cursor_ : far > space() - cursor_) return damaged("a copy from nowhere");
  cursor_ = by < 0 ? cursor_ - far : cursor_ + far;
  if (copying_ == 0) {
    if (const auto good = take_extra(); !good) return good.error();
    return std::optional<Step>();
  }
  const bool of_base = cursor_ < head_.base_length;
  if (copying_ > (of_base ? head_.base_length : space()) - cursor_)
    return damaged("a copy beyond its source");
  state_ = State::kFilled;
  return std::optional(Step{.kind = Step::Kind::kRead,
                            .source = of_base ? Step::Source::kBase : Step::Source::kImage,
                            .offset = of_base ? cursor_ : cursor_ - head_.base_length,
                            .into = std::span(output_.get() + filled_, copying_)});
}

Result<void> BlockDecoder::take_extra() {
  if (extra_ > extras_.size()) return damaged("fewer new bytes than announced");
  std::copy_n(extras_.begin(), extra_, output_.get() + filled_);
  extras_ = extras_.subspan(extra_);
  filled_ += extra_;
  return {};
}

Result<void> BlockDecoder::change(std::span<std::uint8_t> copied) {
  while (!copied.empty()) {
    if (zeros_ == 0 && changed_ == 0) {
      if (runs_.empty()) return {};
      const auto zeros = take_varint(runs_);
      const auto changed = zeros ? take_varint(runs_) : std::nullopt;
      if (!changed || *changed == 0) return damaged("a run cut short");
      zeros_ = *zeros;
      changed_ = *changed;
    }
    const auto same = static_cast<std::size_t>(std::min<std::uint64_t>(zeros_, copied.size()));
    copied = copied.subspan(same);
    zeros_ -= same;
    const auto differ = static_cast<std::size_t>(std::min<std::uint64_t>(changed_, copied.size()));
    if (differ > literals_.size()) return damaged("fewer differences than announced");
    for (std::size_t i = 0; i < differ; ++i)
      copied[i] = static_cast<std::uint8_t>(copied[i] + literals_[i]);
    copied = copied.subspan(differ);
    literals_ = literals_.subspan(differ);
    changed_ -= differ;
  }
  return {};
}

Result<void> BlockDecoder::finish() {
  if (!stream_->at_end()) return damaged("more than the block");
  if (digest_->finish() != head_.blocks[block_].decoded) return damaged("what it makes");
  return {};
}

}  // namespace ota::delta
