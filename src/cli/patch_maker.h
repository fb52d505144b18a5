// Packed images and patches for an image that is to be published: made in children of low priority
// with a limit on their memory, kept where they are worth their place.
//
// Blocks for minutes where the image is large. Thread: one, in a program that has no others.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "tuf/repository.h"

namespace ota::cli {

struct Context;

// What a patch is to start from.
struct PatchBase {
  model::Version version;
  std::string sha256;
  std::filesystem::path image;
};

// Patches in a folder of their own, which goes with the object.
class MadePatches {
 public:
  // `parent` is made where it is missing.
  static Result<MadePatches> begin(const std::filesystem::path& parent);
  MadePatches(MadePatches&& other) noexcept;
  MadePatches& operator=(MadePatches&&) = delete;
  ~MadePatches();

  // Of the image: packed, and from each base. What is not worth it, or cannot be made, is left out
  // and said in `left_out`; an error is that of a disk or an image that cannot be read.
  Result<void> make(const std::filesystem::path& image, const std::vector<PatchBase>& bases,
                    std::uint64_t memory_bytes);

  const std::vector<tuf::PatchFile>& files() const { return files_; }
  const std::vector<std::string>& left_out() const { return left_out_; }
  // "packed 12.0 MiB of 64.0 MiB": a line for each file.
  std::vector<std::string> words() const;

 private:
  explicit MadePatches(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<std::string> make_one(const PatchBase* base, const std::filesystem::path& image,
                               std::uint64_t memory_bytes);

  std::filesystem::path folder_;
  std::vector<tuf::PatchFile> files_;
  std::vector<std::string> left_out_;
  std::uint64_t image_length_ = 0;
};

// A third of the machine's memory, in bytes.
std::uint64_t default_patch_memory();

// What the options --no-patches, --patches-from and --patch-memory ask for: nothing, where no patch
// is wanted. Without --patches-from the bases are what the fleet's devices of these models confirm,
// as the server tells, most devices first, four at most; no server, no base. kNotFound: a version
// of --patches-from is not published for any of the models.
Result<std::vector<PatchBase>> patch_bases(Context& context, const tuf::Repository& repository,
                                           const std::vector<std::string>& models,
                                           const model::Version& version);
Result<std::uint64_t> patch_memory(const Context& context);

}  // namespace ota::cli
