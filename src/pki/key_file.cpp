#include "pki/key_file.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.h"

namespace ota::pki {

Result<KeyPtr> read_key_file(const std::filesystem::path& file) {
  struct stat facts {};
  if (::stat(file.c_str(), &facts) != 0) return fail_errno(errno, "read " + file.string());
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return fail(Errc::kDenied,
                file.string() + " can be read or written by others; make it private: chmod 600 " +
                    file.string() + " (and consider the key as known to others)");
  }
  auto pem = read_file(file, kMaxPemBytes);
  if (!pem) return pem.error();
  auto key = parse_key(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!key) return key.error().within(file.string());
  return key;
}

Result<void> write_key_file(const std::filesystem::path& file, EVP_PKEY* key) {
  std::string pem = key_pem(key);
  auto written = write_file_durably(file, pem, 0600);
  OPENSSL_cleanse(pem.data(), pem.size());
  return written;
}

Result<KeyPtr> read_or_make_key_file(const std::filesystem::path& file) {
  auto key = read_key_file(file);
  if (key || key.error().code != Errc::kNotFound) return key;
  key = generate_key();
  if (!key) return key;
  if (auto written = write_key_file(file, key->get()); !written) return written.error();
  return key;
}

}  // namespace ota::pki
