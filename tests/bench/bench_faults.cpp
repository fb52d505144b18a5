#include "tests/bench/bench_faults.h"

namespace ota::bench {
void print_fault_tables() {}
}  // namespace ota::bench
