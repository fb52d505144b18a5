// The fuzz targets of patches over their committed corpus, in a plain build.
#include "tests/fuzz/delta_properties.h"

#include "tests/support/catch.h"
#include "tests/support/fuzz_corpus.h"

using namespace ota;

TEST_CASE("no input of the corpus breaks what reads patches", "[delta]") {
  CHECK(test::replay_corpus("delta_head", fuzz::delta_head) > 1);
  CHECK(test::replay_corpus("delta_block", fuzz::delta_block) > 1);
}
