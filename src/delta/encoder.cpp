#include "delta/encoder.h"

#include <zstd.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <vector>

#include "delta/matcher.h"
#include "delta/varint.h"

namespace ota::delta {
namespace {

// The four parts of one group, as they grow.
class Group {
 public:
  // `change`: how the copied bytes differ from the image's.
  void copy(std::uint64_t from, std::uint64_t& cursor, ByteView old, ByteView wanted,
            ByteView extra) {
    put_varint(copies_, wanted.size());
    put_varint(copies_, extra.size());
    const std::uint64_t to = wanted.empty() ? cursor : from;
    put_varint(copies_, zigzag(static_cast<std::int64_t>(to - cursor)));
    cursor = to + wanted.size();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto difference = static_cast<std::uint8_t>(wanted[i] - old[i]);
      if (difference == 0) {
        end_run();
        ++zeros_;
      } else {
        ++changed_;
        literals_.push_back(difference);
      }
    }
    extras_.insert(extras_.end(), extra.begin(), extra.end());
  }
  // Appends it to `out` and is empty again; false, and empty, where it is more than a group may be.
  bool close(std::size_t output, Bytes& out) {
    end_run();
    zeros_ = 0;
    const Bytes* parts[] = {&copies_, &runs_, &literals_, &extras_};
    std::size_t total = 0;
    for (const Bytes* part : parts)
      total += part->size();
    const bool fits = total <= max_group_parts(output);
    if (fits) {
      for (const Bytes* part : parts)
        put_varint(out, part->size());
      for (const Bytes* part : parts)
        out.insert(out.end(), part->begin(), part->end());
    }
    for (Bytes* part : {&copies_, &runs_, &literals_, &extras_})
      part->clear();
    return fits;
  }

 private:
  void end_run() {
    if (changed_ == 0) return;
    put_varint(runs_, zeros_);
    put_varint(runs_, changed_);
    zeros_ = changed_ = 0;
  }

  Bytes copies_, runs_, literals_, extras_;
  std::uint64_t zeros_ = 0, changed_ = 0;
};

class Coder {
 public:
  Coder(ByteView base, ByteView image, const Head& head, const EncodeOptions& options)
      : base_(base), image_(image), head_(head) {
    if (zstd_ == nullptr) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, options.level);
    ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_windowLog, options.window_log);
    ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_checksumFlag, 0);
  }

  // The coded bytes, until the next call.
  ByteView block(std::size_t number, const std::vector<Copy>& copies) {
    ByteView coded = compressed(groups(number, copies));
    const std::size_t length = head_.length_of(number);
    if (coded.size() > max_coded_length(length))
      coded = compressed(groups(number, {{0, 0, length}}));
    return coded;
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };

  // The copies cut into groups, each of which can be read by itself.
  Bytes groups(std::size_t number, const std::vector<Copy>& copies) {
    Bytes out;
    const auto begin = static_cast<std::size_t>(head_.begin_of(number));
    const std::size_t length = head_.length_of(number);
    out.reserve(length / 4);
    std::uint64_t cursor = begin;
    std::size_t next = 0;
    Copy rest = copies.empty() ? Copy{} : copies[0];
    for (std::size_t at = 0; at < length;) {
      const std::size_t share = std::min(kGroup, length - at);
      const std::uint64_t cursor_before = cursor;
      for (std::size_t filled = 0; filled < share;) {
        if (rest.length == 0 && rest.extra == 0) rest = copies[++next];
        const std::size_t take = std::min(rest.length, share - filled);
        const std::size_t fresh =
            take < rest.length ? 0 : std::min(rest.extra, share - filled - take);
        const ByteView wanted = image_.subspan(begin + at + filled, take + fresh);
        group_.copy(rest.from, cursor, old(rest.from, take), wanted.first(take),
                    wanted.subspan(take));
        rest.from += take;
        rest.length -= take;
        rest.extra -= fresh;
        filled += take + fresh;
      }
      if (!group_.close(share, out)) {
        cursor = cursor_before;
        group_.copy(0, cursor, {}, {}, image_.subspan(begin + at, share));
        group_.close(share, out);
      }
      at += share;
    }
    return out;
  }
  ByteView old(std::uint64_t from, std::size_t length) const {
    if (length == 0) return {};
    return from < base_.size()
               ? base_.subspan(static_cast<std::size_t>(from), length)
               : image_.subspan(static_cast<std::size_t>(from - base_.size()), length);
  }
  ByteView compressed(const Bytes& plain) {
    coded_.resize(ZSTD_compressBound(plain.size()));
    const std::size_t size =
        ZSTD_compress2(zstd_.get(), coded_.data(), coded_.size(), plain.data(), plain.size());
    if (ZSTD_isError(size) != 0) throw std::bad_alloc();  // with room enough, nothing else fails
    return ByteView(coded_).first(size);
  }

  ByteView base_, image_;
  const Head& head_;
  std::unique_ptr<ZSTD_CCtx, Free> zstd_{ZSTD_createCCtx()};
  Group group_;
  Bytes coded_;
};

