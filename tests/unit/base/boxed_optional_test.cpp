#include "base/boxed_optional.h"

#include <string>

#include "tests/support/catch.h"

using Boxed = ota::BoxedOptional<std::string>;

TEST_CASE("a boxed optional is a value", "[base]") {
  Boxed none;
  CHECK_FALSE(none);
  CHECK(none == Boxed());
  Boxed one("one");
  Boxed copy = one;
  CHECK(copy == one);
  *copy += " more";
  CHECK(*one == "one");
  CHECK_FALSE(copy == one);
  CHECK_FALSE(none == one);
  copy = none;
  CHECK_FALSE(copy.has_value());
  const Boxed moved = std::move(one);
  CHECK(moved->size() == 3);
  CHECK(none.emplace().empty());
  CHECK(none.has_value());
}

TEST_CASE("a boxed optional that is assigned to itself keeps its value", "[base]") {
  Boxed one("one");
  const Boxed& same = one;
  one = same;
  CHECK(*one == "one");
}
