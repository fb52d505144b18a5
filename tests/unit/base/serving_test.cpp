#include "base/serving.h"

#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;

TEST_CASE("a root is served by one process, which others find by pid and address", "[base]") {
  const test::TempFolder root;
  CHECK_FALSE(serving_at(root.path()).has_value());
  {
    const auto mark = ServingMark::claim(root.path());
    REQUIRE(mark.has_value());
    REQUIRE(serving_at(root.path()).has_value());
    CHECK(serving_at(root.path())->pid == std::to_string(::getpid()));
    CHECK(serving_at(root.path())->url.empty());
    mark->set_url("https://127.0.0.1:9443");
    CHECK(serving_at(root.path())->url == "https://127.0.0.1:9443");
    const auto second = ServingMark::claim(root.path());
    REQUIRE(second.has_error());
    CHECK(second.error().code == Errc::kConflict);
    CHECK(serving_at(root.path())->url == "https://127.0.0.1:9443");
  }
  CHECK_FALSE(serving_at(root.path()).has_value());
  // The address of one that was killed is nobody's.
  REQUIRE(
      write_file_durably(root.path() / "state" / "serving", "https://127.0.0.1:1\n").has_value());
  CHECK_FALSE(serving_at(root.path()).has_value());
  const auto next = ServingMark::claim(root.path());
  REQUIRE(next.has_value());
  CHECK(serving_at(root.path())->url.empty());
}
