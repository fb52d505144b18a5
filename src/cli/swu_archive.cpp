#include "cli/swu_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/swu_description.h"

namespace ota::cli {
namespace {

// cpio(5), "New ASCII Format": 6 bytes of magic, then 13 numbers of 8 hex digits.
constexpr std::size_t kHeaderBytes = 110;
constexpr std::size_t kFieldBytes = 8;
constexpr std::size_t kMagicBytes = 6;
constexpr std::size_t kSizeField = 6;
constexpr std::size_t kNameField = 11;
constexpr std::size_t kChecksumField = 12;
constexpr std::string_view kPlain = "070701";
constexpr std::string_view kWithChecksum = "070702";
constexpr std::string_view kEnd = "TRAILER!!!";

constexpr std::size_t kMostMembers = 1000;
constexpr std::size_t kLongestName = 256;
constexpr std::uint64_t kMostDescriptionBytes = 512 * 1024;
constexpr std::uint64_t kMostSignatureBytes = 64 * 1024;
constexpr std::uint64_t kBlock = 512;  // to whose multiple cpio fills up an archive

std::uint64_t padded(std::uint64_t size) {
  return (size + 3) & ~std::uint64_t{3};
}

struct Member {
  std::string name;
  std::uint64_t data = 0;  // where it begins
  std::uint64_t size = 0;
  std::optional<std::uint32_t> checksum;
  std::uint64_t next = 0;  // where the next header begins
};

class Reader {
 public:
  Reader(int descriptor, std::uint64_t size) : descriptor_(descriptor), size_(size) {}

