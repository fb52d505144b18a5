// Numbers out of a seed: all that is drawn in a world comes from here, so that a seed is a world.
//
// xoshiro256** seeded by splitmix64 (Blackman and Vigna, "Scrambled linear pseudorandom number
// generators", 2021), which gives the same numbers on every host and compiler. Streams of their own
// keep what happens to one device from changing what is drawn for another.
//
// Thread: one per object.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

namespace ota::world {

class Random {
 public:
  explicit Random(std::uint64_t seed);
  // A stream of its own: the same seed, name and number give the same one.
  Random(std::uint64_t seed, std::string_view stream, std::uint64_t number = 0);

  std::uint64_t next();
  // Below `end`, which is not zero.
  std::uint64_t below(std::uint64_t end) { return next() % end; }
  // From `least` to `most`, both included.
  std::int64_t between(std::int64_t least, std::int64_t most);
  milliseconds between(milliseconds least, milliseconds most) {
    return milliseconds(between(least.count(), most.count()));
  }
  bool chance(double probability);
  Bytes bytes(std::size_t count);
  template <class T>
  const T& of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace ota::world
