#include "tuf/strict_json.h"

#include "tests/support/catch.h"
#include "tuf/error.h"

using namespace ota;
using tuf::canonical;
using tuf::parse_strict;

TEST_CASE("JSON that two programs could read differently is refused", "[tuf]") {
  const std::string cases[] = {
      R"({"a":1,"a":2})",              // duplicate key
      R"({"a":{"b":1,"b":1}})",        // deeper, equal values
      R"({"a":1,"\u0061":2})",         // the same key, escaped
      "{\"a\":1.0}",                   // floating point
      "{\"a\":1e2}",                   //
      "{\"a\":-0}",                    // negative zero
      "{\"a\":9007199254740992}",      // 2^53
      "{\"a\":-9007199254740992}",     //
      "{\"a\":18446744073709551616}",  // beyond 64 bits
      "{\"a\":01}",                    // leading zero
      "{\"a\":+1}",                    //
      "{\"a\":NaN}",                   //
      "{\"a\":\"\xff\"}",              // not UTF-8
      "{\"a\":\"\xc0\x80\"}",          // overlong
      "{\"a\":\"\xed\xa0\x80\"}",      // surrogate
      R"({"a":"\ud800"})",             // lone surrogate, escaped
      "\xef\xbb\xbf{}",                // byte-order mark
      "{} {}",                         // trailing text
      "{}x",                           //
      "{\"a\":1,}",                    //
      "[1,]",                          //
      "{'a':1}",                       //
      "// comment\n{}",                //
      "{\"a\":\"line\nfeed\"}",        // raw control character in a string
      "",                              //
      std::string("{\"a\":1}\0", 8),   // a NUL after the end
      std::string(100, '[') + std::string(100, ']'),
  };
  for (const std::string& text : cases) {
    INFO(text);
    const auto parsed = parse_strict(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == tuf::Errc::kMalformed);
  }
}

TEST_CASE("strict JSON with blanks around it is read", "[tuf]") {
  const auto parsed =
      parse_strict(" \n{ \"b\" : [ 1 , -5 , 9007199254740991 ], \"a\" : null }\t\n ");
  REQUIRE(parsed.has_value());
  CHECK(canonical(*parsed) == R"({"a":null,"b":[1,-5,9007199254740991]})");
}

TEST_CASE("nesting is accepted up to the limit and refused past it", "[tuf]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  CHECK(parse_strict(nested(32)).has_value());
  CHECK_FALSE(parse_strict(nested(33)).has_value());
  CHECK_FALSE(parse_strict(std::string(1000000, '[')).has_value());
}

TEST_CASE("canonical JSON escapes the quote and the backslash only", "[tuf]") {
  const auto parsed = parse_strict(R"({"k":"a\n\t\"\\\u0001\u00e4\u007f/"})");
  REQUIRE(parsed.has_value());
  CHECK(canonical(*parsed) == "{\"k\":\"a\n\t\\\"\\\\\x01\xc3\xa4\x7f/\"}");
}

TEST_CASE("canonical JSON sorts keys by their bytes", "[tuf]") {
  const auto parsed = parse_strict(
      "{\"\xf0\x9f\x98\x80\":1,\"\xef\xbf\xbd\":2,\"\xc3\xa4\":3,\"z\":4,\"Z\":5,\"\":6,\"aa\":7,"
      "\"a\":8}");
  REQUIRE(parsed.has_value());
  CHECK(canonical(*parsed) ==
        "{\"\":6,\"Z\":5,\"a\":8,\"aa\":7,\"z\":4,\"\xc3\xa4\":3,\"\xef\xbf\xbd\":2,"
        "\"\xf0\x9f\x98\x80\":1}");
}

TEST_CASE("canonical text read again gives the same canonical text", "[tuf]") {
  // A control character is legal in canonical JSON and not in JSON, so it is left out here.
  const std::string text = R"({"a":[true,false,null,{}],"b":{"c":[]},"d":"\"\\"})";
  const auto parsed = parse_strict(text);
  REQUIRE(parsed.has_value());
  CHECK(canonical(*parsed) == text);
}