  Result<std::string> bytes(std::uint64_t at, std::uint64_t count) const {
    if (count > size_ || at > size_ - count) {
      return fail(Errc::kInvalid, "the archive ends in the middle of a member");
    }
    std::string out(static_cast<std::size_t>(count), '\0');
    std::size_t have = 0;
    while (have < out.size()) {
      const ssize_t got =
          ::pread(descriptor_, out.data() + have, out.size() - have, static_cast<off_t>(at + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, "read the archive");
      if (got == 0) return fail(Errc::kInvalid, "the archive became shorter");
      have += static_cast<std::size_t>(got);
    }
    return out;
  }

  // SHA-256 of a part of the file, in constant memory.
  Result<std::string> digest(std::uint64_t at, std::uint64_t count) const {
    constexpr std::uint64_t kPiece = 65536;
    Sha256 digest;
    for (std::uint64_t done = 0; done < count; done += kPiece) {
      const auto piece = bytes(at + done, std::min(kPiece, count - done));
      if (!piece) return piece.error();
      digest.update(as_bytes(*piece));
    }
    return to_hex(digest.finish());
  }

  // Between members, and behind the last one up to a block's end, stands nothing.
  Result<void> empty(std::uint64_t from, std::uint64_t to) const {
    const auto fill = bytes(from, to - from);
    if (!fill) return fill.error();
    if (fill->find_first_not_of('\0') == std::string::npos) return {};
    return fail(Errc::kInvalid, "bytes of no member at byte " + std::to_string(from) +
                                    ": no signature covers them");
  }
  Result<void> end(std::uint64_t at) const {
    if (size_ >= at && size_ - at < kBlock) return empty(at, size_);
    return fail(Errc::kInvalid, "the archive ends at byte " + std::to_string(at) +
                                    " and the file goes on: no signature covers what follows");
  }
  std::uint64_t size() const { return size_; }

  Result<Member> member(std::uint64_t at) const {
    const auto header = bytes(at, kHeaderBytes);
    if (!header) return header.error();
    const std::string_view magic = std::string_view(*header).substr(0, kMagicBytes);
    if (magic != kPlain && magic != kWithChecksum) {
      return fail(Errc::kInvalid, "no cpio header (newc or crc) at byte " + std::to_string(at));
    }
    const auto size = field(*header, kSizeField);
    const auto name_size = field(*header, kNameField);
    const auto checksum = field(*header, kChecksumField);
    if (!size || !name_size || !checksum) {
      return fail(Errc::kInvalid, "a damaged cpio header at byte " + std::to_string(at));
    }
    if (*name_size < 2 || *name_size > kLongestName) {
      return fail(Errc::kInvalid, "a member's name has no or more than 255 bytes");
    }
    const auto name = bytes(at + kHeaderBytes, *name_size);
    if (!name) return name.error();
    Member out;
    out.name = name->substr(0, name->find('\0'));
    if (out.name.size() + 1 != *name_size) {
      return fail(Errc::kInvalid, "'" + printable(out.name) + "': a NUL within a member's name");
    }
    out.size = *size;
    out.data = at + padded(kHeaderBytes + *name_size);
    out.next = out.data + padded(out.size);
    if (magic == kWithChecksum) out.checksum = *checksum;
    if (out.size > size_ || out.data > size_ - out.size) {
      return fail(Errc::kInvalid, "'" + printable(out.name) + "' ends after the archive");
    }
    const std::uint64_t name_end = at + kHeaderBytes + *name_size;
    if (auto clean = empty(name_end, std::min(out.data, size_)); !clean) return clean.error();
    const std::uint64_t end = out.data + out.size;
    if (auto clean = empty(end, std::min(out.next, size_)); !clean) return clean.error();
    return out;
  }

  // A small member, with its checksum checked.
  Result<std::string> content(const Member& member, std::uint64_t most) const {
    if (member.size > most) {
      return fail(Errc::kLimit, member.name + " has " + std::to_string(member.size) +
                                    " bytes; at most " + std::to_string(most) + " are read");
    }
    auto content = bytes(member.data, member.size);
    if (!content || !member.checksum) return content;
    std::uint32_t sum = 0;
    for (const char c : *content)
      sum += static_cast<unsigned char>(c);
    if (sum != *member.checksum) return fail(Errc::kInvalid, member.name + ": wrong checksum");
    return content;
  }

 private:
  static std::optional<std::uint32_t> field(std::string_view header, std::size_t number) {
    const std::string_view digits = header.substr(kMagicBytes + number * kFieldBytes, kFieldBytes);
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  }

  const int descriptor_;
  const std::uint64_t size_;
};

}  // namespace

Result<SwuArchive> read_swu(const std::filesystem::path& file) {
  // Without waiting for the other end of a pipe that is none of ours.
  FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!descriptor) return fail_errno(errno, "read " + file.string());
  struct stat info {};
  if (::fstat(descriptor.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Errc::kInvalid, file.string() + " is no regular file");
  }
  const Reader reader(descriptor.get(), static_cast<std::uint64_t>(info.st_size));
  SwuArchive archive;
  std::uint64_t at = 0;
  for (std::size_t count = 0;; ++count) {
    const auto member = reader.member(at);
    if (!member) return member.error().within(file.string());
    if (member->name == kEnd) {
      if (member->size != 0) return fail(Errc::kInvalid, "the archive's end has content");
      if (auto last = reader.end(member->next); !last) return last.error().within(file.string());
      break;
    }
    if (count == kMostMembers) return fail(Errc::kLimit, "more than 1000 members");
    if (count == 0) {
      if (member->name != "sw-description") {
        return fail(Errc::kInvalid, file.string() + ": no SWUpdate image: its first member is '" +
                                        printable(member->name) + "', not sw-description");
      }
      auto content = reader.content(*member, kMostDescriptionBytes);
      if (!content) return content.error();
      archive.description = std::move(*content);
    } else if (count == 1 && member->name == "sw-description.sig") {
      auto content = reader.content(*member, kMostSignatureBytes);
      if (!content) return content.error();
      archive.signature = std::move(*content);
    } else {
      const std::string name = printable(member->name, kLongestName);
      const bool again = std::ranges::find(archive.payloads, name, &SwuArchive::Payload::name) !=
                         archive.payloads.end();
      if (again || name.starts_with("sw-description"))
        return fail(Errc::kInvalid, file.string() + ": a second '" + name + "' in it");
      auto digest = reader.digest(member->data, member->size);
      if (!digest) return digest.error();
      archive.payloads.push_back({name, member->size, std::move(*digest)});
    }
    at = member->next;
  }
  if (archive.description.empty()) return fail(Errc::kInvalid, "sw-description is empty");
  auto whole = reader.digest(0, reader.size());
  if (!whole) return whole.error();
  archive.sha256 = std::move(*whole);
  archive.file = std::move(descriptor);
  return archive;
}

Result<void> check_payloads(const SwuArchive& archive, const std::vector<SwuFile>& named) {
  for (const SwuFile& wanted : named) {
    const auto found = std::ranges::find(archive.payloads, wanted.name, &SwuArchive::Payload::name);
    if (wanted.sha256.empty()) {
      return fail(Errc::kInvalid, "sw-description gives no sha256 of '" + wanted.name +
                                      "': its signature does not cover it");
    }
    if (found == archive.payloads.end()) {
      return fail(Errc::kInvalid, "'" + wanted.name + "' is missing, which sw-description names");
    }
    if (found->sha256 != wanted.sha256) {
      return fail(Errc::kInvalid,
                  "'" + wanted.name + "' is not the one of the signed sw-description");
    }
  }
  for (const SwuArchive::Payload& payload : archive.payloads) {
    if (std::ranges::find(named, payload.name, &SwuFile::name) == named.end()) {
      return fail(Errc::kInvalid,
                  "'" + payload.name + "' is not named in sw-description: no signature covers it");
    }
  }
  return {};
}

}  // namespace ota::cli
