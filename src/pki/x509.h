// Keys, requests and certificates over OpenSSL's EVP: what the authority, the device's side and the
// TLS server share.
//
// Only ECDSA P-256 is made or accepted. Owning pointers free themselves; functions return Errors
// with OpenSSL's own reason in the context. Not for files: key_file.h reads and writes those.
// Thread: any, on distinct objects.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

namespace ota::pki {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freed<X509_REQ_free>>;

// The longest PEM text that is looked at; ours take under 2 KiB.
inline constexpr std::size_t kMaxPemBytes = 64 * 1024;

// `context` and the oldest reason in OpenSSL's queue of this thread, which is emptied.
Error openssl_error(Errc code, std::string_view context);

Result<KeyPtr> generate_key();
Result<KeyPtr> parse_key(std::string_view pem);
std::string key_pem(EVP_PKEY* key);
// True for P-256 by name only: explicit curve parameters can describe a weak curve.
bool is_p256(const EVP_PKEY* key);
// SHA-256 of the SubjectPublicKeyInfo, lower-case hex.
std::string key_fingerprint(EVP_PKEY* key);

// ECDSA with SHA-256 over a text, DER as base64url; and whether a certificate's key made it.
Result<std::string> sign_text(EVP_PKEY* key, std::string_view text);
bool signed_by(X509* certificate, std::string_view text, std::string_view signature);

Result<CertificatePtr> parse_certificate(std::string_view pem);
std::string certificate_pem(X509* certificate);
// SHA-256 of the DER form, lower-case hex.
std::string der_fingerprint(X509* certificate);
// The serial number, lower-case hex, as it stands in IssuedCertificate and http::Peer.
std::string serial_hex(const X509* certificate);
// The last value of a subject's field (NID_commonName, NID_organizationalUnitName); empty without.
std::string subject_field(const X509* certificate, int nid);
WallTime not_before(const X509* certificate);
WallTime not_after(const X509* certificate);
// Every DNS name and IP address that the certificate is good for, as text.
std::vector<std::string> alternative_names(const X509* certificate);

// A PEM request whose signature by its own P-256 key holds; kInvalid otherwise.
Result<RequestPtr> parse_request(std::string_view pem);
Result<std::string> request_pem(EVP_PKEY* key, const std::string& name);

enum class Usage { kAuthority, kServer, kClient };

struct CertificateSpec {
  Usage usage = Usage::kClient;
  std::string name;                // CN, at most 64 bytes
  std::string unit;                // OU; empty: none
  std::vector<std::string> names;  // DNS names and IP addresses (kServer)
  WallTime not_before;
  WallTime not_after;
};

// Signs a certificate for `subject_key`. `issuer` null: self-signed by `issuer_key`. The serial
// number is random, 127 bits.
Result<CertificatePtr> sign_certificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                                        X509* issuer, EVP_PKEY* issuer_key);

}  // namespace ota::pki
