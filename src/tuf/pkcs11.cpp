// OpenSSL 3 calls engines deprecated; Debian 12 has no PKCS#11 provider yet.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "tuf/pkcs11.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/ui.h>

#include <memory>

#include "tuf/error.h"

namespace ota::tuf {
namespace {

struct FreeEngine {
  void operator()(ENGINE* engine) const { ENGINE_free(engine); }
};
using EnginePtr = std::unique_ptr<ENGINE, FreeEngine>;

// Where a PIN is missing and the token has no pad for it, the engine would ask at the terminal, in
// the midst of a screen. It is told that nobody answers. Kept for good: the key may refer to it.
UI_METHOD* nobody_to_ask() {
  static UI_METHOD* const method = [] {
    UI_METHOD* made = UI_create_method("nobody");
    if (made != nullptr) UI_method_set_opener(made, [](UI*) { return 0; });
    return made;
  }();
  return method;
}

std::string last_reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason == nullptr ? "" : std::string(": ") + reason;
}

}  // namespace

bool is_pkcs11(std::string_view key) {
  return key.starts_with("pkcs11:");
}

Result<Signer> signer_from_pkcs11(const std::string& uri, const std::optional<std::string>& pin) {
  ENGINE_load_dynamic();
  const EnginePtr engine(ENGINE_by_id("pkcs11"));
  if (!engine) {
    ERR_clear_error();
    return fail(Errc::kKey,
                "OpenSSL's PKCS#11 engine is missing (Debian: libengine-pkcs11-openssl)");
  }
  if (ENGINE_init(engine.get()) != 1) {
    return fail(Errc::kKey,
                "the PKCS#11 engine finds no token library; name it in "
                "PKCS11_MODULE_PATH" +
                    last_reason());
  }
  // The key holds the engine from here on, so that it may be given back.
  struct Finish {
    ENGINE* engine;
    ~Finish() { ENGINE_finish(engine); }
  } const finish{engine.get()};
  if (pin && ENGINE_ctrl_cmd_string(engine.get(), "PIN", pin->c_str(), 0) != 1) {
    return fail(Errc::kKey, "the engine takes no PIN" + last_reason());
  }
  std::shared_ptr<EVP_PKEY> key(
      ENGINE_load_private_key(engine.get(), uri.c_str(), nobody_to_ask(), nullptr),
      [](EVP_PKEY* k) { EVP_PKEY_free(k); });
  if (!key) return fail(Errc::kKey, "no such key on a token, or another PIN" + last_reason());
  ERR_clear_error();
  return Signer::on_token(std::move(key));
}

}  // namespace ota::tuf
