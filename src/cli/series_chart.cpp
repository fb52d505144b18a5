#include "cli/series_chart.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace ota::cli {
namespace {

constexpr std::size_t kColumns = 64;  // with the scale, 76 cells
constexpr std::size_t kRows = 10;

std::string scale(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%10.4g |", value);
  return text.data();
}

}  // namespace

void SeriesChart::Bucket::merge(const Bucket& other) {
  least = std::min(least, other.least);
  greatest = std::max(greatest, other.greatest);
  rows += other.rows;
  if (other.mark == Mark::kAlarm) mark = other.mark;
}

void SeriesChart::add(double value, Mark mark) {
  const Bucket row{value, value, 1, mark};
  if (!buckets_.empty() && buckets_.back().rows < rows_each_) {
    buckets_.back().merge(row);
    return;
  }
  if (buckets_.size() == kColumns) {
    for (std::size_t i = 0; i < kColumns / 2; ++i) {
      buckets_[i] = buckets_[2 * i];
      buckets_[i].merge(buckets_[2 * i + 1]);
    }
    buckets_.resize(kColumns / 2);
    rows_each_ *= 2;
  }
  buckets_.push_back(row);
}

std::string SeriesChart::draw() const {
  if (buckets_.empty()) return {};
  double least = buckets_.front().least;
  double greatest = buckets_.front().greatest;
  for (const Bucket& bucket : buckets_) {
    least = std::min(least, bucket.least);
    greatest = std::max(greatest, bucket.greatest);
  }
  const double height = std::max((greatest - least) / kRows, 1e-300);
  std::string out;
  for (std::size_t row = kRows; row-- > 0;) {
    const double bottom = least + height * static_cast<double>(row);
    const double top = row + 1 == kRows ? greatest : bottom + height;
    const bool labelled = row == 0 || row + 1 == kRows;
    out += labelled ? scale(row == 0 ? least : greatest) : std::string(11, ' ') + "|";
    for (const Bucket& bucket : buckets_) {
      out += bucket.greatest >= bottom && bucket.least <= top ? '#' : ' ';
    }
    out += '\n';
  }
  out += std::string(11, ' ') + '+';
  for (const Bucket& bucket : buckets_)
    out += bucket.mark == Mark::kAlarm ? '^' : '-';
  return out + '\n';
}

}  // namespace ota::cli
