#include "base/json.h"

#include "model/release.h"
#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("a document that does not fit is told in words of our own", "[base]") {
  const auto why = [](const char* text) {
    const auto read = json_as<model::Release>(*parse_json(text), "release");
    REQUIRE_FALSE(read.has_value());
    return read.error().context;
  };
  CHECK(why("{}") == "release: \"version\" is missing");
  CHECK(why(R"({"version":5})") == "release: a member is of another type");
  for (const char* text : {"1e999", "[1e999]", "-1e999", "{\"a\":1e400}"}) {
    const auto read = parse_json(text);
    REQUIRE_FALSE(read.has_value());
    CHECK(read.error().context == "JSON: a number that is out of range");
  }
}
