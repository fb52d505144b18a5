#include "model/telemetry.h"

#include <charconv>
#include <cmath>

#include "base/bytes.h"

namespace ota::model {

std::string BootId::text() const {
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    bytes[i + 8] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return to_hex(bytes);
}

// Each sample carries one: no detour over the heap.
Result<BootId> BootId::parse(std::string_view text) {
  constexpr std::size_t kHalf = 16;
  BootId id;
  const auto read = [&](std::size_t first, std::uint64_t& half) {
    const char* end = text.data() + first + kHalf;
    const auto [stop, error] = std::from_chars(text.data() + first, end, half, 16);
    return error == std::errc() && stop == end;
  };
  if (text.size() != 2 * kHalf || !read(0, id.high) || !read(kHalf, id.low)) {
    return fail(Errc::kInvalid, "a boot id is 32 hex digits");
  }
  return id;
}

std::optional<SampleFault> implausible(const Sample& sample) {
  constexpr double kColdest = -60;  // below and above what any board's sensor can report
  constexpr double kHottest = 150;
  bool any = !sample.extra.empty();
  for (std::size_t i = 0; i < kMetricCount; ++i) {
    if (!sample.values[i]) continue;
    any = true;
    const double value = *sample.values[i];
    if (!std::isfinite(value)) return SampleFault::kNotANumber;
    const bool temperature = static_cast<Metric>(i) == Metric::kTemp;
    if (value < (temperature ? kColdest : 0.0) || value > (temperature ? kHottest : 100.0)) {
      return SampleFault::kOutOfRange;
    }
  }
  for (const ExtraMetric& metric : sample.extra) {
    if (!std::isfinite(metric.value)) return SampleFault::kNotANumber;
  }
  if (!any) return SampleFault::kMalformed;
  return std::nullopt;
}

}  // namespace ota::model
