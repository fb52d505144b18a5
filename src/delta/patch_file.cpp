#include "delta/patch_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/read_exactly.h"
#include "delta/apply.h"

namespace ota::delta {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = std::size_t{128} << 10;

struct Opened {
  FileDescriptor fd;
  std::uint64_t length = 0;
};

Result<Opened> open_regular(const fs::path& path) {
  Opened file{FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0};
  if (!file.fd) return fail_errno(errno, path.string());
  struct stat facts {};
  if (::fstat(file.fd.get(), &facts) != 0) return fail_errno(errno, path.string());
  if (!S_ISREG(facts.st_mode)) return ota::fail(ota::Errc::kInvalid, path.string() + ": no file");
  file.length = static_cast<std::uint64_t>(facts.st_size);
  return file;
}

Result<Digest256> digest_of(const Opened& file) {
  Bytes chunk(kChunk);
  Sha256 digest;
  for (std::uint64_t at = 0; at < file.length;) {
    const auto part = std::span(chunk).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(kChunk, file.length - at)));
    if (const auto read = read_exactly(file.fd.get(), at, part); !read) return read.error();
    digest.update(part);
    at += part.size();
  }
  return digest.finish();
}

// A file's bytes, as long as it lives.
class Mapping {
 public:
  explicit Mapping(const Opened& file) : size_(static_cast<std::size_t>(file.length)) {
    if (size_ == 0) return;
    void* at = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.fd.get(), 0);
    if (at != MAP_FAILED) bytes_ = static_cast<const std::uint8_t*>(at);
  }
  ~Mapping() {
    if (bytes_ != nullptr) ::munmap(const_cast<std::uint8_t*>(bytes_), size_);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  bool good() const { return size_ == 0 || bytes_ != nullptr; }
  ByteView bytes() const { return {bytes_, size_}; }

 private:
  const std::uint8_t* bytes_ = nullptr;
  std::size_t size_;
};

// A file that gets its name by finish(), and is gone without it.
class NewFile {
 public:
  static Result<NewFile> create(const fs::path& path) {
    NewFile file;
    file.path_ = path;
    std::string name = path.string() + ".XXXXXX";
    file.fd_ = FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
    if (!file.fd_) return fail_errno(errno, name);
    file.temporary_ = name;
    if (::fchmod(file.fd_.get(), 0644) != 0) return fail_errno(errno, name);
    return file;
  }
  NewFile(NewFile&& other) noexcept
      : path_(std::move(other.path_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)) {}
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  int fd() const { return fd_.get(); }
  Result<void> finish() {
    if (::fsync(fd_.get()) != 0) return fail_errno(errno, temporary_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return fail_errno(errno, path_.string());
    temporary_.clear();
    const fs::path folder = path_.parent_path();
    return sync_directory(folder.empty() ? "." : folder);
  }

 private:
  NewFile() = default;
  fs::path path_;
  std::string temporary_;
  FileDescriptor fd_;
};

Result<Head> read_head(const Opened& file) {
  Bytes bytes(kFixedHead);
  if (file.length < bytes.size()) return fail(Errc::kHead, "cut short");
  if (const auto read = read_exactly(file.fd.get(), 0, bytes); !read) return read.error();
  const auto length = head_length(bytes);
  if (!length) return length.error();
  if (file.length < *length) return fail(Errc::kHead, "cut short");
  bytes.resize(*length);
  if (const auto read = read_exactly(file.fd.get(), 0, bytes); !read) return read.error();
  auto head = parse_head(bytes);
  if (head && head->file_length() != file.length)
    return fail(Errc::kHead, "a file of " + std::to_string(file.length) + " bytes instead of " +
                                 std::to_string(head->file_length()));
  return head;
}

Result<void> apply_blocks(const Head& head, const Opened& patch, const Opened* base,
                          const NewFile& image) {
  BlockDecoder decoder(head);
  Sha256 whole;
  const BlockPorts ports{
      .read =
          [&](Step::Source source, std::uint64_t offset, std::span<std::uint8_t> into) {
            return read_exactly(source == Step::Source::kBase ? base->fd.get() : image.fd(), offset,
                                into);
          },
      .write = [&](ByteView bytes) -> Result<void> {
        whole.update(bytes);
        return write_all(image.fd(), as_text(bytes));
      }};
  Bytes coded;
  std::uint64_t offset = head.head_length();
  for (std::size_t i = 0; i < head.blocks.size(); ++i) {
    coded.resize(head.blocks[i].coded_length);
    if (auto read = read_exactly(patch.fd.get(), offset, coded); !read) return read;
    offset += coded.size();
    if (auto applied = apply_block(decoder, i, coded, ports); !applied)
      return applied.error().within("block " + std::to_string(i));
  }
  if (whole.finish() != head.image) return fail(Errc::kResult);
  return {};
}

}  // namespace

Result<Head> make_patch(const fs::path& base, const fs::path& image, const fs::path& patch,
                        const EncodeOptions& options) {
  Opened old;
  if (!base.empty()) {
    auto opened = open_regular(base);
    if (!opened) return opened.error();
    old = std::move(*opened);
  }
  const auto wanted = open_regular(image);
  if (!wanted) return wanted.error();
  const Mapping from(old);
  const Mapping to(*wanted);
  if (!from.good() || !to.good()) return ota::fail(ota::Errc::kIo, "mapping the images");
  auto file = NewFile::create(patch);
  if (!file) return file.error();
  // The head comes last and stands first; its length is known.
  const auto blocks = blocks_of(wanted->length, options.block_log);
  const auto head_bytes = static_cast<off_t>(kFixedHead + blocks * kBlockEntry);
  if (::lseek(file->fd(), head_bytes, SEEK_SET) < 0) return fail_errno(errno, patch.string());
  auto head = encode(from.bytes(), to.bytes(), options,
                     [&](ByteView coded) { return write_all(file->fd(), as_text(coded)); });
  if (!head) return head;
  if (::lseek(file->fd(), 0, SEEK_SET) < 0) return fail_errno(errno, patch.string());
  if (const auto done = write_all(file->fd(), as_text(serialize(*head))); !done)
    return done.error();
  if (const auto done = file->finish(); !done) return done.error();
  return head;
}

Result<Head> apply_patch(const fs::path& base, const fs::path& patch, const fs::path& image) {
  const auto from = open_regular(patch);
  if (!from) return from.error();
  auto head = read_head(*from);
  if (!head) return head.error().within(patch.string());
  std::optional<Opened> old;
  if (head->base_length > 0) {
    if (base.empty()) return fail(Errc::kBaseDiffers, "this patch needs a base");
    auto opened = open_regular(base);
    if (!opened) return opened.error();
    old = std::move(*opened);
    if (old->length != head->base_length) return fail(Errc::kBaseDiffers, base.string());
    const auto digest = digest_of(*old);
    if (!digest) return digest.error();
    if (*digest != head->base) return fail(Errc::kBaseDiffers, base.string());
  }
  auto file = NewFile::create(image);
  if (!file) return file.error();
  // Read back by copies out of the image's own finished part.
  if (const auto done = apply_blocks(*head, *from, old ? &*old : nullptr, *file); !done)
    return done.error();
  if (const auto done = file->finish(); !done) return done.error();
  return head;
}

Result<Digest256> file_digest(const fs::path& file) {
  const auto opened = open_regular(file);
  if (!opened) return opened.error();
  return digest_of(*opened);
}

Result<Head> read_head(const fs::path& patch) {
  const auto file = open_regular(patch);
  if (!file) return file.error();
  auto head = read_head(*file);
  if (!head) return head.error().within(patch.string());
  return head;
}

}  // namespace ota::delta
