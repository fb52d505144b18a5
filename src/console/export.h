// What leaves the screen as text: the selected line for the clipboard, and all that a view lists
// for a file. Whatever the screen shows of it is in it, and no control byte. Pure; thread: UI only.
#pragma once

#include <string>

#include "console/views/scene.h"

namespace ota::console {

// Devices and readings as CSV, events and jobs as a line of JSON each; what is no table (a device's
// page, agents, keys and trust) as its whole text, also what would be scrolled to.
std::string export_text(const Scene& scene);
// The name that is offered for it: "events-20260820T140322Z.jsonl".
std::string export_name(const UiState& state, WallTime now);
// The selected line; the whole record of an event that is open. Empty: nothing is selected.
std::string copy_text(const Scene& scene);

}  // namespace ota::console
