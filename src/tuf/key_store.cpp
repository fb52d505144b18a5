#include "tuf/key_store.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <algorithm>

#include "base/beneath.h"
#include "base/file.h"
#include "tuf/error.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxKeyBytes = 16384;

// Key ids come out of metadata: only the form of a digest may become a file name.
bool is_digest(const std::string& id) {
  return id.size() == 64 && std::ranges::all_of(id, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::filesystem::path KeyStore::path_of(const std::string& keyid) const {
  return folder_ / (keyid + ".pem");
}

Result<void> KeyStore::put(const Signer& signer) const {
  if (auto made = make_directories(folder_, 0700); !made) return made;
  const auto pem = signer.pem();
  if (!pem) return pem.error();
  return write_file_durably(path_of(signer.public_key().id()), *pem, 0600);
}

bool KeyStore::has(const std::string& keyid) const {
  std::error_code ignored;
  return is_digest(keyid) && std::filesystem::is_regular_file(path_of(keyid), ignored);
}

Result<Signer> KeyStore::get(const std::string& keyid) const {
  if (!is_digest(keyid)) return fail(Errc::kKey, "a key id that is no digest");
  const std::filesystem::path path = path_of(keyid);
  auto pem = read_private_beneath(folder_, path.filename(), kMaxKeyBytes);
  if (!pem) return fail(Errc::kKey, pem.error().text());
  auto signer = Signer::from_pem(*pem);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!signer) return signer.error().within(path.string());
  if (signer->public_key().id() != keyid) {
    return fail(Errc::kKey, path.string() + " holds another key than its name says");
  }
  return signer;
}

Result<void> KeyStore::erase(const std::string& keyid) const {
  if (!is_digest(keyid)) return fail(Errc::kKey, "a key id that is no digest");
  const std::filesystem::path path = path_of(keyid);
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (!error) {
    const FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (fd && write_all(fd.get(), std::string(size, '\0'))) ::fsync(fd.get());
  }
  if (::unlink(path.c_str()) != 0) return fail(Errc::kKey, "cannot remove " + path.string());
  return sync_directory(folder_);
}

std::vector<Signer> KeyStore::of_role(const Role& role) const {
  std::vector<Signer> signers;
  for (const std::string& id : role.keyids) {
    if (auto signer = get(id)) signers.push_back(std::move(*signer));
  }
  return signers;
}

}  // namespace ota::tuf
