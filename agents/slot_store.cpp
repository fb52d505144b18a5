#include "agents/slot_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "agents/image_pieces.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/read_exactly.h"

namespace ota::agent {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kVersionFileBytes = 4096;
constexpr std::string_view kPartEnding = ".part";
constexpr std::string_view kMendedEnding = ".mended";

}  // namespace

Result<void> PartialImage::append(std::string_view chunk) {
  if (auto written = disk_->write(fd_.get(), chunk); !written)
    return written.error().within("write the image");
  size_ += chunk.size();
  return {};
}

Result<void> PartialImage::cut(std::uint64_t size) {
  if (auto done = disk_->truncate(fd_.get(), size); !done)
    return done.error().within("truncate the image");
  size_ = size;
  return {};
}

Result<void> PartialImage::read_at(std::uint64_t offset, std::span<std::uint8_t> into) const {
  return read_exactly(fd_.get(), offset, into);
}

Result<void> PartialImage::sync() {
  if (auto synced = disk_->sync(fd_.get()); !synced) return synced.error().within("sync the image");
  return {};
}

Result<SlotStore> SlotStore::open(fs::path folder, DiskHook hook, Disk& disk) {
  if (auto made = make_directories(disk, folder, 0700); !made) return made.error();
  SlotStore store(std::move(folder), std::move(hook), disk);
  for (const Slot slot : {Slot::kA, Slot::kB}) {
    if (auto made = make_directories(disk, store.slot_path(slot), 0700); !made) return made.error();
  }
  return store;
}

Result<Slot> SlotStore::current() const {
  std::array<char, 16> target{};
  const ssize_t got = ::readlink((folder_ / "current").c_str(), target.data(), target.size());
  if (got < 0) return fail_errno(errno, "read the link slots/current");
  const auto slot = parse_slot({target.data(), static_cast<std::size_t>(got)});
  if (!slot) return fail(Errc::kInvalid, "slots/current names no slot");
  return *slot;
}

Result<std::optional<model::Image>> SlotStore::image(Slot slot) const {
  const auto text = read_file(slot_path(slot) / "version.json", kVersionFileBytes);
  if (!text) {
    if (text.error().code == Errc::kNotFound) return std::optional<model::Image>();
    return text.error();
  }
  const auto document = parse_json(*text);
  if (!document) return document.error().within("slot " + std::string(letter(slot)));
  auto image = json_as<model::Image>(*document, "slot " + std::string(letter(slot)));
  if (!image) return image.error();
  return std::optional(std::move(*image));
}

fs::path SlotStore::image_path(Slot slot) const {
  return slot_path(slot) / "image";
}

fs::path SlotStore::partial_path(Slot slot, const std::string& sha256) const {
  return slot_path(slot) / (sha256 + std::string(kPartEnding));
}

fs::path SlotStore::pieces_path(Slot slot) const {
  return slot_path(slot) / "pieces";
}

BaseFiles SlotStore::base_for(Slot slot, const std::string& sha256) const {
  return {image_path(other(slot)), pieces_path(other(slot)),
          slot_path(slot) / (sha256 + std::string(kMendedEnding)), 0, disk_};
}

Result<void> SlotStore::drop_mended(Slot slot, const std::string& sha256) const {
  return disk_->remove(base_for(slot, sha256).mended);
}

Result<void> SlotStore::refuse_current(Slot slot) const {
  const auto booting = current();
  if (booting && *booting == slot) {
    return fail(Errc::kConflict, "slot " + std::string(letter(slot)) + " is the running one");
  }
  return {};
}

Result<PartialImage> SlotStore::begin(Slot slot, const std::string& sha256) {
  if (auto free = refuse_current(slot); !free) return free.error();
  const fs::path folder = slot_path(slot);
  const fs::path part = partial_path(slot, sha256);
  const fs::path mended = base_for(slot, sha256).mended;
  // The version file first: without it the slot holds nothing, whatever is left of the rest.
  at("before clearing the slot");
  if (auto gone = disk_->remove(folder / "version.json"); !gone) return gone.error();
  if (auto synced = disk_->sync_directory(folder); !synced) return synced.error();
  at("slot cleared");
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path() == part || entry->path() == mended) continue;
    if (auto gone = disk_->remove(entry->path()); !gone) return gone.error();
  }
  auto fd = disk_->open_to_append(part, 0600);
  if (!fd) return fd.error();
  struct stat info {};
  if (::fstat(fd->get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Errc::kInvalid, part.string() + " is no plain file");
  }
  if (auto synced = disk_->sync_directory(folder); !synced) return synced.error();
  at("download opened");
  return PartialImage(std::move(*fd), static_cast<std::uint64_t>(info.st_size), *disk_);
}

