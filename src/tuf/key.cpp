#include "tuf/key.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/digest.h"
#include "tuf/error.h"

namespace ota::tuf {
namespace {

// NIST SP 800-57: below 2048 bits is forgeable; above 8192 a verification costs a device seconds.
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr int kNewRsaBits = 3072;
constexpr int kPssSaltBytes = 32;

using KeyPtr = std::shared_ptr<EVP_PKEY>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, FreeBio>;
struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using DigestPtr = std::unique_ptr<EVP_MD_CTX, FreeDigest>;

KeyPtr own(EVP_PKEY* key) {
  ERR_clear_error();
  return {key, [](EVP_PKEY* k) { EVP_PKEY_free(k); }};
}

BioPtr bio_of(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}
std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}
bool is_fit_rsa(const EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "RSA") == 1 && EVP_PKEY_get_bits(key) >= kMinRsaBits &&
         EVP_PKEY_get_bits(key) <= kMaxRsaBits;
}

KeyPtr load_public(const std::string& keytype, const std::string& scheme,
                   const std::string& value) {
  if (keytype == "ed25519" && scheme == "ed25519") {
    const auto raw = from_hex(value);
    if (!raw || raw->size() != 32) return nullptr;
    return own(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw->data(), raw->size()));
  }
  const bool ecdsa =
      (keytype == "ecdsa" || keytype == "ecdsa-sha2-nistp256") && scheme == "ecdsa-sha2-nistp256";
  const bool rsa = keytype == "rsa" && scheme == "rsassa-pss-sha256";
  if (!ecdsa && !rsa) return nullptr;
  const BioPtr bio = bio_of(value);
  KeyPtr key = own(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key || (ecdsa && !is_p256(key.get())) || (rsa && !is_fit_rsa(key.get()))) return nullptr;
  return key;
}

// Sets what the scheme prescribes beyond the digest. RFC 8017 section 8.1 with a salt as long as
// the digest.
bool set_padding(EVP_PKEY_CTX* context, const std::string& scheme) {
  if (scheme != "rsassa-pss-sha256") return true;
  return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
         EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, kPssSaltBytes) == 1;
}
const EVP_MD* digest_of(const std::string& scheme) {
  return scheme == "ed25519" ? nullptr : EVP_sha256();
}
const std::uint8_t* raw(std::string_view text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

// The TUF description of a private key's public half.
Result<Json> describe(EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "ED25519") == 1) {
    Bytes value(32);
    std::size_t size = value.size();
    if (EVP_PKEY_get_raw_public_key(key, value.data(), &size) != 1) {
      return fail(Errc::kKey, "no public key");
    }
    return Json{
        {"keytype", "ed25519"}, {"scheme", "ed25519"}, {"keyval", {{"public", to_hex(value)}}}};
  }
  const bool ecdsa = is_p256(key);
  if (!ecdsa && !is_fit_rsa(key)) {
    return fail(Errc::kKey, "neither Ed25519 nor ECDSA P-256 nor RSA of 2048 to 8192 bits");
  }
  const BioPtr out(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(out.get(), key) != 1) return fail(Errc::kKey, "no public key");
  return Json{{"keytype", ecdsa ? "ecdsa" : "rsa"},
              {"scheme", ecdsa ? "ecdsa-sha2-nistp256" : "rsassa-pss-sha256"},
              {"keyval", {{"public", text_of(out.get())}}}};
}

int give_passphrase(char* buffer, int size, int, void* passphrase) {
  const auto* text = static_cast<const std::optional<std::string>*>(passphrase);
  if (!text->has_value() || std::cmp_greater((*text)->size(), size)) return -1;
  std::ranges::copy(**text, buffer);
  return static_cast<int>((*text)->size());
}

}  // namespace

Result<PublicKey> PublicKey::parse(const Json& object) {
  const auto text_at = [](const Json& in, const char* name) -> const std::string* {
    const auto found = in.find(name);
    return found == in.end() ? nullptr : found->get_ptr<const std::string*>();
  };
  if (!object.is_object()) return fail(Errc::kMalformed, "a key that is no object");
  const std::string* keytype = text_at(object, "keytype");
  const std::string* scheme = text_at(object, "scheme");
  const auto keyval = object.find("keyval");
  if (keytype == nullptr || scheme == nullptr || keyval == object.end() || !keyval->is_object()) {
    return fail(Errc::kMalformed, "a key without keytype, scheme or keyval");
  }
  PublicKey key;
  key.id_ = sha256_hex(canonical(object));
  key.json_ = object;
  key.scheme_ = *scheme;
  const std::string* value = text_at(*keyval, "public");
  if (value != nullptr) key.key_ = load_public(*keytype, *scheme, *value);
  if (key.key_) {
    std::uint8_t* der = nullptr;
    const int size = i2d_PUBKEY(key.key_.get(), &der);
    if (size <= 0) return fail(Errc::kMalformed, "a key that cannot be encoded");
    key.material_ = to_hex(sha256({der, static_cast<std::size_t>(size)}));
    OPENSSL_free(der);
  }
  return key;
}

