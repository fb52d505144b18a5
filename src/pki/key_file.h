// Private keys on disk: PEM, mode 0600, refused where others could have read them.
//
// Blocks on files. Thread: any.
#pragma once

#include <filesystem>

#include "base/disk.h"
#include "base/result.h"
#include "pki/x509.h"

namespace ota::pki {

// kNotFound where there is none; kDenied, with the remedy, where group or others may read or write
// it; kInvalid where it is no P-256 key.
Result<KeyPtr> read_key_file(const std::filesystem::path& file);

// Durable before it returns.
Result<void> write_key_file(const std::filesystem::path& file, EVP_PKEY* key,
                            Disk& disk = real_disk());

// The key that is there, or a new one that is there from now on.
Result<KeyPtr> read_or_make_key_file(const std::filesystem::path& file, Disk& disk = real_disk());

}  // namespace ota::pki
