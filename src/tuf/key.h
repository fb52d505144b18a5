// Public keys that verify, and signers that sign: ed25519, ECDSA on P-256 with SHA-256, RSA-PSS
// with SHA-256, over OpenSSL's EVP.
//
// A key is its JSON object: its id is the SHA-256 of that object's canonical form, unknown members
// included (TUF 1.0.34 section 4.2), and is always recomputed, never believed.
// Thread: const objects, any.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tuf/strict_json.h"

namespace ota::tuf {

class PublicKey {
 public:
  // kMalformed where members are missing or of the wrong type. A key of a type or scheme that is
  // not known here, or that OpenSSL refuses, is no error: usable() is false and it verifies
  // nothing.
  static Result<PublicKey> parse(const Json& object);

  const std::string& id() const { return id_; }
  const Json& json() const { return json_; }
  bool usable() const { return key_ != nullptr; }
  // SHA-256 of the key itself (SubjectPublicKeyInfo): equal for two descriptions of one key.
  const std::string& material() const { return material_; }
  // `signature` is hex text as metadata carries it; anything that is not a valid signature is just
  // false.
  bool verifies(std::string_view message, std::string_view signature) const;

 private:
  std::string id_;
  std::string scheme_;
  std::string material_;
  Json json_;
  std::shared_ptr<EVP_PKEY> key_;
};

enum class KeyKind { kEd25519, kEcdsaP256, kRsa };

// A private key. Its PEM text is PKCS#8; with a passphrase it is encrypted (PBES2, AES-256-CBC,
// PBKDF2 with SHA-256).
class Signer {
 public:
  static Result<Signer> generate(KeyKind kind = KeyKind::kEd25519);
  // kKey where the text is no private key of a known kind, or the passphrase is missing or wrong.
  static Result<Signer> from_pem(std::string_view pem, std::optional<std::string> passphrase = {});
  // A key that a token keeps and that OpenSSL may use there.
  static Result<Signer> on_token(std::shared_ptr<EVP_PKEY> key);

  // kKey for a key on a token: OpenSSL would write a file that looks like a key and is none.
  Result<std::string> pem(std::optional<std::string> passphrase = {}) const;
  const PublicKey& public_key() const { return public_; }
  // The signature as hex text.
  Result<std::string> sign(std::string_view message) const;

 private:
  static Result<Signer> from_key(std::shared_ptr<EVP_PKEY> key);

  std::shared_ptr<EVP_PKEY> key_;
  PublicKey public_;
  bool on_token_ = false;
};

}  // namespace ota::tuf
