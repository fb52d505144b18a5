#include "anomaly/rarity.h"

#include <algorithm>
#include <cmath>

namespace ota::anomaly {
namespace {

constexpr std::uint32_t kMemory = 16384 * Rarity::kWhole;
constexpr std::uint32_t kEnough = 20 * Rarity::kWhole;
constexpr double kTailShare = 0.05;
constexpr double kPriorWeight = 4;
constexpr double kUnits = Rarity::kWhole;

double decades(double units_above, double units) {
  constexpr double kDecadesOfOctave =
      0.301029995663981195;  // log10(2); log10() takes twice log2's time
  const double share = (units_above / kUnits + 0.5) / (units / kUnits + 1);
  // Not below 0: after a halving the tails of one object differ by units.
  return std::max(0.0, -std::log2(share) * kDecadesOfOctave);
}

}  // namespace

double Rarity::place(double size) const {
  constexpr double kBinsPerOctave = 4;
  constexpr double kSmallest = 5;  // octaves below 1
  if (scale_ == Scale::kEighths) return std::max(size * 8, 0.0);
  return std::max((std::log2(std::max(size, 1e-9)) + kSmallest) * kBinsPerOctave, 0.0);
}

std::uint8_t Rarity::bin_at(double place) const {
  return static_cast<std::uint8_t>(std::min(place, static_cast<double>(most_bins()) - 1e-6));
}

bool Rarity::knows_enough() const {
  return total_ >= kEnough;
}

double Rarity::of(std::size_t tail, double place, double index, double known) const {
  if (!knows_enough()) return 0;
  const std::uint32_t* counts = counts_.get() + tail * bins_;
  const auto count = [counts](std::size_t bin) { return counts[bin] >> kFreshBits; };
  const double total = settled_;
  double where = place;
  if (scale_ == Scale::kOctaves) where = std::min(where, static_cast<double>(most_bins()) - 1e-6);

  // From the top to the border above which at most 5 % lie.
  const auto most_above = static_cast<std::uint32_t>(kTailShare * total);
  std::size_t bin = bins_ - 1U;
  while (bin > 0 && count(bin) == 0)
    --bin;
  std::uint32_t above = 0;
  std::uint64_t weighted = 0;  // twice the middles of the bins
  for (; bin > 0 && above + count(bin) <= most_above; --bin) {
    above += count(bin);
    weighted += std::uint64_t{count(bin)} * (2 * bin + 1);
  }
  const auto border = static_cast<double>(bin + 1);
  if (where >= border) {
    const bool octaves = scale_ == Scale::kOctaves;
    const double unit = octaves ? std::log(2.0) / 4 : 1.0 / 8;
    const double tail_sum = above / kUnits;
    const double middles = static_cast<double>(weighted) / (2 * kUnits);
    const double excess =
        (unit * (middles - tail_sum * border) + kPriorWeight * index) / (tail_sum + kPriorWeight);
    const double slope = unit / (excess * std::log(10.0));
    return std::min(kMost, decades(above, total) + (where - border) * slope);
  }
  const auto at = static_cast<std::size_t>(where);
  for (; bin > at; --bin)
    above += count(bin);
  const double upper = decades(above, total);
  if (upper <= known) return upper;  // and what is below it, too
  const double lower = decades(above + count(at), total);
  return lower + (where - static_cast<double>(at)) * (upper - lower);
}

// Room for that bin in each tail, and for sizes that are larger by eight bins.
void Rarity::grow_to(std::size_t bin) {
  const auto bins = static_cast<std::uint16_t>(std::min(most_bins(), (bin / 8 + 2) * 8));
  auto grown = std::make_unique<std::uint32_t[]>(std::size_t{bins} * tails_);
  for (std::size_t tail = 0; tail < tails_; ++tail)
    std::copy_n(counts_.get() + tail * bins_, bins_, grown.get() + tail * bins);
  counts_ = std::move(grown);
  bins_ = bins;
}

void Rarity::add(std::span<const std::uint8_t> bins, std::uint32_t units) {
  for (std::size_t tail = 0; tail < tails_; ++tail) {
    const std::size_t bin = bins[tail];
    if (bin >= bins_) grow_to(bin);
    counts_[tail * bins_ + bin] += units;
  }
  total_ += units;
  ++fresh_;
  constexpr double kFewest = 8;
  constexpr double kMostFresh = 256;
  if (total_ >= kMemory) {
    halve();
  } else if (fresh_ >= std::max(kFewest, std::min(kMostFresh, total() / 32))) {
    refresh();
  }
}

void Rarity::refresh() {
  for (std::uint32_t& count : std::span(counts_.get(), std::size_t{bins_} * tails_)) {
    const std::uint32_t fresh = count & kFreshMask;
    count = (count & ~kFreshMask) + (fresh << kFreshBits);
  }
  settled_ = total_;
  fresh_ = 0;
}

void Rarity::halve() {
  refresh();
  for (std::uint32_t& count : std::span(counts_.get(), std::size_t{bins_} * tails_))
    count = (((count >> kFreshBits) + 1) >> 1) << kFreshBits;  // a rare size stays one
  total_ = settled_ = sum();
}

// Of the first tail; after a halving the others differ by an eighth for each bin at most.
std::uint32_t Rarity::sum() const {
  std::uint32_t sum = 0;
  for (std::size_t bin = 0; bin < bins_; ++bin)
    sum += counts_[bin] >> kFreshBits;
  return sum;
}

bool Rarity::restore(std::span<const std::uint32_t> counts) {
  if (counts.size() % tails_ != 0) return false;
  const std::size_t bins = counts.size() / tails_;
  if (bins > most_bins() || bins % 8 != 0 || fresh_ > 256 || total_ >= kMemory) return false;
  if (settled_ > total_ || (total_ > 0 && bins == 0)) return false;
  std::uint64_t settled = 0;
  for (std::size_t bin = 0; bin < bins; ++bin)
    settled += counts[bin] >> kFreshBits;
  if (settled > settled_ + bins || settled + bins < settled_) return false;
  counts_ = std::make_unique<std::uint32_t[]>(counts.size());
  std::copy(counts.begin(), counts.end(), counts_.get());
  bins_ = static_cast<std::uint16_t>(bins);
  return true;
}

}  // namespace ota::anomaly
