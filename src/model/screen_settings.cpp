#include "model/screen_settings.h"

#include <algorithm>

namespace ota::model {

bool is_key_name(std::string_view name) {
  constexpr std::array<std::string_view, 26> kNamed{
      "Space", "Enter", "Tab",  "BackTab", "Backspace", "Delete", "Up",  "Down", "Left",
      "Right", "PgUp",  "PgDn", "Home",    "End",       "F1",     "F2",  "F3",   "F4",
      "F5",    "F6",    "F7",   "F8",      "F9",        "F10",    "F11", "F12"};
  // Fixed (C, L, Z), or the same byte as Backspace (H), Tab (I) and Enter (J, M).
  constexpr std::string_view kNoControls = "CHIJLMZ";
  if (name.size() == 1) return name[0] > ' ' && name[0] < 0x7f;
  if (name.size() == 6 && name.starts_with("Ctrl-")) {
    return name[5] >= 'A' && name[5] <= 'Z' && kNoControls.find(name[5]) == std::string_view::npos;
  }
  return std::find(kNamed.begin(), kNamed.end(), name) != kNamed.end();
}

}  // namespace ota::model
