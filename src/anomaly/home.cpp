#include "anomaly/home.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace ota::anomaly {
namespace {

// Where the element is that would stand at this share of that many sorted ones.
std::size_t place_of(double share, std::size_t count) {
  return std::min(count - 1, static_cast<std::size_t>(share * static_cast<double>(count)));
}

// Puts there what would stand there in order, with nothing greater before and nothing less behind.
double put_in_order(std::span<double> values, std::size_t place) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(place),
                   values.end());
  return values[place];
}

double median(std::span<double> values) {
  return put_in_order(values, place_of(0.5, values.size()));
}

// Of what lies between the 1st and the 99th of a hundred, after median(): each is looked for on its
// side of it.
double range_of(std::span<double> values) {
  const std::size_t middle = place_of(0.5, values.size());
  const std::size_t low = place_of(0.01, values.size());
  const std::size_t high = place_of(0.99, values.size());
  const double lowest = low == middle ? values[low] : put_in_order(values.first(middle), low);
  const double highest =
      high == middle ? values[high] : put_in_order(values.subspan(middle + 1), high - middle - 1);
  return highest - lowest;
}

}  // namespace

void Home::keep(Readings& readings, double value) {
  if (size_ < kSlots) {
    readings.set(kFirst + size_++, value);
    return;
  }
  if (covers_) {
    readings.set(kFirst + write_++, value);
    return;
  }
  constexpr std::size_t kHalf = kSlots / 2;
  for (std::size_t i = 0; i < kHalf; ++i)
    readings.set(kFirst + i, readings.get(kFirst + 2 * i + 1));
  readings.set(kFirst + kHalf, value);
  size_ = kHalf + 1;
  stride_ *= 2;
}

// A ring that covers its time goes on covering it when the device sends at another rate.
void Home::fit_stride(double longest_stride) {
  constexpr double kLongest = 1 << 24;  // a week of 6 kHz
  while (2.0 * stride_ <= std::min(longest_stride, kLongest))
    stride_ *= 2;
  // A gap or two in a series are no other rate.
  while (stride_ > 1 && stride_ > 2 * longest_stride)
    stride_ /= 2;
}

void Home::take(Readings& readings, double value, double longest_stride) {
  constexpr std::uint8_t kMeasureEvery = 8;
  ++taken_;
  if (covers_) fit_stride(longest_stride);
  if (taken_ % stride_ == 0) {
    covers_ = covers_ || (size_ == kSlots && 2.0 * stride_ > longest_stride);
    keep(readings, value);
    if (fresh_ < kMeasureEvery) ++fresh_;
  }
  if (fresh_ >= kMeasureEvery) measure(readings);
}

bool Home::plausible() const {
  const bool power = stride_ != 0 && (stride_ & (stride_ - 1)) == 0;
  return power && size_ <= kSlots && std::isfinite(centre_) && std::isfinite(spread_) &&
         spread_ > 0 && (!ready_ || size_ > 0);
}

void Home::measure(const Readings& readings) {
  constexpr double kSigma = 1.4826;        // sigmas in a median absolute deviation
  constexpr double kShareOfRange = 0.02;   // plateau .01 to .05
  constexpr double kShareOfCentre = 1e-3;  // below, differences are rounding; plateau to 1e-4
  constexpr double kLeast = 1e-9;
  std::array<double, kSlots> kept;
  const std::span values = std::span(kept).first(size_);
  readings.get(kFirst, values);
  centre_ = median(values);
  const double range = range_of(values);
  for (double& value : values)
    value = std::abs(value - centre_);
  const double deviation = median(values);
  spread_ = std::max(
      {kSigma * deviation, kShareOfRange * range, kShareOfCentre * std::abs(centre_), kLeast});
  ready_ = true;
  fresh_ = 0;
}

}  // namespace ota::anomaly
