#include "base/copy_on_write.h"

#include <string>

#include "tests/support/catch.h"

using ota::CopyOnWrite;

TEST_CASE("what was shared stays as it was", "[base]") {
  CopyOnWrite<std::string> value;
  CHECK_FALSE(value);
  CHECK(value.share() == nullptr);

  value.edit() = "one";
  const auto first = value.share();
  value.edit() += " two";
  CHECK(*first == "one");
  CHECK(*value == "one two");
  const auto second = value.share();
  value = "three";
  CHECK(*second == "one two");
  CHECK(value->size() == 5);
  value.reset();
  CHECK_FALSE(value);
  CHECK(*first == "one");
}

TEST_CASE("edits between two shares change one copy in place", "[base]") {
  CopyOnWrite<std::string> value;
  value = "a";
  static_cast<void>(value.share());
  std::string& own = value.edit();
  CHECK(&value.edit() == &own);
  own = "b";
  CHECK(*value.share() == "b");
}
