// The key that signs the log's heads: Ed25519, a file of mode 0600 that never leaves the server,
// and beside it the text by which others verify.
//
//   state/audit-log.key     PKCS#8
//   state/audit-log.vkey    ota.3f2a9c0d41b8e657+5a1f08c2+AbC...
//
// The log's name (its origin) is made of its key: another key makes another log. Blocks on files.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "audit/note.h"
#include "base/result.h"

namespace ota::audit {

inline constexpr std::string_view kLogKeyFile = "audit-log.key";        // in state/
inline constexpr std::string_view kLogVerifierFile = "audit-log.vkey";  // in state/

// "ota." and 16 hex digits of the key's SHA-256.
std::string origin_of(const RawPublicKey& key);

// The key that is there, or a new one that is there from now on, durably; its vkey file is written
// where it is not as it must be. kDenied where others could read the key, kInvalid where it is
// none.
Result<NoteSigner> read_or_make_log_key(const std::filesystem::path& state);

// kNotFound where there is none.
Result<NoteVerifier> read_log_verifier(const std::filesystem::path& file);

}  // namespace ota::audit
