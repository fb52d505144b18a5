// The tables of seeded faults and healthy backgrounds.
#pragma once

namespace ota::bench {
void print_fault_tables();
void print_joint_table();
// Bytes of a device after a month, and of 100,000 such devices in one process.
void print_memory();
}  // namespace ota::bench
