// The tables of seeded faults and healthy backgrounds.
#pragma once

#include <cstddef>

namespace ota::bench {
void print_fault_tables();
void print_joint_table();

struct LearntFleet {
  double device_bytes = 0;     // of a detector's state, a mean
  std::size_t kept_bytes = 0;  // of one as a snapshot
  double mib = 0;              // that this process grew by
};
// So many devices of four metrics in this process, each with a simulated month learnt: twenty learn
// it, the others remember it from their snapshots.
LearntFleet hold_learnt_devices(std::size_t devices);
void print_memory();
}  // namespace ota::bench
