// Status codes' phrases. Pure; any thread.
#pragma once

#include <string_view>

namespace ota::http {

// RFC 9110 section 15, RFC 6585; "Unknown" for a code that this server never sends.
std::string_view reason_phrase(unsigned status);

}  // namespace ota::http
