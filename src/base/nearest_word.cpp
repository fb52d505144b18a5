#include "base/nearest_word.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace ota {
namespace {

// Levenshtein's distance with two rows: how many letters were mistyped.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({change, previous[j] + 1, current[j - 1] + 1});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words) {
  constexpr std::size_t kLongest = 64;
  if (typed.size() > kLongest) return {};
  std::size_t best = std::max<std::size_t>(2, typed.size() / 3) + 1;
  std::string_view nearest;
  for (const std::string_view word : words) {
    const std::size_t d = distance(typed, word);
    if (d < best) {
      best = d;
      nearest = word;
    }
  }
  return nearest;
}

}  // namespace ota
