// `verdicts cost`: "NANOSECONDS BYTES" of fleet_verdicts.h; `verdicts`: its tables. A program of
// its own, so that tools/bench-before can build it of an earlier revision's engine.
#include <cstdio>
#include <string_view>

#include "tests/bench/fleet_verdicts.h"

int main(int count, char** arguments) {
  if (count > 1 && std::string_view(arguments[1]) == "cost") {
    constexpr std::size_t kDevices = 30;
    const auto cost = ota::bench::measure_detector(kDevices);
    std::printf("%.1f %.0f\n", cost.reading_ns, cost.device_bytes);
    return 0;
  }
  ota::bench::print_fleet_verdicts();
  return 0;
}
