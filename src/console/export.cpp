#include "console/export.h"

#include <algorithm>

#include "base/json.h"
#include "base/text.h"
#include "console/screen.h"
#include "console/views/view_spec.h"

namespace ota::console {

using model::Metric;

// All but ASCII is escaped, so that no text of a device acts on a terminal that shows the file.
std::string json_line(const Json& document) {
  return document.dump(-1, ' ', true, Json::error_handler_t::replace);
}

// RFC 4180: quoted where a comma or a quote is in it.
// A spreadsheet runs a cell that begins with one of these: it gets a quote in front, which makes it
// text there (OWASP, CSV injection).
std::string csv_field(std::string_view text) {
  std::string clean = printable(text);
  if (clean.find_first_of("=+-@") == 0) clean.insert(0, 1, '\'');
  if (clean.find_first_of(",\"") == std::string::npos) return clean;
  std::string out = "\"";
  for (const char c : clean)
    out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

std::string csv_number(const std::optional<float>& value) {
  return "," + (value ? format_number(static_cast<double>(*value), 2) : std::string());
}

// A view as on a screen that has room for all of it, without the blank rows that are too many.
std::string page_text(const Scene& scene, void (*draw)(const Area&, const Scene&), Size size) {
  Canvas canvas(size, scene.options.charset);
  draw(Area(canvas), scene);
  std::string out;
  bool blank = false;
  for (const std::string& line : split(canvas.text(), '\n')) {
    const bool empty = line.find_first_not_of(' ') == std::string::npos;
    if (!empty && blank && !out.empty()) out += "\n";
    if (!empty) out += line + "\n";
    blank = empty;
  }
  return out;
}

std::string device_line(const Scene& scene) {
  const fleet::DeviceRow* row = scene.model.fleet->find(scene.state.device);
  if (row == nullptr) return scene.state.device;
  const bool live = is_live(scene.model, *row);
  std::string text = row->id + "  " + std::string(to_text(shown_state(scene.model, *row))) + "  " +
                     version_of(row->facts().confirmed);
  if (row->target) text += "  target " + row->target->label();
  text += "  risk " + (live ? std::to_string(row->risk) : "-");
  for (std::size_t i = 0; i < row->values.size(); ++i) {
    const auto metric = static_cast<Metric>(i);
    text += "  " + std::string(heading_of(metric)) + " " +
            (live ? reading(row->values.at(i), metric) : "-");
  }
  if (!row->gate.empty()) text += "  gate: " + row->gate;
  if (!row->job.empty()) text += "  " + row->job + " " + std::string(to_text(row->job_state));
  return text;
}

// The line that the view marks as selected.
std::string marked_line(const Scene& scene, void (*draw)(const Area&, const Scene&)) {
  Canvas canvas(kWholePage, Charset::kUnicode);
  draw(Area(canvas), scene);
  constexpr std::string_view kMark = "▸";
  for (const std::string& line : split(canvas.text(), '\n')) {
    if (!line.starts_with(kMark)) continue;
    const std::size_t begin = line.find_first_not_of(' ', kMark.size());
    return begin == std::string::npos ? std::string() : line.substr(begin);
  }
  return {};
}

std::string copy_text(const Scene& scene) {
  return printable(spec_of(scene.state.view).copy(scene), kMostCopied);
}

std::string export_name(const UiState& state, WallTime now) {
  std::string stamp = format_rfc3339(now, Fraction::kNone);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const ViewSpec& view = spec_of(state.view);
  return view.export_stem(state) + "-" + stamp + "." + std::string(view.export_suffix);
}

std::string export_text(const Scene& scene) {
  return spec_of(scene.state.view).export_text(scene);
}

}  // namespace ota::console
