// Patches as files: made from two images, carried out, looked at. What is written appears under its
// name whole or not at all.
//
// Blocks on files. Thread: one at a time.
#pragma once

#include <filesystem>

#include "delta/encoder.h"

namespace ota::delta {

// Makes `patch` out of two images (an empty `base`: a packed full image); the images are mapped.
// kFull, kIo; as encode().
Result<Head> make_patch(const std::filesystem::path& base, const std::filesystem::path& image,
                        const std::filesystem::path& patch, const EncodeOptions& options);

// Makes the image out of the base, in memory that does not grow with either: kBaseDiffers before
// anything else is read, kHead, kBlock, kResult.
Result<Head> apply_patch(const std::filesystem::path& base, const std::filesystem::path& patch,
                         const std::filesystem::path& image);

Result<Digest256> file_digest(const std::filesystem::path& file);

// The head of a patch whose file is as long as it says; its blocks are not looked at.
Result<Head> read_head(const std::filesystem::path& patch);

}  // namespace ota::delta
