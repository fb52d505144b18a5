// The readings of one metric that are remembered, each exactly, in as few bytes as they need.
//
// What a device measures has few digits: 42.7 is 427 tenths. While every reading is a whole number
// of some power of ten it is kept as that, in two bytes or four; the first one that is not makes
// all of them doubles. A division gives the very double back that came in, so nothing that is
// computed of readings depends on how they are kept.
//
// Allocates at the first reading, where one comes to a slot past the first 128, and where wider
// ones come: four times in all. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace ota::anomaly {

class Readings {
 public:
  explicit Readings(std::uint16_t slots) : slots_(slots) {}

  // `slot` below the number of slots; 0 where none was set.
  double get(std::size_t slot) const;
  void get(std::size_t first, std::span<double> out) const;
  // Finite, and at most 1e30 in size.
  void set(std::size_t slot, double value);

  std::size_t bytes() const { return std::size_t{room_} * width_; }
  const void* address() const { return bytes_.get(); }  // for prefetch

  // As they are kept, for a snapshot (memory.h).
  struct Form {
    std::uint16_t room = 0;  // slots that there is room for; 0: none was set
    std::uint8_t digits = 0;
    std::uint8_t width = 0;  // bytes
  };
  Form form() const { return {room_, digits_, static_cast<std::uint8_t>(width_)}; }
  std::span<const std::byte> raw() const { return {bytes_.get(), bytes()}; }
  // False where there is no such form, or as many bytes do not belong to it.
  bool restore(Form form, std::span<const std::byte> raw);

 private:
  enum Width : std::uint8_t { kShort = 2, kLong = 4, kDouble = 8 };

  bool holds(double value, std::uint8_t digits, Width width) const;
  void write(std::size_t slot, double value);
  void widen_for(double value);
  void make_room_for(std::size_t slot);

  std::unique_ptr<std::byte[]> bytes_;
  std::uint16_t slots_;
  std::uint16_t room_ = 0;   // of them
  std::uint8_t digits_ = 0;  // behind the point
  Width width_ = kShort;
};

}  // namespace ota::anomaly
