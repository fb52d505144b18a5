// Names that operators give: hardware models, groups, attributes. Pure; any thread.
#pragma once

#include <string_view>

namespace ota::model {

// What a name must be, in words.
inline constexpr std::string_view kNameWords =
    "1 to 63 of A-Z a-z 0-9 . _ - with a letter or digit first";

bool valid_name(std::string_view text);

}  // namespace ota::model
