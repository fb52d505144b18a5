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

std::uint32_t Rarity::from(const std::uint32_t* tail, std::size_t bin) const {
  return bin < bins_ ? tail[bin] >> kFreshBits : 0;
}

std::uint32_t Rarity::count_in(const std::uint32_t* tail, std::size_t bin) const {
  return from(tail, bin) - from(tail, bin + 1);
}

double Rarity::of(std::size_t tail, double place, double index, double known) const {
  if (!knows_enough()) return 0;
  const std::uint32_t* counts = counts_.get() + tail * bins_;
  const double total = settled_;
  double where = place;
  if (scale_ == Scale::kOctaves) where = std::min(where, static_cast<double>(most_bins()) - 1e-6);
  const std::size_t at = where < bins_ ? static_cast<std::size_t>(where) : bins_;

  // Where at most 5 % lie there or above, the tail answers that is fitted above its border.
  const auto most_above = static_cast<std::uint32_t>(kTailShare * total);
  if (at > 0 && from(counts, at) <= most_above) {
    std::size_t border = at;
    while (border > 1 && from(counts, border - 1) <= most_above)
      --border;
    const std::uint32_t above = from(counts, border);
    std::uint64_t weighted = std::uint64_t{above} * (2 * border + 1);  // twice the bins' middles
    for (std::size_t bin = border + 1; bin < bins_; ++bin)
      weighted += 2 * std::uint64_t{from(counts, bin)};
    const bool octaves = scale_ == Scale::kOctaves;
    const double unit = octaves ? std::log(2.0) / 4 : 1.0 / 8;
    const double tail_sum = above / kUnits;
    const double middles = static_cast<double>(weighted) / (2 * kUnits);
    const double excess =
        (unit * (middles - tail_sum * static_cast<double>(border)) + kPriorWeight * index) /
        (tail_sum + kPriorWeight);
    const double slope = unit / (excess * std::log(10.0));
    return std::min(kMost, decades(above, total) + (where - static_cast<double>(border)) * slope);
  }
  const double upper = decades(from(counts, at + 1), total);
  if (upper <= known) return upper;  // and what is below it, too
  const double lower = decades(from(counts, at), total);
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
  for (std::size_t tail = 0; tail < tails_; ++tail) {
    std::uint32_t fresh = 0;  // in this bin or above
    std::uint32_t* const counts = counts_.get() + tail * bins_;
    for (std::size_t bin = bins_; bin-- > 0;) {
      fresh += counts[bin] & kFreshMask;
      counts[bin] = (counts[bin] & ~kFreshMask) + (fresh << kFreshBits);
    }
  }
  settled_ = total_;
  fresh_ = 0;
}

void Rarity::halve() {
  refresh();
  for (std::size_t tail = 0; tail < tails_; ++tail) {
    std::uint32_t* const counts = counts_.get() + tail * bins_;
    std::uint32_t before = 0;  // what was above the bin
    std::uint32_t sum = 0;
    for (std::size_t bin = bins_; bin-- > 0;) {
      const std::uint32_t here = counts[bin] >> kFreshBits;
      sum += (here - before + 1) >> 1;  // a rare size stays one
      before = here;
      counts[bin] = sum << kFreshBits;
    }
  }
  // Of the first tail; the others differ by an eighth for each bin at most.
  total_ = settled_ = from(counts_.get(), 0);
}

std::vector<std::uint32_t> Rarity::counts() const {
  std::vector<std::uint32_t> out;
  out.reserve(std::size_t{bins_} * tails_);
  for (std::size_t tail = 0; tail < tails_; ++tail) {
    const std::uint32_t* counts = counts_.get() + tail * bins_;
    for (std::size_t bin = 0; bin < bins_; ++bin)
      out.push_back((count_in(counts, bin) << kFreshBits) + (counts[bin] & kFreshMask));
  }
  return out;
}

bool Rarity::restore(std::span<const std::uint32_t> counts) {
  if (counts.size() % tails_ != 0) return false;
  const std::size_t bins = counts.size() / tails_;
  if (bins > most_bins() || bins % 8 != 0 || fresh_ > 256 || total_ >= kMemory) return false;
  if (settled_ > total_ || (total_ > 0 && bins == 0)) return false;
  auto restored = std::make_unique<std::uint32_t[]>(counts.size());
  for (std::size_t tail = 0; tail < tails_; ++tail) {
    std::uint64_t sum = 0;
    for (std::size_t bin = (tail + 1) * bins; bin-- > tail * bins;) {
      sum += counts[bin] >> kFreshBits;
      if (sum > kMemory + bins) return false;
      restored[bin] = (static_cast<std::uint32_t>(sum) << kFreshBits) + (counts[bin] & kFreshMask);
    }
    if (tail == 0 && (sum > settled_ + bins || sum + bins < settled_)) return false;
  }
  counts_ = std::move(restored);
  bins_ = static_cast<std::uint16_t>(bins);
  return true;
}

}  // namespace ota::anomaly
