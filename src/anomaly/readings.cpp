#include "anomaly/readings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace ota::anomaly {
namespace {

constexpr std::uint16_t kFirstRoom = 128;
constexpr std::array kPower{1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

// In steps of so many that the compiler divides several at once.
template <class Whole>
void decode(const std::byte* from, double power, std::span<double> out) {
  constexpr std::size_t kStep = 8;
  const auto some = [&](std::size_t first, auto count) {
    std::array<Whole, kStep> wholes;
    std::memcpy(wholes.data(), from + first * sizeof(Whole), count * sizeof(Whole));
    for (std::size_t i = 0; i < count; ++i)
      out[first + i] = static_cast<double>(wholes[i]) / power;
  };
  std::size_t done = 0;
  for (; out.size() - done >= kStep; done += kStep)
    some(done, std::integral_constant<std::size_t, kStep>{});
  some(done, out.size() - done);
}

std::int64_t nearest(double value) {
  return static_cast<std::int64_t>(value + (value < 0 ? -0.5 : 0.5));
}

}  // namespace

double Readings::get(std::size_t slot) const {
  double value = 0;
  get(slot, {&value, 1});
  return value;
}

void Readings::get(std::size_t first, std::span<double> out) const {
  const std::size_t kept =
      std::min<std::size_t>(out.size(), room_ - std::min<std::size_t>(first, room_));
  std::fill(out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(), 0.0);
  if (kept == 0) return;
  out = out.first(kept);
  const std::byte* from = bytes_.get() + first * width_;
  const double power = kPower[digits_];
  switch (width_) {
    case kShort:
      return decode<std::int16_t>(from, power, out);
    case kLong:
      return decode<std::int32_t>(from, power, out);
    case kDouble:
      std::memcpy(out.data(), from, out.size_bytes());
      return;
  }
}

bool Readings::holds(double value, std::uint8_t digits, Width width) const {
  if (width == kDouble) return true;
  const double most = width == kShort ? std::numeric_limits<std::int16_t>::max()
                                      : std::numeric_limits<std::int32_t>::max();
  const double scaled = value * kPower[digits];
  if (!(std::abs(scaled) <= most)) return false;
  return static_cast<double>(nearest(scaled)) / kPower[digits] == value;
}

void Readings::write(std::size_t slot, double value) {
  std::byte* at = bytes_.get() + slot * width_;
  if (width_ == kDouble) {
    std::memcpy(at, &value, sizeof value);
    return;
  }
  const auto whole = static_cast<std::int32_t>(nearest(value * kPower[digits_]));
  if (width_ == kLong) {
    std::memcpy(at, &whole, sizeof whole);
    return;
  }
  const auto small = static_cast<std::int16_t>(whole);
  std::memcpy(at, &small, sizeof small);
}

// The next representation that holds the readings there are and this one too.
void Readings::widen_for(double value) {
  std::vector<double> all(room_);
  get(0, all);
  const auto fits = [&](std::uint8_t digits, Width width) {
    return holds(value, digits, width) && std::all_of(all.begin(), all.end(), [&](double known) {
             return holds(known, digits, width);
           });
  };
  std::uint8_t digits = digits_;
  Width width = kDouble;
  for (const Width candidate : {kShort, kLong}) {
    for (digits = digits_; digits < kPower.size() && width == kDouble; ++digits) {
      if (fits(digits, candidate)) {
        width = candidate;
        break;
      }
    }
    if (width != kDouble) break;
  }
  width_ = width;
  digits_ = width == kDouble ? std::uint8_t{0} : digits;
  bytes_ = std::make_unique<std::byte[]>(bytes());
  for (std::size_t i = 0; i < all.size(); ++i)
    write(i, all[i]);
}

// A device that was just seen has not half of them: of a large fleet, most may be such.
void Readings::make_room_for(std::size_t slot) {
  const std::uint16_t room = slot < kFirstRoom ? std::min(kFirstRoom, slots_) : slots_;
  auto grown = std::make_unique<std::byte[]>(std::size_t{room} * width_);
  std::copy_n(bytes_.get(), bytes(), grown.get());
  bytes_ = std::move(grown);
  room_ = room;
}

void Readings::set(std::size_t slot, double value) {
  if (slot >= room_) make_room_for(slot);
  if (!holds(value, digits_, width_)) widen_for(value);
  write(slot, value);
}

bool Readings::restore(Form form, std::span<const std::byte> raw) {
  const bool known = form.width == kShort || form.width == kLong || form.width == kDouble;
  if (!known || form.digits >= kPower.size()) return false;
  const bool fits =
      form.room == 0 || form.room == std::min(kFirstRoom, slots_) || form.room == slots_;
  if (!fits || raw.size() != std::size_t{form.room} * form.width) return false;
  room_ = form.room;
  digits_ = form.digits;
  width_ = static_cast<Width>(form.width);
  bytes_ = std::make_unique<std::byte[]>(raw.size());
  std::copy(raw.begin(), raw.end(), bytes_.get());
  // What is a double may be anything in a damaged file, and no reading is infinite.
  std::vector<double> all(room_);
  get(0, all);
  return std::all_of(all.begin(), all.end(), [](double value) { return std::isfinite(value); });
}

}  // namespace ota::anomaly
