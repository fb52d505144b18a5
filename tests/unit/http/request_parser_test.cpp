#include "http/request_parser.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;
using Progress = RequestParser::Progress;

namespace {

struct Outcome {
  Progress progress = Progress::kMore;
  std::size_t used = 0;
};

// Feeds `text` in pieces of `step` bytes, showing again what was not taken, as a connection does.
Outcome feed_in_steps(RequestParser& parser, std::string_view text, std::size_t step) {
  Outcome outcome;
  std::size_t shown = 0;
  while (true) {
    shown = std::min(text.size(), shown + step);
    while (true) {
      std::size_t used = 0;
      outcome.progress = parser.feed(text.substr(outcome.used, shown - outcome.used), used);
      outcome.used += used;
      if (outcome.progress != Progress::kHead) break;
    }
    if (outcome.progress != Progress::kMore || shown == text.size()) return outcome;
  }
}

unsigned failure_of(const std::string& text, std::uint32_t header_bytes = 8192) {
  RequestParser parser;
  parser.start(header_bytes);
  const Outcome outcome = feed_in_steps(parser, text, text.size());
  return outcome.progress == Progress::kFailed ? parser.failure() : 0;
}

const std::string kPost =
    "POST /v1/telemetry?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n"
    "If-None-Match: \"e\"\r\nRange: bytes=1-2\r\n\r\nhello world";

}  // namespace

TEST_CASE("a request is the same however it is cut into pieces", "[http]") {
  for (std::size_t step = 1; step <= kPost.size() + 4; ++step) {
    INFO(step);
    RequestParser parser;
    parser.start(8192);
    const std::string text = kPost + "GET ";
    const Outcome outcome = feed_in_steps(parser, text, step);
    REQUIRE(outcome.progress == Progress::kDone);
    CHECK(outcome.used == kPost.size());
    CHECK(parser.head().method == Method::kPost);
    CHECK(parser.head().target == "/v1/telemetry?x=1");
    CHECK(parser.head().if_none_match == "\"e\"");
    CHECK(parser.head().range == "bytes=1-2");
    CHECK(parser.head().content_length == 11);
    CHECK(parser.head().keep_alive);
    CHECK(parser.body() == "hello world");
  }
}

TEST_CASE("a parser used again has nothing of the request before", "[http]") {
  RequestParser parser;
  parser.start(8192);
  feed_in_steps(parser, kPost, 7);
  parser.start(8192);
  CHECK_FALSE(parser.started());
  const Outcome outcome =
      feed_in_steps(parser, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", 9);
  REQUIRE(outcome.progress == Progress::kDone);
  CHECK(parser.body().empty());
  CHECK(parser.head().range.empty());
  CHECK(parser.head().content_length == 0);
  CHECK_FALSE(parser.head().keep_alive);
}

TEST_CASE("empty lines before a request are skipped", "[http]") {
  RequestParser parser;
  parser.start(8192);
  CHECK(feed_in_steps(parser, "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 1).progress ==
        Progress::kDone);
}

TEST_CASE("what is wrong with a request has its own status", "[http]") {
  const struct {
    const char* text;
    unsigned status;
  } table[] = {
      {"\x16\x03\x01", 400},
      {"GET\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost h\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: x\r\n\r\n", 411},
  };
  for (const auto& row : table) {
    INFO(row.text);
    CHECK(failure_of(row.text) == row.status);
  }
  CHECK(failure_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n") >= 400);
  CHECK(failure_of("GET / HTTP/1.0\r\n\r\n") == 0);
}

TEST_CASE("a header is as large as the limit in all, however it comes", "[http]") {
  std::string text = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 30; ++i)
    text += "X-Filler-" + std::to_string(i) + ": abcdefghij\r\n";
  text += "\r\n";
  for (const std::size_t step : {std::size_t(1), std::size_t(40), text.size()}) {
    INFO(step);
    RequestParser parser;
    parser.start(512);
    CHECK(feed_in_steps(parser, text, step).progress == Progress::kFailed);
    CHECK(parser.failure() == 431);
    parser.start(static_cast<std::uint32_t>(text.size()));
    CHECK(feed_in_steps(parser, text, step).progress == Progress::kDone);
  }
  CHECK(failure_of("GET /" + std::string(9000, 'a')) == 431);
}

TEST_CASE("of a body so much is kept as was asked for, and its end is found", "[http]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n";
  const std::string text = head + std::string(100'000, 'a') + "GET ";
  for (const std::size_t step : {std::size_t(4096), text.size()}) {
    INFO(step);
    RequestParser parser;
    parser.start(8192);
    std::size_t used = 0;
    REQUIRE(parser.feed(head, used) == Progress::kHead);
    parser.keep_body(1000);
    const std::string rest = text.substr(head.size());  // the body may lie in it
    const Outcome outcome = feed_in_steps(parser, rest, step);
    REQUIRE(outcome.progress == Progress::kDone);
    CHECK(outcome.used == 100'000);
    CHECK(parser.body() == std::string(1000, 'a'));
    CHECK(parser.body_received() == 100'000);
    CHECK(parser.body_kept() <= 1000);
  }
}

TEST_CASE("HTTP/1.0 is known as such, and closes unless it asks for more", "[http]") {
  RequestParser parser;
  parser.start(8192);
  feed_in_steps(parser, "GET / HTTP/1.0\r\n\r\n", 100);
  CHECK(parser.head().http10);
  CHECK_FALSE(parser.head().keep_alive);
  parser.start(8192);
  feed_in_steps(parser, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 100);
  CHECK(parser.head().http10);
  CHECK(parser.head().keep_alive);
}
