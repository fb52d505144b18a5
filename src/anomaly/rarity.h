// How rare a size is, by the sizes seen so far: -log10 of the probability of one at least as large.
//
// Counts in bins answer for what was seen often; past the border above which at most 5 % lie, a
// tail that is fitted to the counts there answers for what was seen seldom or never:
//   kOctaves   bins of a quarter octave from 2^-5 and Pareto's tail (Hill 1975): sizes of raw
//              telemetry, where ten times the usual does come;
//   kEighths   bins of an eighth and an exponential tail (Pickands 1975): what is a logarithm.
// So a series that spikes every hour needs a bigger spike, without any parameter of its own. Old
// counts fade: all are halved each time their sum reaches 16,384.
//
// What was added counts from the next refresh on, which comes after every max(8, min(256, N / 32))
// readings. Several tails that always learn together are kept in one object.
//
// Each bin keeps how much lies in it or above it, as that is what is asked: a row asks for the
// rarity of twenty sizes, and the sums change once in eight rows and more.
//
// Counts are whole sixteenths of a reading, for a reading of a device in trouble teaches less. Four
// bytes a bin up to the highest one used; allocates as that grows and never more. Pure. Thread: one
// at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace ota::anomaly {

enum class Scale : std::uint8_t { kOctaves, kEighths };

class Rarity {
 public:
  static constexpr std::uint32_t kWhole = 16;  // units of a reading
  static constexpr double kMost = 30;          // decades

  explicit Rarity(Scale scale, std::uint8_t tails = 1) : scale_(scale), tails_(tails) {}

  // Where a size lies, in bins and parts of one, and the bin that it is counted in. Its logarithm
  // is what costs, so whoever asks of() and then tells add() the same size asks once.
  double place(double size) const;
  std::uint8_t bin_at(double place) const;

  // Of what lies there in that tail; 0 until twenty readings were added. `index`: what the tail's
  // mean excess is drawn to, with the weight of four readings. Whoever looks for the greatest of
  // several says what he has: one that is no greater may come out as any number up to that.
  double of(std::size_t tail, double place, double index, double known = -1) const;
  // One bin for each tail; they count as so many units of a reading.
  void add(std::span<const std::uint8_t> bins, std::uint32_t units);

  bool knows_enough() const;
  // Readings added, faded ones left out.
  double total() const { return static_cast<double>(total_) / kWhole; }
  std::size_t bytes() const { return std::size_t{bins_} * tails_ * sizeof(std::uint32_t); }
  const void* address() const { return counts_.get(); }  // for prefetch

  // Its numbers, for a snapshot: `numbers` is asked for as many as there are.
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    visit("total", self.total_);
    visit("settled", self.settled_);
    visit("fresh", self.fresh_);
  }
  // Of each bin, tail by tail: what counts, above the bits of what was added since the last refresh.
  std::vector<std::uint32_t> counts() const;
  // False where the counts do not add up to what was kept with them.
  bool restore(std::span<const std::uint32_t> counts);

 private:
  std::size_t most_bins() const { return scale_ == Scale::kOctaves ? 64 : 256; }
  void grow_to(std::size_t bin);
  void refresh();
  void halve();
  // A bin's count, of the counts of its tail.
  std::uint32_t count_in(const std::uint32_t* tail, std::size_t bin) const;
  std::uint32_t from(const std::uint32_t* tail, std::size_t bin) const;

  // Of each bin, tail by tail: what counts in it or above it, and what was added to it since the
  // last refresh.
  static constexpr std::uint32_t kFreshBits = 13;  // 256 readings
  static constexpr std::uint32_t kFreshMask = (1U << kFreshBits) - 1;

  std::unique_ptr<std::uint32_t[]> counts_;
  std::uint32_t total_ = 0;    // units
  std::uint32_t settled_ = 0;  // of them, as of the last refresh
  std::uint16_t fresh_ = 0;    // readings since
  std::uint16_t bins_ = 0;     // there is room for, in each tail
  Scale scale_;
  std::uint8_t tails_;
};

}  // namespace ota::anomaly
