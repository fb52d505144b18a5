// Writes a rollout as a recording, row by row, as recording.h reads it: for `otactl rollout export`
// and for simulations whose worlds others shall judge.
//
// Rows go out in the order of the calls, which is that of time. Thread: one.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "rollout/recording_head.h"

namespace ota::rollout {

class RecordingWriter {
 public:
  // `write` gets each row with its line feed; the first at once.
  RecordingWriter(RecordingHead head, std::function<void(std::string_view line)> write);

  void offered(WallTime at, std::size_t device, std::uint32_t phase);
  void confirmed(WallTime at, std::size_t device) { event(at, "confirmed", device); }
  void failed(WallTime at, std::size_t device) { event(at, "failed", device); }
  void booted(WallTime at, std::size_t device) { event(at, "boot", device); }
  // A minute: its devices, then the row. Values are those of the head's metrics; kNoValue is none.
  void add_minute(std::size_t device, std::span<const double> values);
  void end_minute(WallTime at);

 private:
  void event(WallTime at, const char* type, std::size_t device);
  std::string id_of(std::size_t device) const;

  RecordingHead head_;
  std::function<void(std::string_view line)> write_;
  std::string minute_;
};

}  // namespace ota::rollout
