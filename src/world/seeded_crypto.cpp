#include "world/seeded_crypto.h"

#include <openssl/rand.h>

#include <optional>

#include "world/random.h"

namespace ota::world {
namespace {

// OpenSSL asks by functions without a context, so that the numbers' place is the process's.
std::optional<Random>& numbers() {
  static std::optional<Random> random;
  return random;
}

int give(unsigned char* to, int count) {
  for (int i = 0; i < count; ++i)
    to[i] = static_cast<unsigned char>(numbers()->next() >> 56);
  return 1;
}
int status() {
  return 1;
}
int take_seed(const void*, int) {
  return 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // it has no other way for a process
const RAND_METHOD kSeeded{take_seed, give, nullptr, nullptr, give, status};
void install(const RAND_METHOD* method) {
  RAND_set_rand_method(method);
}
#pragma GCC diagnostic pop

}  // namespace

SeededCrypto::SeededCrypto(std::uint64_t seed) {
  numbers().emplace(seed, "crypto");
  install(&kSeeded);
}

SeededCrypto::~SeededCrypto() {
  install(nullptr);
  numbers().reset();
}

}  // namespace ota::world
