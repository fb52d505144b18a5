// While one lives, OpenSSL's randomness comes out of a seed: keys, serial numbers and signatures
// are the same in each run of a world.
//
// For simulated worlds alone: what is made so protects nothing. One at a time; thread: the world's.
#pragma once

#include <cstdint>

namespace ota::world {

class SeededCrypto {
 public:
  explicit SeededCrypto(std::uint64_t seed);
  ~SeededCrypto();
  SeededCrypto(const SeededCrypto&) = delete;
  SeededCrypto& operator=(const SeededCrypto&) = delete;
};

}  // namespace ota::world
