#include "base/hardening.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pki/secret_text.h"
#include "pki/x509.h"
#include "tests/support/catch.h"

using namespace ota;

namespace {

// What is wrong in a process that was hardened; 0: nothing. In a child, since it cannot be undone.
int faults_of_hardened() {
  harden_process(1U << 16);
  rlimit core{1, 1};
  if (::getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_max != 0) return 1;
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  if (::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) return 2;
#endif
  if (CRYPTO_secure_malloc_initialized() != 1) return 3;
  const std::size_t before = CRYPTO_secure_used();
  const auto key = pki::generate_key();
  if (!key || CRYPTO_secure_used() <= before) return 4;
  const std::size_t with_key = CRYPTO_secure_used();
  const pki::SecretText text("secret");
  if (text.view() != "secret" || CRYPTO_secure_used() <= with_key) return 5;
  return 0;
}

}  // namespace

TEST_CASE("a hardened process leaves no core, and its keys lie in memory that is wiped", "[base]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(faults_of_hardened());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
