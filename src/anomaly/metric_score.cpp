#include "anomaly/metric_score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "base/prefetch.h"

namespace ota::anomaly {
namespace {

constexpr std::uint32_t kKnownAfter = 64;  // readings
static_assert((MetricScore::kRecent & (MetricScore::kRecent - 1)) == 0);

// In four sums side by side, as each addition waits for the one before it. From the oldest reading
// on, so that the same readings have the same mean to the last bit.
double mean(std::span<const double> values) {
  std::array<double, 4> sums{};
  const std::size_t in_fours = values.size() / sums.size() * sums.size();
  for (std::size_t i = 0; i < in_fours; i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane)
      sums[lane] += values[i + lane];
  }
  for (std::size_t i = in_fours; i < values.size(); ++i)
    sums[i - in_fours] += values[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) / static_cast<double>(values.size());
}

// The last readings, oldest first: as many as are asked for and were kept. Only those are decoded,
// which is most of what a mean costs.
class Last {
 public:
  Last(const Readings& readings, std::uint32_t count, std::size_t wanted)
      : size_(std::min<std::size_t>({wanted, count, MetricScore::kRecent})) {
    const std::size_t head = count % MetricScore::kRecent;  // behind the newest
    const std::span all = std::span(values_).first(size_);
    const std::size_t of_this_round = std::min(head, size_);
    const std::size_t of_the_one_before = size_ - of_this_round;
    readings.get(MetricScore::kRecent - of_the_one_before, all.first(of_the_one_before));
    readings.get(head - of_this_round, all.last(of_this_round));
  }
  // The mean of `count` of them that end `back` before the newest, or of those that there are.
  double mean_of(std::size_t count, std::size_t back = 0) const {
    const std::size_t end = size_ - back;
    const std::size_t begin = end - std::min(end, count);
    return mean(std::span(values_).subspan(begin, end - begin));
  }

 private:
  std::array<double, MetricScore::kRecent> values_;
  std::size_t size_;
};

}  // namespace

void MetricScore::judge(double value, std::uint32_t row, const Tuning& tuning) {
  readings_.set(count_ % kRecent, value);
  // 2^31 is a multiple of kRecent: the ring goes on where it was.
  if (++count_ == std::numeric_limits<std::uint32_t>::max()) count_ -= 1U << 31;
  rarity_ = 0;
  judged_ = home_.ready() && count_ > kKnownAfter;
  if (!judged_) return;
  constexpr std::size_t kLongest = 60;  // of the means below
  const Last last(readings_, count_, kLongest);
  const double mean5 = last.mean_of(5);
  const double centre = home_.centre();
  const double spread = home_.spread();
  sizes_ = {std::abs(value - centre) / spread, std::abs(mean5 - centre) / spread,
            std::abs(last.mean_of(kLongest) - centre) / spread,
            row_ + 1 == row ? std::abs(value - last_) / spread : 0.0,
            std::abs(mean5 - last.mean_of(30, 5)) / spread};
  for (std::size_t i = 0; i < kSizeCount; ++i) {
    const double place = rarities_.place(sizes_[i]);
    bins_[i] = rarities_.bin_at(place);
    if ((tuning.sizes >> i & 1U) == 0) continue;
    const double rarity = rarities_.of(i, place, tuning.tail_index, rarity_);
    if (rarity <= rarity_) continue;
    rarity_ = rarity;
    by_ = static_cast<Size>(i);
  }
}

void MetricScore::learn(double value, std::uint32_t row, std::uint32_t weight,
                        double longest_stride) {
  if (judged_) rarities_.add(bins_, weight);
  last_ = value;
  row_ = row;
  home_.take(readings_, value, longest_stride);
}

double MetricScore::mean_of_last(std::size_t count) const {
  return count_ == 0 ? 0 : Last(readings_, count_, count).mean_of(count);
}

void MetricScore::fetch_ahead() const {
  prefetch(readings_.address(), readings_.bytes());
  prefetch(rarities_.address(), rarities_.bytes());
}

}  // namespace ota::anomaly
