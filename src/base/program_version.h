// The version of the programs of this repository; they are released together.
#pragma once

#include <string_view>

namespace ota {

inline constexpr std::string_view kProgramVersion = "1.0.0";

}  // namespace ota
