#include "pki/device_key.h"

#include "base/file.h"
#include "pki/key_file.h"

namespace ota::pki {

Result<std::string> DeviceKey::make_csr(const std::filesystem::path& key_file,
                                        const std::string& device, Disk& disk) {
  if (key_file.has_parent_path()) {
    if (auto made = make_directories(disk, key_file.parent_path(), 0700); !made)
      return made.error();
  }
  auto key = read_or_make_key_file(key_file, disk);
  if (!key) return key.error();
  return request_pem(key->get(), device);
}

Result<void> DeviceKey::check(const std::filesystem::path& key_file) {
  if (auto key = read_key_file(key_file); !key) return key.error();
  return {};
}

}  // namespace ota::pki
