// The tables of seeded faults and healthy backgrounds.
#pragma once

namespace ota::bench {
void print_fault_tables();
}  // namespace ota::bench
