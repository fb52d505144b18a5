#include "tuf/hash.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/assert.h"
#include "base/bytes.h"

namespace ota::tuf {

struct HashCheck::One {
  struct Free {
    void operator()(EVP_MD_CTX* owned) const { EVP_MD_CTX_free(owned); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context;
  std::string expected;
};

HashCheck::HashCheck(const std::vector<std::pair<std::string, std::string>>& hashes) {
  for (const auto& [algorithm, expected] : hashes) {
    const EVP_MD* digest = algorithm == "sha256"   ? EVP_sha256()
                           : algorithm == "sha512" ? EVP_sha512()
                                                   : nullptr;
    if (digest == nullptr) continue;
    One one;
    one.context.reset(EVP_MD_CTX_new());
    one.expected = expected;
    OTA_ASSERT(EVP_DigestInit_ex(one.context.get(), digest, nullptr) == 1);
    running_.push_back(std::move(one));
  }
}
HashCheck::~HashCheck() = default;
HashCheck::HashCheck(HashCheck&&) noexcept = default;
HashCheck& HashCheck::operator=(HashCheck&&) noexcept = default;

bool HashCheck::possible() const {
  return !running_.empty();
}

void HashCheck::update(std::string_view bytes) {
  for (One& one : running_)
    OTA_ASSERT(EVP_DigestUpdate(one.context.get(), bytes.data(), bytes.size()) == 1);
}

bool HashCheck::matches() {
  return !running_.empty() && std::ranges::all_of(running_, [](One& one) {
    Bytes digest(EVP_MAX_MD_SIZE);
    unsigned size = 0;
    OTA_ASSERT(EVP_DigestFinal_ex(one.context.get(), digest.data(), &size) == 1);
    digest.resize(size);
    return to_hex(digest) == one.expected;
  });
}

}  // namespace ota::tuf
