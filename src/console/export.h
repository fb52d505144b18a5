// What leaves the screen as text: the selected line for the clipboard, and all that a view lists
// for a file. Whatever the screen shows of it is in it, and no control byte. Pure; thread: UI only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "console/views/scene.h"

namespace ota::console {

// Devices and readings as CSV, events and jobs as a line of JSON each; what is no table (a device's
// page, agents, keys and trust) as its whole text, also what would be scrolled to.
std::string export_text(const Scene& scene);
// The name that is offered for it: "events-20260820T140322Z.jsonl".
std::string export_name(const UiState& state, WallTime now);
// The selected line; the whole record of an event that is open. Empty: nothing is selected.
std::string copy_text(const Scene& scene);

// -- what the views make their texts of --
// A line of JSON and of CSV (RFC 4180), in which no text of a device acts on a terminal.
std::string json_line(const Json& document);
std::string csv_field(std::string_view text);
std::string csv_number(const std::optional<float>& value);  // with the comma before it
template <class Rows>
std::string json_lines(const Rows& rows) {
  std::string out;
  for (const auto* row : rows)
    out += json_line(Json(*row)) + "\n";
  return out;
}

// Under the width from which a view has a second panel, and with rows for a few hundred lines.
inline constexpr Size kWholePage{kWideColumns - 1, 400};
// A view as on a screen that has room for all of it, without the blank rows that are too many.
std::string page_text(const Scene& scene, void (*draw)(const Area&, const Scene&), Size size);
// The line that a view marks as selected.
std::string marked_line(const Scene& scene, void (*draw)(const Area&, const Scene&));
// The selected device in one line.
std::string device_line(const Scene& scene);

}  // namespace ota::console
