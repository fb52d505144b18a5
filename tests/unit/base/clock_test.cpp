#include "base/clock.h"

#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("an RFC 3339 time survives formatting and parsing", "[base]") {
  for (const char* text :
       {"2026-08-20T14:03:22.123Z", "1970-01-01T00:00:00.001Z", "2024-02-29T23:59:59.000Z"}) {
    const auto time = parse_rfc3339(text);
    REQUIRE(time.has_value());
    CHECK(format_rfc3339(*time) == text);
  }
}

TEST_CASE("an offset is brought to UTC", "[base]") {
  const auto time = parse_rfc3339("2026-08-20T16:03:22+02:00");
  REQUIRE(time.has_value());
  CHECK(format_rfc3339(*time, Fraction::kNone) == "2026-08-20T14:03:22Z");
}

TEST_CASE("what is no RFC 3339 time is refused", "[base]") {
  for (const char* text :
       {"", "2026-08-20", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-08-20T24:00:00Z",
        "2026-08-20T14:03:22", "2026-08-20T14:03:22.Z", "2026-08-20T14:03:22Zx",
        "2026-08-20 14:03:22Z", "2026-08-20T14:03:22+2:00", "1969-12-31T23:59:59Z"}) {
    INFO(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("an age takes at most six cells", "[base]") {
  CHECK(format_age(seconds(0)) == "0s");
  CHECK(format_age(seconds(59)) == "59s");
  CHECK(format_age(seconds(312)) == "5m12");
  CHECK(format_age(seconds(3 * 3600 + 4 * 60)) == "3h04");
  CHECK(format_age(seconds(12 * 86400 + 3 * 3600)) == "12d3h");
  CHECK(format_age(seconds(9 * 86400 + 23 * 3600)) == "9d23h");
  CHECK(format_age(seconds(94 * 86400 + 17 * 3600)) == "94d");
  CHECK(format_age(seconds(-1)) == "-");
}

TEST_CASE("durations need a number above zero and a known unit", "[base]") {
  CHECK(*parse_duration("90") == seconds(90));
  CHECK(*parse_duration("15m") == seconds(900));
  CHECK(*parse_duration("30d") == seconds(30 * 86400));
  for (const char* text : {"", "0", "-5s", "1w", "s", "1hh", "99999999999999d"}) {
    INFO(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}
