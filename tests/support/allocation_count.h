// Counts what C++ takes from the heap (operator new), for tests that say how often that may be.
//
// Everything of the process counts but the threads that are exempt: the test's own. Under a
// sanitizer, which brings its own operator new, nothing is counted. Thread: any.
#pragma once

#include <cstdint>

namespace ota::test {

// Whether this build counts at all.
bool allocations_are_counted();
std::uint64_t allocations_so_far();
// From here on this thread's do not count.
void exempt_this_thread();

}  // namespace ota::test
