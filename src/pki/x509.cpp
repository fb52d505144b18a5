#include "pki/x509.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/digest.h"

namespace ota::pki {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

BioPtr reading(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string taken(const BioPtr& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

// OpenSSL asks on the terminal where a key is encrypted; ours never are.
int no_passphrase(char*, int, int, void*) {
  return 0;
}

template <class Object, class Write>
std::string der_of(Object* object, Write write) {
  unsigned char* der = nullptr;
  const int size = write(object, &der);
  if (size <= 0) return {};
  std::string bytes(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

bool add_name(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool add_extension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool add_alternative_names(X509* certificate, const std::vector<std::string>& names) {
  const NamesPtr list(GENERAL_NAMES_new());
  for (const std::string& text : names) {
    GENERAL_NAME* entry = nullptr;
    if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str()); address != nullptr) {
      entry = GENERAL_NAME_new();
      GENERAL_NAME_set0_value(entry, GEN_IPADD, address);
    } else {
      ASN1_IA5STRING* dns = ASN1_IA5STRING_new();
      ASN1_STRING_set(dns, text.data(), static_cast<int>(text.size()));
      entry = GENERAL_NAME_new();
      GENERAL_NAME_set0_value(entry, GEN_DNS, dns);
    }
    sk_GENERAL_NAME_push(list.get(), entry);
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, list.get(), 0, X509V3_ADD_DEFAULT) ==
         1;
}

bool add_extensions(X509* certificate, X509* issuer, const CertificateSpec& spec) {
  const auto add = [&](int nid, const char* value) {
    return add_extension(certificate, issuer, nid, value);
  };
  // RFC 5280 section 4.2.1.
  if (spec.usage == Usage::kAuthority) {
    return add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add(NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add(NID_subject_key_identifier, "hash");
  }
  const bool common = add(NID_basic_constraints, "critical,CA:FALSE") &&
                      add(NID_key_usage, "critical,digitalSignature") &&
                      add(NID_subject_key_identifier, "hash") &&
                      add(NID_authority_key_identifier, "keyid:always");
  if (!common) return false;
  if (spec.usage == Usage::kClient) return add(NID_ext_key_usage, "clientAuth");
  return add(NID_ext_key_usage, "serverAuth") && add_alternative_names(certificate, spec.names);
}

bool set_random_serial(X509* certificate) {
  Bytes random = random_bytes(16);
  random[0] = static_cast<std::uint8_t>((random[0] & 0x7fU) | 0x40U);  // positive, 16 bytes always
  BIGNUM* number = BN_bin2bn(random.data(), static_cast<int>(random.size()), nullptr);
  const bool set = number != nullptr &&
                   BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

bool set_time(ASN1_TIME* field, WallTime time) {
  const auto whole = std::chrono::floor<seconds>(time);
  return ASN1_TIME_set(field, static_cast<std::time_t>(whole.time_since_epoch().count())) !=
         nullptr;
}

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(seconds(::timegm(&parts)));
}

}  // namespace

Error openssl_error(Errc code, std::string_view context) {
  std::string text(context);
  if (const unsigned long reason = ERR_get_error(); reason != 0) {
    std::array<char, 256> words{};
    ERR_error_string_n(reason, words.data(), words.size());
    text += " (";
    text += words.data();
    text += ")";
  }
  ERR_clear_error();
  return fail(code, std::move(text));
}

Result<KeyPtr> generate_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return openssl_error(Errc::kInternal, "make a P-256 key");
  return key;
}

Result<KeyPtr> parse_key(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return fail(Errc::kLimit, "private key over 64 KiB");
  const BioPtr bio = reading(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  if (!key) return openssl_error(Errc::kInvalid, "not a private key in PEM form");
  if (!is_p256(key.get())) return fail(Errc::kInvalid, "the private key is not ECDSA P-256");
  return key;
}

std::string key_pem(EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  OTA_ASSERT(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return taken(bio);
}

bool is_p256(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "EC") != 1) return false;
  int is_explicit = 0;
  EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit);
  std::array<char, 64> group{};
  std::size_t length = 0;
  return is_explicit == 0 &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1 &&
         std::string_view(group.data(), length) == SN_X9_62_prime256v1;
}

std::string key_fingerprint(EVP_PKEY* key) {
  return sha256_hex(der_of(key, i2d_PUBKEY));
}

Result<std::string> sign_text(EVP_PKEY* key, std::string_view text) {
  const DigestPtr context(EVP_MD_CTX_new());
  const auto message = as_bytes(text);
  std::size_t length = 0;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &length, message.data(), message.size()) != 1) {
    return openssl_error(Errc::kInternal, "sign");
  }
  Bytes signature(length);
  if (EVP_DigestSign(context.get(), signature.data(), &length, message.data(), message.size()) !=
      1) {
    return openssl_error(Errc::kInternal, "sign");
  }
  signature.resize(length);
  return to_base64url(signature);
}

