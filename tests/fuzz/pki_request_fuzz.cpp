// What an unknown device sends before it is anybody: a certificate request and a join code. A
// request that is taken has a P-256 key whose fingerprint can be told; a code that is taken
// survives its text form.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "pki/join_code.h"
#include "pki/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = ota::pki::parse_request(text)) {
    EVP_PKEY* key = X509_REQ_get0_pubkey(request->get());
    if (!ota::pki::is_p256(key) || ota::pki::key_fingerprint(key).size() != 64) std::abort();
  }
  if (const auto certificate = ota::pki::parse_certificate(text)) {
    (void)ota::pki::subject_field(certificate->get(), NID_commonName);
    (void)ota::pki::serial_hex(certificate->get());
    (void)ota::pki::alternative_names(certificate->get());
    (void)ota::pki::not_after(certificate->get());
  }
  if (const auto code = ota::pki::JoinCode::parse(text)) {
    const auto again = ota::pki::JoinCode::parse(code->text());
    if (!again || again->token != code->token || again->fingerprint != code->fingerprint) {
      std::abort();
    }
  }
  return 0;
}
