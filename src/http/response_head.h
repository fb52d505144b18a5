// The bytes in front of an answer's body. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "http/message.h"

namespace ota::http {

// kKeepOpenTold: to a client of HTTP/1.0, which closes where it is not told (RFC 9112 section 9.3).
enum class After { kKeepOpen, kKeepOpenTold, kClose };

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string http_date(WallTime time);

// Appends status line and fields to `out`. `length`: of the body that a GET would carry. Fields of
// the response that hold a line end are left out: they would start another answer.
void append_head(std::string& out, const Response& response, std::uint64_t length,
                 std::string_view date, After after);

}  // namespace ota::http
