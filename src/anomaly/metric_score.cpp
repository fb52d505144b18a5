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

// From the oldest to the newest, so that the same readings have the same mean to the last bit.
double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values)
    sum += value;
  return sum / static_cast<double>(values.size());
}

// The last readings, oldest first.
class Last {
 public:
  Last(const Readings& readings, std::uint32_t count)
      : size_(std::min<std::size_t>(count, MetricScore::kRecent)) {
    const std::size_t head = count % MetricScore::kRecent;
    if (count <= MetricScore::kRecent) {
      readings.get(0, std::span(values_).first(size_));
      return;
    }
    const std::span all(values_);
    readings.get(head, all.first(MetricScore::kRecent - head));
    readings.get(0, all.last(head));
  }
  // The mean of `count` of them that end `back` before the newest, or of those that there are.
  double mean_of(std::size_t count, std::size_t back = 0) const {
    const std::size_t end = size_ - back;
    const std::size_t begin = end - std::min(end, count);
    return mean(std::span(values_).subspan(begin, end - begin));
  }

 private:
  std::array<double, MetricScore::kRecent> values_{};
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
  const Last last(readings_, count_);
  const double mean5 = last.mean_of(5);
  const double centre = home_.centre();
  const double spread = home_.spread();
  sizes_ = {std::abs(value - centre) / spread, std::abs(mean5 - centre) / spread,
            std::abs(last.mean_of(60) - centre) / spread,
            row_ + 1 == row ? std::abs(value - last_) / spread : 0.0,
            std::abs(mean5 - last.mean_of(30, 5)) / spread};
  for (std::size_t i = 0; i < kSizeCount; ++i) {
    if ((tuning.sizes >> i & 1U) == 0) continue;
    const double rarity = rarities_.of(i, sizes_[i], tuning.tail_index);
    if (rarity <= rarity_) continue;
    rarity_ = rarity;
    by_ = static_cast<Size>(i);
  }
}

void MetricScore::learn(double value, std::uint32_t row, std::uint32_t weight,
                        double longest_stride) {
  if (judged_) rarities_.add(sizes_, weight);
  last_ = value;
  row_ = row;
  home_.take(readings_, value, longest_stride);
}

double MetricScore::mean_of_last(std::size_t count) const {
  return count_ == 0 ? 0 : Last(readings_, count_).mean_of(count);
}

void MetricScore::fetch_ahead() const {
  prefetch(readings_.address(), readings_.bytes());
  prefetch(rarities_.address(), rarities_.bytes());
}

}  // namespace ota::anomaly
