// When the histories of tests begin.
#pragma once

#include "base/clock.h"

namespace ota::test {

inline const WallTime kStart{seconds(1'800'000'000)};

}  // namespace ota::test
