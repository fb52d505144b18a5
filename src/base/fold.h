// Texts compared without the case of ASCII letters: what people type to find something.
// Pure; any thread.
#pragma once

#include <algorithm>
#include <string_view>

namespace ota {

constexpr char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline bool equal_folded(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return folded(x) == folded(y); });
}

// Whether `text` holds `part`.
inline bool contains_folded(std::string_view text, std::string_view part) {
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [](char x, char y) { return folded(x) == folded(y); }) != text.end() ||
         part.empty();
}

}  // namespace ota