Result<FileDigest> digest_file(const fs::path& path, const std::function<void(ByteView)>& also) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "read " + path.string());
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Errc::kInvalid, path.string() + " is no plain file");
  }
  constexpr std::size_t kChunk = 65536;
  std::string chunk(kChunk, '\0');
  Sha256 digest;
  FileDigest out;
  while (true) {
    const ssize_t got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + path.string());
    if (got == 0) break;
    const ByteView bytes = as_bytes(std::string_view(chunk.data(), static_cast<std::size_t>(got)));
    digest.update(bytes);
    if (also) also(bytes);
    out.length += static_cast<std::uint64_t>(got);
  }
  out.sha256 = to_hex(digest.finish());
  return out;
}

Result<void> SlotStore::verify(Slot slot, const std::string& sha256, std::uint64_t length) {
  const fs::path part = partial_path(slot, sha256);
  const auto found = digest_file(part);
  if (!found) return found.error();
  if (found->length == length && found->sha256 == sha256) return {};
  if (auto gone = disk_->remove(part); !gone) return gone.error();
  if (found->length != length) {
    return fail(Errc::kLimit, "the image has " + std::to_string(found->length) +
                                  " bytes, the signed metadata says " + std::to_string(length));
  }
  return fail(Errc::kInvalid, "the image's digest is " + found->sha256.substr(0, 16) +
                                  "..., the signed metadata says " + sha256.substr(0, 16) + "...");
}

Result<void> SlotStore::commit(Slot slot, const model::Image& image) {
  if (auto free = refuse_current(slot); !free) return free.error();
  const fs::path folder = slot_path(slot);
  // A name must never stand for bytes that a power loss can take.
  if (auto synced = disk_->sync_file(partial_path(slot, image.sha256)); !synced)
    return synced.error().within("sync the image");
  at("before naming the image");
  if (auto named = disk_->rename(partial_path(slot, image.sha256), image_path(slot)); !named)
    return named.error().within("name the image");
  if (auto synced = disk_->sync_directory(folder); !synced) return synced.error();
  at("image named");
  if (auto written =
          write_file_durably(*disk_, folder / "version.json", dump_json(image) + "\n", 0600);
      !written)
    return written.error();
  if (auto gone = drop_mended(slot, image.sha256); !gone) return gone.error();
  at("slot committed");
  return {};
}

Result<void> SlotStore::check(Slot slot) const {
  return check(slot, {});
}

Result<void> SlotStore::check_and_note(Slot slot) const {
  const auto held = image(slot);
  if (!held) return held.error();
  PieceNotes notes;
  if (auto good = check(slot, [&](ByteView bytes) { notes.add(bytes); }); !good) return good;
  // A hint: without it no base is mended.
  static_cast<void>(notes.write(*disk_, pieces_path(slot), (*held)->sha256));
  at("pieces noted");
  return {};
}

Result<void> SlotStore::check(Slot slot, const std::function<void(ByteView)>& also) const {
  const auto held = image(slot);
  if (!held) return held.error();
  if (!*held) return fail(Errc::kNotFound, "slot " + std::string(letter(slot)) + " holds no image");
  const auto found = digest_file(image_path(slot), also);
  if (!found) return found.error();
  if (found->sha256 != (*held)->sha256) {
    return fail(Errc::kInvalid, "the image in slot " + std::string(letter(slot)) +
                                    " is not the one that was installed");
  }
  return {};
}

Result<void> SlotStore::make_current(Slot slot) {
  const auto held = image(slot);
  if (!held) return held.error();
  if (!*held) return fail(Errc::kConflict, "slot " + std::string(letter(slot)) + " holds no image");
  const fs::path link = folder_ / "current";
  const fs::path fresh = folder_ / ".current.new";
  if (auto gone = disk_->remove(fresh); !gone) return gone.error();
  const std::string target(folder_name(slot));
  if (auto made = disk_->make_link(target, fresh); !made) return made.error();
  at("before switching");
  if (auto named = disk_->rename(fresh, link); !named)
    return named.error().within("replace the link slots/current");
  if (auto synced = disk_->sync_directory(folder_); !synced) return synced.error();
  at("switched");
  return {};
}

Result<std::uint64_t> SlotStore::free_bytes() const {
  struct statvfs info {};
  if (::statvfs(folder_.c_str(), &info) != 0) return fail_errno(errno, "ask for free space");
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace ota::agent
