// The clocks of a scenario's programs: the step move-clock moves the wall clock alone, a step in
// which days pass moves the monotonic one with it.
//
// Each program has a file with the nanoseconds that are added to each clock; clock-shift.so, a
// library of the tests that lies beside the programs, is preloaded into it and reads the file
// (tests/clock_shift/). Only scenarios that move a clock preload anything. Thread: one.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ota::sim {

class MovedClock {
 public:
  MovedClock(std::filesystem::path programs, std::filesystem::path folder)
      : programs_(std::move(programs)), folder_(std::move(folder)) {}

  // What a program's environment needs. kNotFound where the library was not built.
  Result<std::vector<std::string>> environment_of(const std::string& what) const;
  // Adds to the program's wall clock, at once; it may be negative. Returns by how much it is moved
  // now.
  Result<std::chrono::nanoseconds> move(const std::string& what, std::chrono::nanoseconds by) const;
  // Lets so much time pass for the program: no clock of it jumped.
  Result<std::chrono::nanoseconds> pass(const std::string& what, std::chrono::nanoseconds by) const;

 private:
  Result<std::chrono::nanoseconds> add(const std::string& what, std::chrono::nanoseconds wall,
                                       std::chrono::nanoseconds monotonic) const;
  std::filesystem::path file_of(const std::string& what) const;

  std::filesystem::path programs_;
  std::filesystem::path folder_;
};

}  // namespace ota::sim
