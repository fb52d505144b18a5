// Conditional and partial requests for a representation of known size: RFC 9110 sections 13 and 14.
//
// Pure; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace ota::http {

struct RangeChoice {
  enum class Kind : std::uint8_t { kWhole, kPart, kUnsatisfiable };
  Kind kind = Kind::kWhole;
  std::uint64_t first = 0;
  std::uint64_t length = 0;  // of what is to be sent
};

// What a Range header asks of `size` bytes. Several ranges, another unit and malformed text are
// answered with the whole (section 14.2 allows it). Only bytes=A-B, A- and -N are served in part.
RangeChoice choose_range(std::string_view header, std::uint64_t size);

// Whether If-None-Match names `etag` (weak comparison, section 13.1.2): then it is 304.
bool matches_etag(std::string_view if_none_match, std::string_view etag);

}  // namespace ota::http
