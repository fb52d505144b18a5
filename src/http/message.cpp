#include "http/message.h"

#include "base/text.h"
#include "http/status.h"

namespace ota::http {
namespace {

// Details may quote what a device sent; a screen or a log shows them.
constexpr std::size_t kMaxDetailBytes = 2048;

struct ErrorForm {
  Errc code;
  unsigned status;
  const char* word;
};
constexpr ErrorForm kErrorForms[] = {
    {Errc::kInvalid, 400, "invalid"},
    {Errc::kNotFound, 404, "not-found"},
    {Errc::kExists, 409, "exists"},
    {Errc::kDenied, 403, "denied"},
    {Errc::kLimit, 413, "limit"},
    {Errc::kFull, 503, "full"},
    {Errc::kUnavailable, 503, "unavailable"},
    {Errc::kConflict, 409, "conflict"},
    {Errc::kTimeout, 504, "timeout"},
};

}  // namespace

Response Response::json(const Json& document, unsigned status) {
  Response response;
  response.status = status;
  response.body = dump_json(document);
  return response;
}

Response Response::no_content() {
  Response response;
  response.status = 204;
  return response;
}

Response Response::problem(unsigned status, std::string_view code, std::string_view detail) {
  // RFC 9457 section 3.1; "about:blank" says that the title is the status' own phrase.
  Response response = json({{"type", "about:blank"},
                            {"title", reason_phrase(status)},
                            {"status", status},
                            {"code", code},
                            {"detail", printable(detail, kMaxDetailBytes)}},
                           status);
  response.content_type = "application/problem+json";
  return response;
}

Response Response::too_many(std::string_view code, std::string_view detail, seconds wait) {
  Response response = problem(429, code, detail);
  response.headers.emplace_back("Retry-After", std::to_string(wait.count()));
  return response;
}

Response Response::error(const Error& error) {
  for (const ErrorForm& form : kErrorForms) {
    if (error.code == form.code) return problem(form.status, form.word, error.text());
  }
  return problem(500, "internal", error.text());
}

}  // namespace ota::http
