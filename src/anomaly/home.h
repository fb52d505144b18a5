// Where a metric has its home: median and MAD of 256 readings that are spread over its past.
//
// Every reading is taken at first; when the ring is full, every second one is dropped and the
// stride doubles, until the ring covers the time it is to cover; from then on the oldest is
// replaced. Half of the ring may be an incident before the median leaves (Rousseeuw & Croux 1993).
// When the device then sends at another rate, the stride follows and nothing is dropped: neither
// does a faster rate teach a new home within minutes, nor a slower one freeze the home for months.
//
// The readings themselves are kept by the owner. Pure. Thread: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "anomaly/readings.h"

namespace ota::anomaly {

class Home {
 public:
  static constexpr std::size_t kSlots = 256;
  static constexpr std::size_t kFirst = 64;  // the slots before it are the owner's

  // Learns `value`; `readings` holds this home's in kSlots from kFirst on. No stride is longer than
  // `longest_stride`.
  void take(Readings& readings, double value, double longest_stride);

  bool ready() const { return ready_; }
  double centre() const { return centre_; }
  double spread() const { return spread_; }

  // See Latch::each_told.
  template <class Self, class Visit>
  static void each_told(Self& self, const Visit& visit) {
    visit("centre", self.centre_);
    visit("spread", self.spread_);
  }
  template <class Self, class Visit>
  static void each_kept(Self& self, const Visit& visit) {
    each_told(self, visit);
    visit("stride", self.stride_);
    visit("taken", self.taken_);
    visit("size", self.size_);
    visit("write", self.write_);
    visit("fresh", self.fresh_);
    visit("ready", self.ready_);
    visit("covers", self.covers_);
  }
  // Whether what a snapshot gave can be.
  bool plausible() const;

 private:
  void keep(Readings& readings, double value);
  void fit_stride(double longest_stride);
  void measure(const Readings& readings);

  double centre_ = 0;
  double spread_ = 1;
  std::uint32_t stride_ = 1;  // a power of two
  std::uint32_t taken_ = 0;   // readings so far; may wrap, as the stride divides 2^32
  std::uint16_t size_ = 0;
  std::uint8_t write_ = 0;  // the oldest, where the ring is full; wraps with it
  std::uint8_t fresh_ = 0;  // kept since centre and spread were measured
  bool ready_ = false;
  bool covers_ = false;  // the time that it is to cover
};

}  // namespace ota::anomaly
