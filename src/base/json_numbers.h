// nlohmann/json, with one rule of our own: a number that becomes an integer is one, and fits.
//
// The library casts instead: 1e66 as an int is undefined behaviour, 4294967297 as one is 1, and so
// is true. Every get<T>(), get_to() and value() of an integer comes through here, so nothing else
// of ours includes the library itself (tools/lint). A float that is whole (50.0) is taken, since
// JSON knows one kind of number. Pure; any thread.
#pragma once

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace ota {

template <class T>
concept WholeNumber = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                      !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                      !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

}  // namespace ota

template <ota::WholeNumber T>
struct nlohmann::adl_serializer<T, void> {
  template <class Document>
  static void to_json(Document& out, T value) {
    nlohmann::to_json(out, value);
  }

  // Throws type_error, as for a value that is no number at all.
  template <class Document>
  static void from_json(const Document& in, T& value) {
    using Limits = std::numeric_limits<T>;
    if (in.is_number_unsigned()) {
      const auto number = *in.template get_ptr<const std::uint64_t*>();
      if (std::in_range<T>(number)) return static_cast<void>(value = static_cast<T>(number));
    } else if (in.is_number_integer()) {
      const auto number = *in.template get_ptr<const std::int64_t*>();
      if (std::in_range<T>(number)) return static_cast<void>(value = static_cast<T>(number));
    } else if (in.is_number_float()) {
      const double number = *in.template get_ptr<const double*>();
      // Both bounds are exact: the lower is a power of two, and so is the upper one and one more.
      const bool fits =
          number >= static_cast<double>(Limits::min()) && number < std::ldexp(1.0, Limits::digits);
      if (fits && std::trunc(number) == number)
        return static_cast<void>(value = static_cast<T>(number));
    }
    throw Document::type_error::create(302, "no whole number of this range", &in);
  }
};
