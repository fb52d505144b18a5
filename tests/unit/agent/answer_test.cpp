#include "agents/answer.h"

#include "agents/command.h"
#include "tests/support/catch.h"
#include "tests/support/odd_bodies.h"

using namespace ota;
using agent::problem_words;

namespace {

http::Reply reply(unsigned status, std::string body, std::string retry_after = {}) {
  http::Reply out;
  out.status = status;
  out.body = std::move(body);
  out.retry_after = std::move(retry_after);
  return out;
}

}  // namespace

TEST_CASE("every status with any body is an answer, and none ends the agent", "[agent]") {
  for (const std::string& body : test::odd_bodies()) {
    CHECK_NOTHROW(agent::parse_commands(body));
    for (unsigned status = 0; status < 1000; ++status) {
      const http::Reply answer = reply(status, body);
      const auto read = agent::status_of(answer);
      if (status == 401 || status == 403) {
        CHECK(read.error().code == Errc::kDenied);
      } else if (status == 429 || status >= 500) {
        CHECK(read.error().code == (status == 429 ? Errc::kUnavailable : Errc::kConflict));
      } else {
        CHECK(*read == status);
      }
      if (status % 100 == 3) CHECK(problem_words(answer).size() < 300);
    }
  }
}

TEST_CASE("a server's words on a refusal are shown as far as they are words", "[agent]") {
  CHECK(problem_words(reply(403, R"({"code":5})")) == "status 403");
  CHECK(problem_words(reply(403, R"({"code":"token","detail":7})")) == "status 403: token");
  CHECK(problem_words(reply(403, R"({"code":"token","detail":"no such"})")) ==
        "status 403: token no such");
  CHECK(problem_words(reply(400, "[1]")) == "status 400");
  CHECK(problem_words(reply(400, "{\"detail\":\"\\u009b31m\"}")) == "status 400: ?31m");
}

TEST_CASE("a pause that the server asks for is bounded, and nonsense is none", "[agent]") {
  CHECK(agent::asked_pause(reply(503, "", "7")) == seconds(7));
  CHECK(agent::asked_pause(reply(503, "", "4000000000")) == seconds(300));
  CHECK(agent::asked_pause(reply(503, "", "99999999999999999999")) == seconds(300));
  for (const char* none : {"", "0", "-1", "1.5", "Wed, 21 Oct 2026", "7x"})
    CHECK_FALSE(agent::asked_pause(reply(503, "", none)));
}
