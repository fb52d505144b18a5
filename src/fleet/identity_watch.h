// Notices one identity in two places: two devices that speak with one key, as after a disk image or
// a virtual machine was copied.
//
//   start A ... start B        a restart: A never comes again
//   A B A B                    two devices: what was left comes back
//
// A device draws the id of each start anew and never returns to an earlier one; and within a start
// its samples are numbered upwards while their times go on. Copies that were made while it ran
// share the start too, and are known by a lower number that has a later time. A changed address
// proves nothing, for devices roam; the addresses are kept for people.
//
// Pure but for the clock that it is asked with, which it reads only where something is odd. Thread:
// one at a time (its device's stripe lock).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/telemetry.h"

namespace ota::fleet {

class IdentityWatch {
 public:
  enum class Places : std::uint8_t { kOne, kTwo };

  // The device spoke, in this start, from this address.
  Places heard(const model::BootId& boot, std::string_view address, const Clock& clock);
  // A sample of the present start that one device alone cannot have sent: its number is not above
  // the newest one's, and its time is later. `seq`: a batch that is sent again proves nothing new.
  Places contradicted(std::uint64_t seq, std::string_view address, const Clock& clock);
  // "10.0.0.4 and 10.0.0.9", or the one address where both are the same.
  std::string addresses() const;

 private:
  Places odd(MonoTime now);
  void move_to(const model::BootId& boot, std::string_view address, MonoTime since);

  bool any_ = false;
  std::uint8_t returns_ = 0;
  std::uint8_t next_earlier_ = 0;
  model::BootId boot_;
  MonoTime since_{};  // when boot_ was first heard; the clock's epoch: long ago
  std::array<model::BootId, 4> earlier_{};
  MonoTime last_return_{};
  std::uint64_t contradicted_ = 0;  // highest number that was
  std::string address_;
  std::string other_address_;
};

}  // namespace ota::fleet
