#include "model/version.h"

#include "tests/support/catch.h"

using ota::model::Version;

TEST_CASE("precedence is that of semver.org section 11", "[model]") {
  const char* ascending[] = {"0.9.9",      "1.0.0-alpha",  "1.0.0-alpha.1", "1.0.0-alpha.beta",
                             "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
                             "1.0.0",      "2.1.4",        "2.1.5",         "2.1.10",
                             "2.10.0"};
  for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
    INFO(ascending[i]);
    CHECK(*Version::parse(ascending[i]) < *Version::parse(ascending[i + 1]));
  }
}

TEST_CASE("build metadata is kept and does not count", "[model]") {
  CHECK(*Version::parse("1.0.0+7") == *Version::parse("1.0.0+8"));
  CHECK(Version::parse("v1.0.0-rc.1+7")->text() == "1.0.0-rc.1+7");
  CHECK(Version(2, 1, 5).label() == "v2.1.5");
}

TEST_CASE("what is no version is refused", "[model]") {
  for (const char* text : {"", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "1.2.3-", "1.2.3-01",
                           "1.2.3+", "-1.2.3", "4294967296.0.0", " 1.2.3", "1.2.3 "}) {
    INFO(text);
    CHECK_FALSE(Version::parse(text).has_value());
  }
}
