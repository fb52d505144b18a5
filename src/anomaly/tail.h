// How rare a size is, learned from the sizes seen so far.
//
// Counts in bins of a quarter octave answer for what was seen often; past the 95 % point a tail
// fitted to the counts there (by default Pareto's; Hill 1975) answers for what was seen seldom or
// never. So a series that spikes every hour needs a bigger spike to surprise, without any parameter
// of its own. Old counts fade: all are halved each time their sum reaches kMemory.
//
// 132 bytes, no allocation. Pure. Thread: one at a time.
#pragma once

#include <array>
#include <cstdint>

namespace ota::anomaly {

// What is assumed of sizes larger than nearly all so far. kPareto: raw telemetry, where ten times
// the usual does come. kExponential: means over a clipped noise, where it does not.
enum class TailShape : std::uint8_t { kPareto, kExponential };

class TailEstimate {
 public:
  explicit TailEstimate(TailShape shape = TailShape::kPareto) : shape_(shape) {}
  // -log10 of the estimated probability of a size at least this large; 0 until kEnough were seen.
  double surprise(double size) const;
  void add(double size);

 private:
  static constexpr std::size_t kBins = 64;
  static constexpr std::uint16_t kMemory = 16384;
  static constexpr std::uint32_t kEnough = 20;

  std::array<std::uint16_t, kBins> counts_{};
  std::uint16_t total_ = 0;
  TailShape shape_;
};

}  // namespace ota::anomaly
