#include "model/sample_image.h"

#include "tests/support/catch.h"

using ota::model::sample_image;
using ota::model::Version;

TEST_CASE("a sample image is the same bytes each time and differs between versions", "[model]") {
  const std::string image = sample_image(Version(2, 1, 4));
  CHECK(image == sample_image(Version(2, 1, 4)));
  CHECK(image.substr(1000) != sample_image(Version(2, 1, 5)).substr(1000));
  CHECK(image.starts_with("SECURE-OTA SAMPLE IMAGE\nversion 2.1.4\n"));
  CHECK(image.size() > 65536);
}

TEST_CASE("marker lines of a sample image stand in its first KiB, each on a line of its own",
          "[model]") {
  const std::string image = sample_image(Version(2, 1, 6), "health: fail");
  CHECK(image.find("\nhealth: fail\n") < 1024);
}
