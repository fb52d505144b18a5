#include "pki/key_file.h"

#include <openssl/crypto.h>

#include "base/beneath.h"
#include "base/file.h"

namespace ota::pki {

Result<KeyPtr> read_key_file(const std::filesystem::path& file) {
  auto pem = read_private_beneath(file.parent_path(), file.filename(), kMaxPemBytes);
  if (!pem) return pem.error();
  auto key = parse_key(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!key) return key.error().within(file.string());
  return key;
}

Result<void> write_key_file(const std::filesystem::path& file, EVP_PKEY* key, Disk& disk) {
  std::string pem = key_pem(key);
  auto written = write_file_durably(disk, file, pem, 0600);
  OPENSSL_cleanse(pem.data(), pem.size());
  return written;
}

Result<KeyPtr> read_or_make_key_file(const std::filesystem::path& file, Disk& disk) {
  auto key = read_key_file(file);
  if (key || key.error().code != Errc::kNotFound) return key;
  key = generate_key();
  if (!key) return key;
  if (auto written = write_key_file(file, key->get(), disk); !written) return written.error();
  return key;
}

}  // namespace ota::pki
