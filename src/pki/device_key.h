// The device's side of enrolment. A key made here never leaves its file (0600).
//
// Linked by the agent: OpenSSL only. Blocks on files. Thread: any.
#pragma once

#include <filesystem>
#include <string>

#include "base/disk.h"
#include "base/result.h"

namespace ota::pki {

struct DeviceKey {
  // Makes key and certificate request (PEM); the key file exists durably before the request is
  // returned. Uses the key that is there already; kDenied where others can read it.
  static Result<std::string> make_csr(const std::filesystem::path& key_file,
                                      const std::string& device, Disk& disk = real_disk());
  // kDenied where the key is readable by others, kNotFound where there is none.
  static Result<void> check(const std::filesystem::path& key_file);
};

}  // namespace ota::pki
