// A detector's memory as bytes, so that it outlives a restart of the server: what is usual, which
// incident is open, what stands against the device.
//
// The bytes are those of this program on this kind of machine, and good for no other: they begin
// with a number that changes with what is kept, and end with a checksum. Whatever is wrong with
// them, the answer is a new detector. A device that is restored has still to send the readings of a
// start (min_samples), so nothing that happened since the snapshot makes it better than it was.
//
// Pure; allocates. Thread: as the detector.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace ota::anomaly {

struct DeviceState;

// Raised with every change of what is kept, or of what it means.
inline constexpr std::uint32_t kMemoryVersion = 3;
inline constexpr std::size_t kLargestMemory = 131072;  // of a device with twelve metrics at worst

std::string keep(const DeviceState& state);
// Moves every time of the state over a jump of the clock (base/clock_jump.h).
void move_times(DeviceState& state, milliseconds jump, WallTime now);
// kInvalid, with the reason. `state` is to be thrown away then.
Result<void> restore(DeviceState& state, std::string_view kept);

}  // namespace ota::anomaly
