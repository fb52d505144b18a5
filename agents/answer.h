// What an answer of the server means for who asked.
//
// An answer is hostile input, whatever the certificate of who sent it: any status, any body, any
// header. Each is read here and nowhere else; nothing throws. Pure; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "http/requester.h"

namespace ota::agent {

// "status 403: token no such token": the server's words on a refusal (RFC 9457) as far as they are
// words, for people; bounded and printable.
std::string problem_words(const http::Reply& reply);

// The status of an answer that is about the request. kDenied: this device is refused (401, 403);
// kUnavailable: too many requests; kConflict: the server cannot do it now (5xx).
Result<unsigned> status_of(const http::Reply& reply);

// The server says that this device's certificate has ended: it takes its renewal alone.
bool certificate_ended(const http::Reply& reply);

// Retry-After in seconds (RFC 9110 section 10.2.3), at most five minutes; none where it is absent,
// zero, a date or nonsense.
std::optional<milliseconds> asked_pause(const http::Reply& reply);

}  // namespace ota::agent
