// Signed notes (c2sp.org/signed-note): a text and lines of signatures, of which ours are Ed25519.
//
//   ota.3f2a9c0d41b8e657
//   4318
//   fR1cAAUqom/Xajj7h2fB2MPA3j2jxq2ICsUYapGGPo4=
//
//   — ota.3f2a9c0d41b8e657 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO...
//
// A key has a name, and an id of four bytes made of name and key; a verifier's text form is
// NAME+ID+BASE64, as Go's sumdb/note reads it. Pure but for the signing; thread: const objects,
// any.
#pragma once

#include <openssl/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace ota::audit {

// RFC 4648 section 4, with padding; anything else is kInvalid.
std::string to_base64(ByteView bytes);
Result<Bytes> from_base64(std::string_view text);

using RawPublicKey = std::array<std::uint8_t, 32>;

// Who may have signed a note.
class NoteVerifier {
 public:
  // kInvalid where the name is empty or holds blanks or '+', or the key is none.
  static Result<NoteVerifier> of(std::string name, const RawPublicKey& key);
  // NAME+ID+BASE64.
  static Result<NoteVerifier> parse(std::string_view text);

  const std::string& name() const { return name_; }
  std::uint32_t id() const { return id_; }
  std::string text() const;
  bool verifies(std::string_view message, ByteView signature) const;

 private:
  std::string name_;
  std::uint32_t id_ = 0;
  RawPublicKey raw_{};
  std::shared_ptr<EVP_PKEY> key_;
};

// An Ed25519 key with a name.
class NoteSigner {
 public:
  // kInvalid where the key is not Ed25519.
  static Result<NoteSigner> of(std::string name, std::shared_ptr<EVP_PKEY> key);

  const NoteVerifier& verifier() const { return verifier_; }
  // The note of this text, which ends with a line feed and holds no empty line at its end.
  Result<std::string> sign(std::string_view text) const;

 private:
  NoteSigner(NoteVerifier verifier, std::shared_ptr<EVP_PKEY> key)
      : verifier_(std::move(verifier)), key_(std::move(key)) {}
  NoteVerifier verifier_;
  std::shared_ptr<EVP_PKEY> key_;
};

// The text of a note that this verifier's key signed; other signatures are passed over, 64 at most.
// kInvalid where it is no note, kDenied where the key's signature is missing or wrong.
Result<std::string> open_note(std::string_view note, const NoteVerifier& verifier);

// The public half of an Ed25519 key; kInvalid where it is none.
Result<RawPublicKey> public_half(EVP_PKEY* key);

}  // namespace ota::audit
