#include "base/decimal.h"

#include <array>
#include <charconv>

namespace ota {

double as_written(float value) {
  constexpr std::size_t kLongest = 32;  // "-1.17549435e-38" and room
  std::array<char, kLongest> text{};
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value);
  auto exact = static_cast<double>(value);
  std::from_chars(text.data(), written.ptr, exact);
  return exact;
}

}  // namespace ota
