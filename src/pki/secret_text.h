// A private key as text: in locked memory where the process asked for some (base/hardening.h), and
// wiped when it goes. Thread: as a string.
#pragma once

#include <openssl/crypto.h>

#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace ota::pki {

class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string_view text) : size_(text.size()) {
    if (size_ == 0) return;
    bytes_ = static_cast<char*>(OPENSSL_secure_malloc(size_));
    if (bytes_ == nullptr) throw std::bad_alloc();
    std::memcpy(bytes_, text.data(), size_);
  }
  SecretText(const SecretText& other) : SecretText(other.view()) {}
  SecretText(SecretText&& other) noexcept
      : bytes_(std::exchange(other.bytes_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  SecretText& operator=(SecretText other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SecretText() { OPENSSL_secure_clear_free(bytes_, size_); }

  std::string_view view() const { return {bytes_, size_}; }

 private:
  char* bytes_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ota::pki
