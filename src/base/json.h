// JSON at the border: bounded, no duplicate keys, valid UTF-8, and nlohmann's exceptions turned
// into Errors.
#pragma once

#include <string>
#include <string_view>

#include "base/json_numbers.h"
#include "base/result.h"

namespace ota {

using Json = nlohmann::json;

struct JsonLimits {
  std::size_t max_bytes = 1U << 20;
  std::size_t max_depth = 16;
};

// kInvalid with line and column for malformed text and duplicate keys; kLimit for size or depth.
Result<Json> parse_json(std::string_view text, JsonLimits limits = {});

// Why a document did not fit, in words that may go to whoever sent it: the library's own stay here.
std::string misfit(const std::exception& error);

// `document` as a T by its from_json; kInvalid with misfit()'s words where it does not fit.
template <class T>
Result<T> json_as(const Json& document, std::string_view what) {
  try {
    return document.get<T>();
  } catch (const std::exception& error) {
    return fail(Errc::kInvalid, std::string(what) + ": " + misfit(error));
  }
}

// Compact text; invalid UTF-8 in a string becomes U+FFFD, so that it never throws.
inline std::string dump_json(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ota
