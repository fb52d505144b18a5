#include "base/text.h"

#include "base/bytes.h"
#include "base/json.h"
#include "base/result.h"
#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("an error has its word once, also where it was another program's", "[base]") {
  CHECK(fail(Errc::kNotFound, "iot-009").text() == "iot-009: not found");
  CHECK(fail(Errc::kNotFound, "the server says: iot-009: not found").text() ==
        "the server says: iot-009: not found");
  CHECK(fail(Errc::kNotFound, "not found").text() == "not found");
  CHECK(fail(Errc::kNotFound, "what was not found").text() == "what was not found: not found");
}

TEST_CASE("no control byte survives printable", "[base]") {
  CHECK(printable("plain \xc3\xa9") == "plain \xc3\xa9");
  CHECK(printable("\x1b[2Jx") == "?[2Jx");
  CHECK(printable("a\tb\nc") == "a b c");
  CHECK(printable("\xc2\x9b"
                  "31m") == "?31m");  // C1 CSI
  CHECK(printable("\xe2\x80\xae"
                  "evil") == "?evil");  // right-to-left override
  CHECK(printable("\xff\xfe") == "??");
  CHECK(printable("\xed\xa0\x80") == "???");  // a surrogate
}

TEST_CASE("printable cuts at a character's border", "[base]") {
  CHECK(printable("\xc3\xa9\xc3\xa9", 3) == "\xc3\xa9");
}

TEST_CASE("base64url has one spelling for each byte string", "[base]") {
  for (std::string_view text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
    const auto back = from_base64url(to_base64url(as_bytes(text)));
    REQUIRE(back.has_value());
    CHECK(as_text(*back) == text);
  }
  CHECK_FALSE(from_base64url("Zh").has_value());  // stray bits
  CHECK_FALSE(from_base64url("Z").has_value());
  CHECK_FALSE(from_base64url("Zg==").has_value());
}

TEST_CASE("duplicate keys, depth and size of JSON are refused", "[base]") {
  CHECK(parse_json(R"({"a":1,"b":{"a":2}})").has_value());
  CHECK_FALSE(parse_json(R"({"a":1,"a":2})").has_value());
  CHECK_FALSE(parse_json("[[[[1]]]]", {.max_bytes = 100, .max_depth = 3}).has_value());
  CHECK(parse_json(R"([{"a":[1,{"b":[]}],"c":"d"},[[2.5,true,null]],-3])").value() ==
        Json::array({{{"a", {1, {{"b", Json::array()}}}}, {"c", "d"}},
                     Json::array({Json::array({2.5, true, nullptr})}),
                     -3}));
  CHECK_FALSE(parse_json(R"([{"a":[{"b":1,"c":2,"b":3}]}])").has_value());
  CHECK_FALSE(parse_json("[1e999]").has_value());
  CHECK_FALSE(parse_json("").has_value());
  CHECK_FALSE(parse_json("{} {}").has_value());
  CHECK_FALSE(parse_json("[1,2,3]", {.max_bytes = 3, .max_depth = 3}).has_value());
  const auto bad = parse_json("{\n  \"a\": x}");
  REQUIRE_FALSE(bad.has_value());
  CHECK(bad.error().context.find("line 2") != std::string::npos);
}
