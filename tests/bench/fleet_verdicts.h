// What the engine makes of simulated devices, by nothing of it but DeviceDetector: an engine of an
// earlier revision is measured by the same lines (tools/bench-before).
#pragma once

#include <cstddef>

namespace ota::bench {

// What an operator of simulated agents sees at one sample a second: healthy days, and how long each
// profile takes from an hour of health to its verdict.
void print_fleet_verdicts();

double thread_cpu_ns();  // of the calling thread, so far

struct DetectorCost {
  double reading_ns = 0;    // CPU, of one metric's reading
  double device_bytes = 0;  // on the heap, its allocator's own bytes included
};
// Of that many devices of four metrics, each with a simulated month of a sample in five minutes.
DetectorCost measure_detector(std::size_t devices);

}  // namespace ota::bench
