#include "base/hardening.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace ota {
namespace {

// OpenSSL's smallest piece of locked memory: a P-256 or Ed25519 private key.
constexpr std::size_t kSmallestSecret = 32;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace

void harden_process(std::size_t secret_bytes) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (!kSanitized) ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  CRYPTO_secure_malloc_init(secret_bytes, kSmallestSecret);
}

}  // namespace ota
