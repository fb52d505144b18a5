#include "cli/swu_archive.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/file.h"
#include "base/text.h"

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
    out.size = *size;
    out.data = at + padded(kHeaderBytes + *name_size);
    out.next = out.data + padded(out.size);
    if (magic == kWithChecksum) out.checksum = *checksum;
    if (out.name != kEnd && (out.size > size_ || out.data > size_ - out.size)) {
      return fail(Errc::kInvalid, "'" + printable(out.name) + "' ends after the archive");
    }
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
  const FileDescriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
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
    if (member->name == kEnd) break;
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
      archive.payloads.push_back({printable(member->name, kLongestName), member->size});
    }
    at = member->next;
  }
  if (archive.description.empty()) return fail(Errc::kInvalid, "sw-description is empty");
  return archive;
}

}  // namespace ota::cli
