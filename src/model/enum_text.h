// Enumerators and their words: one table for each enumeration, used on the wire, in storage and on
// the screen.
#pragma once

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/json_numbers.h"

namespace ota::model {

template <class E, std::size_t N>
using EnumTable = std::array<std::pair<E, std::string_view>, N>;

template <class E, std::size_t N>
constexpr std::string_view enum_text(const EnumTable<E, N>& table, E value) {
  for (const auto& [candidate, text] : table) {
    if (candidate == value) return text;
  }
  return "?";
}

template <class E, std::size_t N>
constexpr std::optional<E> enum_value(const EnumTable<E, N>& table, std::string_view text) {
  for (const auto& [candidate, word] : table) {
    if (word == text) return candidate;
  }
  return std::nullopt;
}

}  // namespace ota::model

// Defines to_text, parse (an optional, by the enumeration's name) and the JSON form for `Type` from
// `table`.
#define OTA_ENUM_TEXT(Type, parse_name, table)                               \
  constexpr std::string_view to_text(Type value) {                           \
    return enum_text(table, value);                                          \
  }                                                                          \
  constexpr std::optional<Type> parse_name(std::string_view text) {          \
    return enum_value(table, text);                                          \
  }                                                                          \
  inline void to_json(nlohmann::json& out, Type value) {                     \
    out = std::string(to_text(value));                                       \
  }                                                                          \
  inline void from_json(const nlohmann::json& in, Type& value) {             \
    const auto& text = in.get_ref<const std::string&>();                     \
    const auto parsed = parse_name(text);                                    \
    if (!parsed) throw std::invalid_argument("'" + text + "' is no " #Type); \
    value = *parsed;                                                         \
  }
