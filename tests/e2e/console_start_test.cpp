// What a start of the console has to cope with: a first run that was cut off.
#include "base/file.h"
#include "base/text.h"
#include "model/sample_image.h"
#include "tests/e2e/live_world.h"
#include "tests/support/text.h"

using namespace ota;
using test::has;

TEST_CASE("samples that a first run left unpublished are published, and none that was removed",
          "[e2e]") {
  test::LiveWorld live;
  for (const char* version : {"2.1.4", "2.1.5"})
    REQUIRE(live.otactl({"firmware", "remove", version, "--yes"}).status == 0);
  REQUIRE(live.world.stop("console").has_value());
  REQUIRE(write_file_durably(live.world.root() / "state" / "firmware-2.1.4.img",
                             model::sample_image(model::Version(2, 1, 4))));
  live.started(live.world.start_console());
  const std::string list = live.otactl({"firmware", "list"}).output;
  CHECK(has(list, "2.1.4"));
  CHECK_FALSE(has(list, "2.1.5"));
  CHECK_FALSE(std::filesystem::exists(live.world.root() / "state" / "firmware-2.1.4.img"));
}
