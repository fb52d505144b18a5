#include "http/message.h"

#include "http/response_head.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;

TEST_CASE("a problem has the members of RFC 9457 and a code", "[http]") {
  const Response response = Response::problem(403, "revoked", "iot-002 is \x1b[31mrevoked");
  CHECK(response.status == 403);
  CHECK(response.content_type == "application/problem+json");
  const Json body = Json::parse(response.body);
  CHECK(body["type"] == "about:blank");
  CHECK(body["title"] == "Forbidden");
  CHECK(body["status"] == 403);
  CHECK(body["code"] == "revoked");
  CHECK(body["detail"] == "iot-002 is ?[31mrevoked");
}

TEST_CASE("each error has its status", "[http]") {
  const struct {
    Errc code;
    unsigned status;
  } table[] = {{Errc::kInvalid, 400},  {Errc::kNotFound, 404},    {Errc::kExists, 409},
               {Errc::kDenied, 403},   {Errc::kLimit, 413},       {Errc::kFull, 503},
               {Errc::kTimeout, 504},  {Errc::kUnavailable, 503}, {Errc::kConflict, 409},
               {Errc::kInternal, 500}, {Errc::kIo, 500}};
  for (const auto& row : table) {
    CHECK(Response::error(fail(row.code, "what was done")).status == row.status);
  }
}

TEST_CASE("a head has length and type where a body follows, and no injected line", "[http]") {
  Response response = Response::json({{"a", 1}});
  response.headers = {{"ETag", "\"x\""}, {"X-Bad", "a\r\nSet-Cookie: b"}, {"X\nY", "z"}};
  std::string out;
  append_head(out, response, response.body.size(), "Sun, 06 Nov 1994 08:49:37 GMT", After::kClose);
  CHECK(out ==
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: application/json\r\nContent-Length: 7\r\nETag: \"x\"\r\n"
        "Connection: close\r\n\r\n");
  out.clear();
  append_head(out, Response::no_content(), 0, "d", After::kKeepOpen);
  CHECK(out == "HTTP/1.1 204 No Content\r\nDate: d\r\n\r\n");
}

TEST_CASE("a date is in the form of RFC 9110", "[http]") {
  CHECK(http_date(*parse_rfc3339("1994-11-06T08:49:37Z")) == "Sun, 06 Nov 1994 08:49:37 GMT");
}
