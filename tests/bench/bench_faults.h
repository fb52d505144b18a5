// The tables of seeded faults and healthy backgrounds.
#pragma once

namespace ota::bench {
void print_fault_tables();
void print_joint_table();
}  // namespace ota::bench
