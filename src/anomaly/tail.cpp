#include "anomaly/tail.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ota::anomaly {
namespace {

constexpr double kBinsPerOctave = 4;
constexpr double kSmallest = -5;  // log2 of the lower border of the first bin

// Where a size lies on the scale of bins, in bins.
double position(double size, std::size_t bins) {
  const double place = (std::log2(std::max(size, 1e-9)) - kSmallest) * kBinsPerOctave;
  const double last = static_cast<double>(bins) - 1e-6;
  return std::isnan(place) ? last
                           : std::clamp(place, 0.0, last);  // no number is the rarest of sizes
}

// The highest bin that holds anything, or the first. What lies above adds nothing to a sum, and
// most of the bins do lie above: a metric's sizes span few octaves.
template <std::size_t kCount>
std::size_t highest_used(const std::array<std::uint16_t, kCount>& counts) {
  constexpr std::size_t kAtOnce = sizeof(std::uint64_t) / sizeof(std::uint16_t);
  static_assert(kCount % kAtOnce == 0);
  std::size_t end = kCount;
  for (std::uint64_t some = 0; end > 0; end -= kAtOnce) {
    std::memcpy(&some, counts.data() + end - kAtOnce, sizeof some);
    if (some != 0) break;
  }
  while (end > 1 && counts[end - 1] == 0)
    --end;
  return end == 0 ? 0 : end - 1;
}

}  // namespace

void TailEstimate::add(double size) {
  const auto bin = static_cast<std::size_t>(position(size, kBins));
  ++counts_[bin];
  if (++total_ < kMemory) return;
  total_ = 0;
  for (std::uint16_t& count : counts_) {
    count = static_cast<std::uint16_t>(count / 2);
    total_ = static_cast<std::uint16_t>(total_ + count);
  }
}

double TailEstimate::surprise(double size) const {
  if (total_ < kEnough) return 0;
  constexpr double kTailShare = 0.05;
  // What the tail is taken for before the series has shown its own: as heavy as t with 4 degrees
  // of freedom, with the weight of four readings.
  constexpr double kPriorIndex = 0.25;
  constexpr double kPriorWeight = 4;
  const double total = total_;
  const double place = position(size, kBins);

  // The border above which at most 5 % lie, and the mean of ln(size / border), or of size / border
  // less one, there.
  const std::size_t highest = highest_used(counts_);
  std::size_t border = highest;
  double above = 0;
  double weighted = 0;
  for (; border > 0; --border) {
    if (above + counts_[border] > kTailShare * total) break;
    above += counts_[border];
    weighted += counts_[border] * (static_cast<double>(border) + 0.5);
  }
  const double start = static_cast<double>(border) + 1;
  if (above > 0 && place > start) {
    const double bins_to_log = std::log(2.0) / kBinsPerOctave;
    const double mean_log = bins_to_log * (weighted / above - start);
    const double beyond = bins_to_log * (place - start);
    const double share = (above + 0.5) / (total + 1);
    const bool pareto = shape_ == TailShape::kPareto;
    // exp of the mean instead of the mean of exp: within a few percent where the excess is small,
    // as it is where an exponential tail is the right one.
    const double excess = pareto ? mean_log : std::expm1(mean_log);
    const double scale = (above * excess + kPriorWeight * kPriorIndex) / (above + kPriorWeight);
    return -std::log10(share) + (pareto ? beyond : std::expm1(beyond)) / (scale * std::log(10.0));
  }
  const auto bin = static_cast<std::size_t>(place);
  double at_least = counts_[bin] * (1 - (place - static_cast<double>(bin)));
  for (std::size_t i = bin + 1; i <= highest; ++i)
    at_least += counts_[i];
  return -std::log10((at_least + 1) / (total + 2));
}

}  // namespace ota::anomaly
