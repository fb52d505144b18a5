// Samples of this device, numbered within a boot and kept until the server has taken them.
//
// Bounded: while the server is away the oldest give way, and the numbers show the gap. Thread: one
// at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "agents/server_time.h"
#include "base/clock.h"
#include "model/telemetry.h"
#include "sim/profile.h"

namespace ota::agent {

class SampleBuffer {
 public:
  SampleBuffer(model::BootId boot, std::size_t capacity) : boot_(boot), capacity_(capacity) {}

  // Readings without any value are not a sample. `taken`: when, by the clock that nobody sets;
  // `at`: what the device's own clock shows.
  void add(const sim::Readings& readings, MonoTime taken, WallTime at);
  bool empty() const { return samples_.empty(); }
  std::size_t size() const { return samples_.size(); }
  // The oldest ones as the body of POST /v1/telemetry, an array; at most `most`. Each is stamped
  // when it is first sent, so that one that is sent again is the same.
  std::string batch(std::size_t most, const ServerTime& time);
  // The oldest `count` were taken, or refused for good.
  void drop(std::size_t count);

 private:
  struct Kept {
    model::Sample sample;
    MonoTime taken;
    bool stamped = false;
  };

  model::BootId boot_;
  std::size_t capacity_;
  std::uint64_t next_seq_ = 1;
  std::deque<Kept> samples_;
};

}  // namespace ota::agent
