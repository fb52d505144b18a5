// SHA-256, constant-time comparison and random bytes, over OpenSSL. Any thread.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace ota {

using Digest256 = std::array<std::uint8_t, 32>;

Digest256 sha256(ByteView bytes);
inline std::string sha256_hex(std::string_view text) {
  return to_hex(sha256(as_bytes(text)));
}

// SHA-256 of a stream of any length in constant memory.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(ByteView bytes);
  // Ends the stream; update() must not follow.
  Digest256 finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Compares without telling by its duration where the difference is; lengths are no secret.
bool equal_constant_time(ByteView a, ByteView b);

// `count` bytes of the system's cryptographic random source; throws where there is none.
Bytes random_bytes(std::size_t count);

}  // namespace ota