// Hands out block numbers and puts what comes back into their order.
class Line {
 public:
  Line(Head& head, const EncodeOptions& options, const BlockSink& sink)
      : head_(head), options_(options), sink_(sink), waiting_(head.blocks.size()) {}

  // Nothing: no more to do.
  std::optional<std::size_t> take() {
    const std::size_t number = next_++;
    if (number >= head_.blocks.size() || over_) return std::nullopt;
    return number;
  }
  void done(std::size_t number, ByteView coded, const Digest256& digest, const Digest256& decoded) {
    const std::scoped_lock lock(mutex_);
    head_.blocks[number] = {static_cast<std::uint32_t>(coded.size()), digest, decoded};
    waiting_[number].assign(coded.begin(), coded.end());
    options_.progress(++count_, head_.blocks.size());
    for (; given_ < waiting_.size() && !waiting_[given_].empty(); ++given_) {
      if (over_) return;
      if (auto taken = sink_(waiting_[given_]); !taken) stop(taken.error());
      waiting_[given_] = Bytes();
    }
  }
  void broke(const Error& error) {
    const std::scoped_lock lock(mutex_);
    stop(error);
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  void stop(const Error& error) {
    if (!error_) error_ = error;
    over_ = true;
  }

  Head& head_;
  const EncodeOptions& options_;
  const BlockSink& sink_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> over_ = false;
  std::mutex mutex_;
  std::vector<Bytes> waiting_;
  std::size_t given_ = 0, count_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<Head> encode(ByteView base, ByteView image, const EncodeOptions& options,
                    const BlockSink& sink) {
  if (options.block_log < kMinBlockLog || options.block_log > kMaxBlockLog ||
      options.window_log < kMinWindowLog || options.window_log > kMaxWindowLog)
    return ota::fail(ota::Errc::kInvalid, "block or window beyond the format's limits");
  if (base.size() > kMaxImage || image.size() > kMaxImage)
    return ota::fail(ota::Errc::kLimit, "an image beyond 1 TiB");
  Head head;
  head.base_length = base.size();
  head.base = sha256(base);
  head.image_length = image.size();
  head.image = sha256(image);
  head.block_log = options.block_log;
  head.window_log = options.window_log;
  head.blocks.resize(static_cast<std::size_t>(blocks_of(image.size(), options.block_log)));
  const Matcher matcher(base, image, head.block_size(), options.index_bytes);
  Line line(head, options, sink);
  const auto work = [&] {
    try {
      Coder coder(base, image, head, options);
      while (const auto number = line.take()) {
        const ByteView coded = coder.block(*number, matcher.copies(*number));
        const auto begin = static_cast<std::size_t>(head.begin_of(*number));
        line.done(*number, coded, sha256(coded),
                  sha256(image.subspan(begin, head.length_of(*number))));
      }
    } catch (const std::bad_alloc&) {
      line.broke(ota::fail(ota::Errc::kLimit, "not enough memory"));
    } catch (const std::exception& error) {
      line.broke(ota::fail(ota::Errc::kInternal, error.what()));
    }
  };
  {
    std::vector<std::jthread> others;
    for (unsigned i = 1; i < options.threads; ++i)
      others.emplace_back(work);
    work();
  }
  if (line.error()) return *line.error();
  return head;
}

}  // namespace ota::delta
