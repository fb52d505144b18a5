// Signing keys that never leave a token (smart card, HSM), through OpenSSL's PKCS#11 engine.
//
// The engine is a package of its own (libengine-pkcs11-openssl); which token library it loads says
// the environment's PKCS11_MODULE_PATH, else p11-kit. Thread: one; calls block on the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tuf/key.h"

namespace ota::tuf {

// RFC 7512: "pkcs11:token=ota;object=targets-1".
bool is_pkcs11(std::string_view key);

// kKey says what is missing: the engine, the token, the object, or the right PIN. Without a PIN the
// token asks on its own pad; nobody is asked at the terminal.
Result<Signer> signer_from_pkcs11(const std::string& uri, const std::optional<std::string>& pin);

}  // namespace ota::tuf
