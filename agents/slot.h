// The two places that a device boots from.
#pragma once

#include <cstdint>

#include "model/enum_text.h"

namespace ota::agent {

enum class Slot : std::uint8_t { kA, kB };

constexpr Slot other(Slot slot) {
  return slot == Slot::kA ? Slot::kB : Slot::kA;
}

// Its name on the wire and for people.
constexpr std::string_view letter(Slot slot) {
  return slot == Slot::kA ? "A" : "B";
}

// Its folder below slots/.
constexpr std::string_view folder_name(Slot slot) {
  return slot == Slot::kA ? "a" : "b";
}

constexpr std::optional<Slot> parse_slot(std::string_view folder) {
  if (folder == "a") return Slot::kA;
  if (folder == "b") return Slot::kB;
  return std::nullopt;
}

}  // namespace ota::agent
