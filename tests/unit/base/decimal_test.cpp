#include "base/decimal.h"

#include <cmath>
#include <limits>

#include "base/json.h"
#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("a float prints in JSON as it was meant, and reads back as the same float", "[base]") {
  CHECK(Json(as_written(10.1F)).dump() == "10.1");
  CHECK(Json(as_written(44.2F)).dump() == "44.2");
  CHECK(Json(as_written(0.3F)).dump() == "0.3");
  CHECK(Json(as_written(100)).dump() == "100.0");
  for (float value = 0; value < 130; value += 0.037F)
    CHECK(static_cast<float>(as_written(value)) == value);
  CHECK(std::isnan(as_written(std::numeric_limits<float>::quiet_NaN())));
  CHECK(as_written(std::numeric_limits<float>::denorm_min()) > 0);
}
