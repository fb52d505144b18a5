// The two slots on disk and the link that says which one boots.
//
//   slots/current -> a            replaced by rename: at every instant it names one slot
//   slots/a/image                 the image
//   slots/a/version.json          {"version":"2.1.4","sha256":"..."}; written last, removed first:
//   a slot without it
//                                 holds nothing
//   slots/a/pieces                what the image's pieces were (image_pieces.h)
//   slots/b/<sha256>.part         a download in progress; its name says of what
//   slots/b/<sha256>.mended       right pieces of the image in slot a, for that (mended_base.h)
//
// Every change is durable before the call returns. The current slot is never written to.
//
// Blocks on files. Thread: one at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "agents/mended_base.h"
#include "agents/slot.h"
#include "base/disk.h"
#include "base/file.h"
#include "base/result.h"
#include "model/device.h"

namespace ota::agent {

// Called before and after every step that reaches the disk; tests cut the power there.
using DiskHook = std::function<void(std::string_view step)>;

// An image being downloaded, appended to.
class PartialImage {
 public:
  std::uint64_t size() const { return size_; }
  Result<void> append(std::string_view chunk);
  Result<void> truncate() { return cut(0); }  // begins anew
  // Leaves the first `size` bytes, of at least as many.
  Result<void> cut(std::uint64_t size);
  // kIo where there are not as many.
  Result<void> read_at(std::uint64_t offset, std::span<std::uint8_t> into) const;
  Result<void> sync();

 private:
  friend class SlotStore;
  PartialImage(FileDescriptor fd, std::uint64_t size, Disk& disk)
      : disk_(&disk), fd_(std::move(fd)), size_(size) {}
  Disk* disk_;
  FileDescriptor fd_;
  std::uint64_t size_;
};

class SlotStore {
 public:
  // Makes `folder` (".../slots", 0700) with both slots where they are missing.
  static Result<SlotStore> open(std::filesystem::path folder, DiskHook hook = {},
                                Disk& disk = real_disk());

  // Which slot boots; kNotFound before the first switch, kInvalid where the link names none.
  Result<Slot> current() const;
  // What a slot holds by its version file; nothing where it holds none.
  Result<std::optional<model::Image>> image(Slot slot) const;
  std::filesystem::path image_path(Slot slot) const;

  // Opens the download of `sha256` in a slot that is not current. What the slot held is gone after
  // this, other downloads too.
  Result<PartialImage> begin(Slot slot, const std::string& sha256);
  // Whether the downloaded file has this length and digest: read back from the disk in constant
  // memory. kLimit: the length differs; kInvalid: the digest does. Such a file is removed.
  Result<void> verify(Slot slot, const std::string& sha256, std::uint64_t length);
  // Makes the verified download the slot's image.
  Result<void> commit(Slot slot, const model::Image& image);
  // The digest of a slot's image is the one of its version file. kInvalid where not.
  Result<void> check(Slot slot) const;
  // The same before the slot becomes the current one; its pieces are noted where the disk takes it.
  Result<void> check_and_note(Slot slot) const;
  Result<void> make_current(Slot slot);

  std::filesystem::path partial_path(Slot slot, const std::string& sha256) const;
  // What a patch to the image `sha256`, which is made in `slot`, reads of the other slot.
  BaseFiles base_for(Slot slot, const std::string& sha256) const;
  // The pieces that were fetched for that are of no use any more.
  Result<void> drop_mended(Slot slot, const std::string& sha256) const;
  // Bytes that the file system has left for us.
  Result<std::uint64_t> free_bytes() const;

 private:
  SlotStore(std::filesystem::path folder, DiskHook hook, Disk& disk)
      : folder_(std::move(folder)), hook_(std::move(hook)), disk_(&disk) {}
  std::filesystem::path slot_path(Slot slot) const { return folder_ / folder_name(slot); }
  std::filesystem::path pieces_path(Slot slot) const;
  Result<void> refuse_current(Slot slot) const;
  Result<void> check(Slot slot, const std::function<void(ByteView)>& also) const;
  void at(std::string_view step) const {
    if (hook_) hook_(step);
  }

  std::filesystem::path folder_;
  DiskHook hook_;
  Disk* disk_;
};

// SHA-256 (hex) and length of a regular file, not through a link, in constant memory.
struct FileDigest {
  std::string sha256;
  std::uint64_t length = 0;
};
// `also` is handed all that is read.
Result<FileDigest> digest_file(const std::filesystem::path& path,
                               const std::function<void(ByteView)>& also = {});

}  // namespace ota::agent
