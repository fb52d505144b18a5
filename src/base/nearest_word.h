// "Did you mean ...?": what a mistyped word was most likely meant to be. Pure; any thread.
#pragma once

#include <span>
#include <string_view>

namespace ota {

// The word of `words` that is the fewest letters away from `typed` (Levenshtein), of several the
// first: at most two letters, or a third of what was typed. Empty: none, or `typed` is longer than
// 64 bytes.
std::string_view nearest_word(std::string_view typed, std::span<const std::string_view> words);

}  // namespace ota
