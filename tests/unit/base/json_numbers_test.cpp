#include "base/json_numbers.h"

#include "base/json.h"
#include "tests/support/catch.h"

using namespace ota;

namespace {

template <class T>
std::optional<T> read(const char* text) {
  const Json in = Json::parse(text);
  T value{};
  try {
    in.get_to(value);
    CHECK(in.get<T>() == value);
    return value;
  } catch (const Json::type_error& error) {
    CHECK(misfit(error) == "a member is of another type");
    return std::nullopt;
  }
}

}  // namespace

TEST_CASE("a number of a document is an integer only where it is a whole one that fits", "[json]") {
  CHECK(read<int>("5") == 5);
  CHECK(read<int>("-2147483648") == -2147483647 - 1);
  CHECK(read<int>("50.0") == 50);
  CHECK(read<std::uint64_t>("18446744073709551615") == UINT64_MAX);
  CHECK(read<std::int64_t>("-9223372036854775808") == INT64_MIN);
  CHECK(read<std::int64_t>("-9223372036854775808.0") == INT64_MIN);

  for (const char* none : {"1e66", "-1e66", "50.5", "true", "\"5\"", "null", "2147483648",
                           "-2147483649", "4294967297", "2147483648.0"}) {
    CAPTURE(none);
    CHECK_FALSE(read<int>(none));
  }
  CHECK_FALSE(read<unsigned>("-1"));
  CHECK_FALSE(read<std::uint64_t>("18446744073709551616"));  // a float to the parser
  CHECK_FALSE(read<std::int64_t>("9223372036854775808"));
  CHECK_FALSE(read<std::int64_t>("9223372036854775808.0"));

  const Json in = Json::parse(R"({"n":1e66,"list":[1,2.5]})");
  CHECK_THROWS_AS(in.value("n", 0U), Json::type_error);
  CHECK_THROWS_AS(in.at("list").get<std::vector<int>>(), Json::type_error);
  CHECK(read<bool>("true") == true);
  CHECK(Json(5) == Json::parse("5"));
}