bool PublicKey::verifies(std::string_view message, std::string_view signature) const {
  if (!key_ || signature.empty()) return false;
  const auto bytes = from_hex(signature);
  if (!bytes) return false;
  const DigestPtr digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  const bool valid =
      digest &&
      EVP_DigestVerifyInit(digest.get(), &context, digest_of(scheme_), nullptr, key_.get()) == 1 &&
      set_padding(context, scheme_) &&
      EVP_DigestVerify(digest.get(), bytes->data(), bytes->size(), raw(message), message.size()) ==
          1;
  ERR_clear_error();
  return valid;
}

Result<Signer> Signer::from_key(std::shared_ptr<EVP_PKEY> key) {
  if (!key) return fail(Errc::kKey, "no private key");
  const auto description = describe(key.get());
  if (!description) return description.error();
  auto parsed = PublicKey::parse(*description);
  if (!parsed) return parsed.error();
  Signer signer;
  signer.key_ = std::move(key);
  signer.public_ = std::move(*parsed);
  return signer;
}

Result<Signer> Signer::on_token(std::shared_ptr<EVP_PKEY> key) {
  auto signer = from_key(std::move(key));
  if (signer) signer->on_token_ = true;
  return signer;
}

Result<Signer> Signer::generate(KeyKind kind) {
  switch (kind) {
    case KeyKind::kEd25519:
      return from_key(own(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")));
    case KeyKind::kEcdsaP256:
      return from_key(own(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")));
    case KeyKind::kRsa:
      return from_key(
          own(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kNewRsaBits))));
  }
  return fail(Errc::kKey, "unknown kind of key");
}

Result<Signer> Signer::from_pem(std::string_view pem, std::optional<std::string> passphrase) {
  const BioPtr bio = bio_of(pem);
  KeyPtr key = own(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_passphrase, &passphrase));
  if (!key) {
    const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
    return fail(Errc::kKey, !encrypted   ? "no private key in PEM form"
                            : passphrase ? "the passphrase does not open the key"
                                         : "the key is encrypted and needs its passphrase");
  }
  return from_key(std::move(key));
}

Result<std::string> Signer::pem(std::optional<std::string> passphrase) const {
  if (on_token_) return fail(Errc::kKey, "the key stays on its token");
  const BioPtr out(BIO_new(BIO_s_mem()));
  const EVP_CIPHER* cipher = passphrase ? EVP_aes_256_cbc() : nullptr;
  const char* secret = passphrase ? passphrase->data() : nullptr;
  const int size = passphrase ? static_cast<int>(passphrase->size()) : 0;
  if (PEM_write_bio_PKCS8PrivateKey(out.get(), key_.get(), cipher, secret, size, nullptr,
                                    nullptr) != 1) {
    ERR_clear_error();
    return fail(Errc::kKey, "the key does not let itself be written");
  }
  return text_of(out.get());
}

Result<std::string> Signer::sign(std::string_view message) const {
  const std::string scheme = public_.json().at("scheme").get<std::string>();
  const DigestPtr digest(EVP_MD_CTX_new());
  EVP_PKEY_CTX* context = nullptr;
  std::size_t size = 0;
  Bytes signature;
  const bool sized =
      digest &&
      EVP_DigestSignInit(digest.get(), &context, digest_of(scheme), nullptr, key_.get()) == 1 &&
      set_padding(context, scheme) &&
      EVP_DigestSign(digest.get(), nullptr, &size, raw(message), message.size()) == 1;
  if (sized) signature.resize(size);
  if (!sized ||
      EVP_DigestSign(digest.get(), signature.data(), &size, raw(message), message.size()) != 1) {
    ERR_clear_error();
    return fail(Errc::kKey, "signing failed");
  }
  signature.resize(size);
  return to_hex(signature);
}

}  // namespace ota::tuf
