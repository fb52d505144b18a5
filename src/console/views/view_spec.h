// What a view of the console is: one file that fills a ViewSpec, and one line in view_table.cpp.
//
// Everything that differs between views stands in its ViewSpec: words, keys, picture, moving, what
// Enter and Esc do, what is copied and exported. A part that a view does not have is null, and the
// shared keys that need it are not there. Pure: all functions depend on their arguments alone.
// Thread: UI only.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "console/actions.h"
#include "console/views/scene.h"

namespace ota::console {

// What a view may change: what the operator has chosen.
struct Stage {
  const Model& model;
  UiState& state;
  ViewOptions options;
  Size size;
};

struct ViewSpec {
  enum class About : std::uint8_t { kOther, kDevices, kOneDevice };
  enum class Standstill : std::uint8_t { kYes, kNo };

  View id;
  std::string_view title;      // "Security log"
  std::string_view tab;        // among the tabs where they are short; empty: Esc leads out of it
  std::string_view word;       // what `:view` takes; empty: none
  std::optional<Action> show;  // comes here; none: opened from a line
  std::span<const Binding> keys;
  About about = About::kOther;
  Standstill standstill = Standstill::kYes;  // whether the picture can be held still

  void (*draw)(const Area&, const Scene&);
  void (*context)(const Area&, const Scene&);  // the second row
  // Of the selected line, as it is drawn; empty: it is of no device.
  std::string (*device)(const Model&, const UiState&);
  void (*move)(const Stage&, long lines);
  void (*open)(const Stage&);
  void (*back)(UiState&);  // null: to where it was opened from
  std::string& (*filter)(UiState&);
  std::string_view filter_words = "";  // what may be typed there, shown while nothing is
  // The selected line; empty: nothing is selected.
  std::string (*copy)(const Scene&);
  // "iot-001" of "iot-001-20260820T140322Z.csv".
  std::string (*export_stem)(const UiState&);
  std::string_view export_suffix;  // "csv"
  std::string (*export_text)(const Scene&);
};

ViewSpec summary_view();
ViewSpec graphs_view();
ViewSpec log_view();
ViewSpec updates_view();
ViewSpec agents_view();
ViewSpec device_view();
ViewSpec trust_view();

// In the order of the tabs.
std::span<const ViewSpec> views();
const ViewSpec& spec_of(View view);

// Goes there; where from is remembered in a view that has no tab.
void show(UiState& state, View view);

// The index `lines` further in a list of `count`, which is not empty.
inline std::size_t moved_index(std::optional<std::size_t> index, std::size_t count, long lines) {
  const long to = static_cast<long>(index.value_or(0)) + lines;
  return static_cast<std::size_t>(std::clamp(to, 0L, static_cast<long>(count) - 1));
}

}  // namespace ota::console