bool signed_by(X509* certificate, std::string_view text, std::string_view signature) {
  const auto bytes = from_base64url(signature);
  if (!bytes) return false;
  const DigestPtr context(EVP_MD_CTX_new());
  const auto message = as_bytes(text);
  const bool good = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                                         X509_get0_pubkey(certificate)) == 1 &&
                    EVP_DigestVerify(context.get(), bytes->data(), bytes->size(), message.data(),
                                     message.size()) == 1;
  ERR_clear_error();
  return good;
}

Result<CertificatePtr> parse_certificate(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return fail(Errc::kLimit, "certificate over 64 KiB");
  const BioPtr bio = reading(pem);
  CertificatePtr certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!certificate) return openssl_error(Errc::kInvalid, "not a certificate in PEM form");
  return certificate;
}

std::string certificate_pem(X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  OTA_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return taken(bio);
}

std::string der_fingerprint(X509* certificate) {
  return sha256_hex(der_of(certificate, i2d_X509));
}

std::string serial_hex(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(serial->length)});
}

std::string subject_field(const X509* certificate, int nid) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  int last = -1;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, nid, at)) >= 0;)
    last = at;
  if (last < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, last)));
  if (size < 0) return {};
  std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  return text;
}

WallTime not_before(const X509* certificate) {
  return time_of(X509_get0_notBefore(certificate));
}

WallTime not_after(const X509* certificate) {
  return time_of(X509_get0_notAfter(certificate));
}

std::vector<std::string> alternative_names(const X509* certificate) {
  std::vector<std::string> texts;
  const NamesPtr names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    int type = 0;
    const auto* value = static_cast<const ASN1_STRING*>(
        GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names.get(), i), &type));
    const unsigned char* data = ASN1_STRING_get0_data(value);
    const int size = ASN1_STRING_length(value);
    if (type == GEN_DNS) {
      texts.emplace_back(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
    } else if (type == GEN_IPADD && (size == 4 || size == 16)) {
      std::array<char, INET6_ADDRSTRLEN> text{};
      ::inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text.data(), text.size());
      texts.emplace_back(text.data());
    }
  }
  return texts;
}

Result<RequestPtr> parse_request(std::string_view pem) {
  if (pem.size() > kMaxPemBytes) return fail(Errc::kLimit, "certificate request over 64 KiB");
  const BioPtr bio = reading(pem);
  RequestPtr request(PEM_read_bio_X509_REQ(bio.get(), nullptr, no_passphrase, nullptr));
  if (!request) return openssl_error(Errc::kInvalid, "not a certificate request in PEM form");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (key == nullptr) {
    return openssl_error(Errc::kInvalid, "the certificate request's key cannot be read");
  }
  if (!is_p256(key)) return fail(Errc::kInvalid, "the certificate request's key is not P-256");
  // Proves that who asks holds the private key (RFC 2986 section 3).
  if (X509_REQ_verify(request.get(), key) != 1) {
    return openssl_error(Errc::kInvalid, "the certificate request's own signature is wrong");
  }
  return request;
}

Result<std::string> request_pem(EVP_PKEY* key, const std::string& name) {
  const RequestPtr request(X509_REQ_new());
  if (!request || X509_REQ_set_pubkey(request.get(), key) != 1 ||
      !add_name(X509_REQ_get_subject_name(request.get()), "CN", name) ||
      X509_REQ_sign(request.get(), key, EVP_sha256()) == 0) {
    return openssl_error(Errc::kInvalid, "make a certificate request for " + name);
  }
  const BioPtr bio(BIO_new(BIO_s_mem()));
  OTA_ASSERT(PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1);
  return taken(bio);
}

Result<CertificatePtr> sign_certificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                                        X509* issuer, EVP_PKEY* issuer_key) {
  CertificatePtr certificate(X509_new());
  const auto failed = [&] {
    return openssl_error(Errc::kInvalid, "make a certificate for " + spec.name);
  };
  if (!certificate) return failed();
  X509* const made = certificate.get();
  X509_NAME* subject = X509_get_subject_name(made);
  const bool filled = X509_set_version(made, X509_VERSION_3) == 1 && set_random_serial(made) &&
                      set_time(X509_getm_notBefore(made), spec.not_before) &&
                      set_time(X509_getm_notAfter(made), spec.not_after) &&
                      (spec.unit.empty() || add_name(subject, "OU", spec.unit)) &&
                      add_name(subject, "CN", spec.name) && X509_set_pubkey(made, subject_key) == 1;
  if (!filled) return failed();
  X509* const signer = issuer == nullptr ? made : issuer;
  if (X509_set_issuer_name(made, X509_get_subject_name(signer)) != 1 ||
      !add_extensions(made, signer, spec) || X509_sign(made, issuer_key, EVP_sha256()) == 0) {
    return failed();
  }
  return certificate;
}

}  // namespace ota::pki
