#include "http/target.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::http;

TEST_CASE("a target is taken apart into path and query", "[http]") {
  Target target;
  REQUIRE(target.parse("/v1/events?after=12&kind=gate+x&source=iot%2D001&flag").has_value());
  CHECK(target.path == "/v1/events");
  CHECK(target.query ==
        std::map<std::string, std::string>{
            {"after", "12"}, {"kind", "gate x"}, {"source", "iot-001"}, {"flag", ""}});
  REQUIRE(target.parse("/v1/devices/caf%C3%A9").has_value());
  CHECK(target.path == "/v1/devices/caf\xc3\xa9");
  CHECK(target.query.empty());
}

TEST_CASE("an absolute target is its path, and its authority goes before Host", "[http]") {
  const struct {
    const char* text;
    const char* authority;
    const char* path;
    std::size_t pairs;
  } table[] = {
      {"http://host/v1/events?after=1", "host", "/v1/events", 1},
      {"HTTPS://host:8443/v1", "host:8443", "/v1", 0},
      {"http://[::1]:1/a%20b", "[::1]:1", "/a b", 0},
      {"http://host", "host", "/", 0},
      {"http://host?a=1", "host", "/", 1},
  };
  for (const auto& row : table) {
    INFO(row.text);
    Target target;
    REQUIRE(target.parse(row.text).has_value());
    CHECK(target.authority == row.authority);
    CHECK(target.path == row.path);
    CHECK(target.query.size() == row.pairs);
    REQUIRE(target.parse("/next").has_value());
    CHECK(target.authority.empty());
  }
}

TEST_CASE("a target that could mean something else to another reader is refused", "[http]") {
  std::string many = "/a?";
  for (int i = 0; i < 40; ++i)
    many += "p" + std::to_string(i) + "=1&";
  for (const std::string& text : {std::string(),
                                  std::string("v1"),
                                  std::string("*"),
                                  std::string("ftp://host/v1"),
                                  std::string("http://"),
                                  std::string("http:///v1"),
                                  std::string("http://me@host/v1"),
                                  std::string("/a/../b"),
                                  std::string("/."),
                                  std::string("/a/%2e%2e/b"),
                                  std::string("/a%2fb"),
                                  std::string("/a%"),
                                  std::string("/a%4"),
                                  std::string("/a%zz"),
                                  std::string("/a%00b"),
                                  std::string("/a%1bb"),
                                  std::string("/a%ff"),
                                  std::string("/a\xff"),
                                  std::string("/a?x=%0a"),
                                  std::string("/a?x=1&x=2"),
                                  many}) {
    INFO(text);
    Target target;
    CHECK(target.parse(text).has_error());
  }
}
