#include "http/range.h"

#include "tests/support/catch.h"

using namespace ota::http;
using Kind = RangeChoice::Kind;

TEST_CASE("a single byte range is served, anything else is the whole or unsatisfiable", "[http]") {
  const struct {
    const char* header;
    Kind kind;
    std::uint64_t first, length;
  } table[] = {
      {"", Kind::kWhole, 0, 100},
      {"bytes=0-99", Kind::kPart, 0, 100},
      {"bytes=0-0", Kind::kPart, 0, 1},
      {"bytes=10-", Kind::kPart, 10, 90},
      {"bytes=90-200", Kind::kPart, 90, 10},
      {"bytes=-5", Kind::kPart, 95, 5},
      {"bytes=-500", Kind::kPart, 0, 100},
      {" bytes= 99-99 ", Kind::kPart, 99, 1},
      {"bytes=99-18446744073709551616", Kind::kPart, 99, 1},
      {"bytes=100-", Kind::kUnsatisfiable, 0, 0},
      {"bytes=18446744073709551616-", Kind::kUnsatisfiable, 0, 0},
      {"bytes=-0", Kind::kUnsatisfiable, 0, 0},
      {"bytes=0-1,5-6", Kind::kWhole, 0, 100},
      {"bytes=5-4", Kind::kWhole, 0, 100},
      {"bytes=a-b", Kind::kWhole, 0, 100},
      {"bytes=--5", Kind::kWhole, 0, 100},
      {"bytes=-", Kind::kWhole, 0, 100},
      {"bytes=5", Kind::kWhole, 0, 100},
      {"items=0-5", Kind::kWhole, 0, 100},
  };
  for (const auto& row : table) {
    INFO(row.header);
    const RangeChoice choice = choose_range(row.header, 100);
    CHECK(choice.kind == row.kind);
    CHECK(choice.first == row.first);
    CHECK(choice.length == row.length);
  }
}

TEST_CASE("no range of an empty file can be served", "[http]") {
  CHECK(choose_range("bytes=0-", 0).kind == Kind::kUnsatisfiable);
  CHECK(choose_range("bytes=-1", 0).kind == Kind::kUnsatisfiable);
  CHECK(choose_range("", 0).kind == Kind::kWhole);
}

TEST_CASE("an entity tag matches alone, in a list, weakly, and by the star", "[http]") {
  const std::string_view tag = "\"abc\"";
  for (const char* header : {"\"abc\"", "W/\"abc\"", "*", "\"x\", \"abc\"", "\"abc\",\"y\""}) {
    INFO(header);
    CHECK(matches_etag(header, tag));
  }
  for (const char* header : {"", "\"x\"", "abc", "\"ab\"", ","}) {
    INFO(header);
    CHECK_FALSE(matches_etag(header, tag));
  }
  CHECK_FALSE(matches_etag("*", ""));
}
