// What an operator hands to a new device: a one-time token and the fingerprint of the authority
// that the device will find, in one line that survives a chat window.
//
// Form: "ota1." + base64url of {"token":"...","fingerprint":"..."}; another form gets another
// number. Linked by the agent. Pure. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ota::pki {

struct JoinCode {
  std::string token;
  std::string fingerprint;  // SHA-256 of the authority's DER certificate, 64 lower-case hex digits
  std::string text() const;
  // Blanks and line ends around the code are ignored. kInvalid says what is wrong with it.
  static Result<JoinCode> parse(std::string_view text);
};

// SHA-256 (hex) of a PEM certificate's DER.
Result<std::string> certificate_fingerprint(std::string_view pem);

}  // namespace ota::pki
