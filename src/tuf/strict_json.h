// JSON as signed metadata needs it: one text has one meaning, and one value has one canonical text.
//
// Refused on reading: duplicate keys, floating-point numbers, "-0", integers beyond 2^53-1, invalid
// UTF-8, lone surrogates, a byte-order mark, trailing text, nesting deeper than the limit. A parser
// that lets any of these pass may read a signed file differently from the program that signed it.
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/json_numbers.h"
#include "base/result.h"

namespace ota::tuf {

using Json = nlohmann::json;

// kMalformed with the byte's position and the reason. The caller has bounded the text's size.
Result<Json> parse_strict(std::string_view text);

// Canonical JSON: keys sorted by their bytes, no blanks, only '"' and '\' escaped, all else raw
// UTF-8. This is what signatures and key ids are computed over; a library's own compact dump
// escapes line feeds and would not verify.
std::string canonical(const Json& value);

}  // namespace ota::tuf
