// The admin API as commands call it. Commands see this interface alone, so that a test answers in
// the server's place.
//
// Errors: kUnavailable (no server there), kDenied, kNotFound, kConflict, ... from the answer's
// status, with the server's own words; kInvalid where the answer is not the JSON that it should be.
// Calls block. Thread: one.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace ota::cli {

class Api {
 public:
  virtual ~Api() = default;

  // `timeout` 0: the client's own. The answer of 204 is null.
  virtual Result<Json> get(const std::string& path, milliseconds timeout = {}) = 0;
  virtual Result<Json> post(const std::string& path, const Json& body,
                            milliseconds timeout = {}) = 0;
  // The body as it came, for documents that are stored and not read.
  virtual Result<std::string> get_text(const std::string& path, milliseconds timeout = {}) = 0;
  virtual Result<void> post_text(const std::string& path, const std::string& body,
                                 milliseconds timeout = {}) = 0;
  // "https://127.0.0.1:8443", for messages.
  virtual std::string where() const = 0;
};

// Over mutual TLS with the operator's certificate of `root`/state/pki. Nothing is opened before the
// first call. `server` empty: the port of `root`/config/console.json on this host.
std::unique_ptr<Api> open_api(const std::string& root, const std::string& server);

// Every path segment that comes from outside goes through this (RFC 3986 section 2.1).
std::string url_escape(std::string_view text);

// Members of an answer, forgiving: the fallback where the member is absent or of another type.
std::string text_at(const Json& object, const char* key, std::string_view fallback = "");
double number_at(const Json& object, const char* key, double fallback = 0);
std::uint64_t count_at(const Json& object, const char* key);
bool is_set(const Json& object, const char* key);
// A stored time; "never" (the epoch) where it is absent or unreadable.
WallTime stamp_at(const Json& object, const char* key);
// The member, or an empty list or object.
const Json& list_at(const Json& object, const char* key);
const Json& object_at(const Json& object, const char* key);

}  // namespace ota::cli
