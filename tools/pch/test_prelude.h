// The prelude of test files: ours, and Catch2 in the version that the system has.
#ifndef OTA_PCH_TEST_PRELUDE
#define OTA_PCH_TEST_PRELUDE
#include "tools/pch/prelude.h"

#include "tests/support/catch.h"
#include "tests/support/json_instances.h"
#endif
