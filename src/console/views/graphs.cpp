// One device's readings over time, with limits, gaps and anomaly marks.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "base/text.h"
#include "console/export.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using model::Metric;

constexpr int kAxis = 6;  // cells left of a graph: "  100│"

// Percent from 0 to 100; the temperature's scale follows its readings in steps of 20.
Scale scale_of(const Scene& scene, Metric metric, const std::optional<Extent>& extent) {
  Scale scale{0, 100, limit_of(scene.model.fleet->thresholds, metric)};
  if (metric == Metric::kTemp) {
    scale.low = 20;
    if (extent) scale.low = std::min(20.0, std::floor(extent->low / 20) * 20);
    if (extent) scale.high = std::max(100.0, std::ceil(extent->high / 20) * 20);
  }
  return scale;
}

// "now 97" of a device that reports, in a window that ends now; else "last 97, 4m10 ago".
std::string newest(const Extent& extent, Metric metric, const Scene& scene, const Window& window) {
  const std::string value = reading(static_cast<float>(extent.now), metric);
  const bool present = window.end >= scene.model.now;
  if (present && is_live(scene.model, scene.model.detail->row)) return "now " + value;
  return "last " + value + ", " +
         format_age(std::max(milliseconds(0), scene.model.now - extent.at)) + " ago";
}

// As many of the numbers as fit beside the heading; the newest one comes first and goes last.
std::string numbers(const Extent& extent, const std::string& now, double limit, Metric metric,
                    int columns) {
  const auto text = [&](double value) { return reading(static_cast<float>(value), metric); };
  const std::string high = "  max " + text(extent.high);
  const std::string end = "  limit " + format_number(limit, 1);
  const std::array<std::string, 3> forms{
      now + "  min " + text(extent.low) + "  avg " + text(extent.mean) + high + end,
      now + high + end, now + end};
  constexpr int kHeadingAndRule = 14;
  for (const std::string& form : forms) {
    if (cells_of(form) + kHeadingAndRule <= columns) return form;
  }
  return now;
}

void draw_scale(const Area& area, const Scale& scale) {
  const auto label = [&](int y, double value) {
    area.put_right(kAxis - 1, y, format_number(value, 0), {Ink::kDim});
  };
  for (int y = 0; y < area.rows(); ++y) {
    area.set(kAxis - 1, y, U'│', {Ink::kDim});
  }
  label(0, scale.high);
  if (area.rows() >= 5) label(area.rows() / 2, (scale.low + scale.high) / 2);
  if (area.rows() >= 2) label(area.rows() - 1, scale.low);
}

std::string span_text(milliseconds back) {
  if (back.count() == 0) return "now";
  const auto whole = std::chrono::duration_cast<seconds>(back);
  constexpr int kDay = 86400;
  if (whole.count() % kDay == 0) return "-" + std::to_string(whole.count() / kDay) + "d";
  if (whole.count() % 3600 == 0) return "-" + std::to_string(whole.count() / 3600) + "h";
  if (whole.count() >= kDay) return "-" + format_age(whole);
  if (whole.count() % 60 == 0) return "-" + std::to_string(whole.count() / 60) + "m";
  return "-" + std::to_string(whole.count()) + "s";
}

// What one frame draws: memory, and what is older.
struct Readings {
  std::span<const fleet::HistoryPoint> live;
  std::vector<fleet::HistoryPoint> older;
};

std::vector<Column> columns_of(const Readings& readings, Metric metric, const Window& window,
                               int count) {
  auto columns = resample(readings.live, metric, window, count);
  if (!readings.older.empty()) {
    fill_gaps(columns, resample(readings.older, metric, window, count));
  }
  return columns;
}

std::optional<Extent> extent_in(const Readings& readings, Metric metric, const Window& window) {
  if (readings.older.empty()) return extent_of(readings.live, metric, window);
  auto all = readings.older;
  all.insert(all.end(), readings.live.begin(), readings.live.end());
  return extent_of(all, metric, window);
}

// Marks where the verdict turned critical.
void draw_turns(const Area& area, std::span<const fleet::HistoryPoint> history,
                const Window& window) {
  const int width = area.columns() - kAxis;
  for (std::size_t i = 1; i < history.size(); ++i) {
    const bool turned =
        history[i].level == model::Level::kCritical && history[i - 1].level != history[i].level;
    const milliseconds from_start = history[i].at - window.begin();
    if (!turned || from_start.count() < 0 || history[i].at > window.end) continue;
    const auto x = static_cast<int>(from_start * (width - 1) / window.span);
    area.set(kAxis + x, 0, U'!', bold(Ink::kBad));
  }
}

// A line with five ticks, their ages below, and a mark where the verdict turned critical.
void draw_axis(const Area& area, const Scene& scene, const Window& window) {
  const int width = area.columns() - kAxis;
  if (width < 20) return;
  for (int x = 0; x < width; ++x)
    area.set(kAxis + x, 0, U'─', {Ink::kDim});
  area.set(kAxis - 1, 0, U'└', {Ink::kDim});
  for (int tick = 0; tick <= 5; ++tick) {
    const int x = kAxis + (width - 1) * tick / 5;
    area.set(x, 0, U'┴', {Ink::kDim});
    if (area.rows() < 2) continue;
    const milliseconds back = window.span * (5 - tick) / 5 + scene.state.pan;
    const std::string label = span_text(back);
    area.put(tick == 5 ? x + 1 - cells_of(label) : x, 1, label, {Ink::kDim});
  }
  draw_turns(area, stored_points(scene), window);
  draw_turns(area, scene.model.detail->history, window);
}

void draw_panel(const Area& area, const Scene& scene, const Window& window,
                const Readings& readings, Metric metric) {
  const auto extent = extent_in(readings, metric, window);
  const Scale scale = scale_of(scene, metric, extent);
  std::string note = "no reading in this time";
  if (extent) {
    note = numbers(*extent, newest(*extent, metric, scene, window), *scale.limit, metric,
                   area.columns());
  }
  area.rule(0, heading_of(metric), note);
  const Area body = area.part(0, 1, area.columns(), area.rows() - 1);
  draw_scale(body, scale);
  const Area field = body.part(kAxis, 0, body.columns() - kAxis, body.rows());
  const GraphStyle style = scene.options.graph;
  plot(field, columns_of(readings, metric, window, field.columns() * dots_per_cell(style)), scale,
       style);
}

// Every device in a row with its last minutes, so that one that behaves otherwise stands out.
void draw_all_devices(const Area& area, const Scene& scene, milliseconds span) {
  constexpr int kCells = 14;
  constexpr std::array<std::pair<Metric, int>, 2> kPlaces{
      {{Metric::kCpu, 12}, {Metric::kTemp, 33}}};
  const auto& rows = scene.model.rows;
  area.rule(0, "All devices", "last " + format_age(span));
  area.put(1, 1, "DEVICE", {Ink::kDim});
  area.put(kPlaces[0].second, 1, "CPU %", {Ink::kDim});
  area.put(kPlaces[1].second, 1, "TEMP C", {Ink::kDim});
  area.put(55, 1, "STATE", {Ink::kDim});
  const int visible = area.rows() - 2;
  const std::size_t selected = index_of_device(scene.model, scene.state.device).value_or(0);
  const int first = first_shown(selected, rows.size(), visible);
  const Window window{scene.model.now, span};
  for (int i = 0; i < visible && first + i < static_cast<int>(rows.size()); ++i) {
    const fleet::DeviceRow& row = *rows[to_index(first + i)];
    const int y = i + 2;
    const bool live = is_live(scene.model, row);
    if (row.id == scene.state.device) area.set(0, y, U'▸', bold(Ink::kAccent));
    area.put(1, y, row.id, {}, 10);
    area.put(55, y, to_text(row.state), style_of(row.state));
    const auto history = scene.model.histories.find(row.id);
    for (const auto& [metric, x] : kPlaces) {
      const auto& value = row.values.at(static_cast<std::size_t>(metric));
      const double limit = limit_of(scene.model.fleet->thresholds, metric);
      const bool over = live && value && static_cast<double>(*value) >= limit;
      if (history != scene.model.histories.end()) {
        sparkline(area, x, y, resample(history->second, metric, window, kCells),
                  Scale{metric == Metric::kTemp ? 20.0 : 0.0, 100, limit},
                  over ? Style{Ink::kBad} : Style{Ink::kGraph});
      }
      area.put_right(x + kCells + 6, y, live ? reading(value, metric) : "-",
                     over ? bold(Ink::kBad) : Style{});
    }
  }
}

// The verdict in words, beside the graphs of a wide screen.
void draw_reasons(const Area& area, const Scene& scene) {
  const fleet::DeviceDetail& detail = *scene.model.detail;
  const Area& inside = area;
  inside.rule(0, "Verdict");
  inside.put(
      1, 1,
      std::string(to_text(detail.verdict.level)) + "  risk " + std::to_string(detail.verdict.risk),
      style_of(detail.verdict.level));
  inside.put(1, 2, detail.verdict.sentence);
  int y = 3;
  for (const model::Signal& signal : detail.verdict.signals) {
    inside.put(1, y++, "• " + signal.text, style_of(signal.level));
  }
  if (!detail.verdict.group.empty()) inside.put(1, y++, detail.verdict.group);
  inside.rule(++y, "Events of this device");
  const auto& events = scene.model.fleet->events;
  const int room = std::min(12, inside.rows() - y - 5);
  std::vector<const model::Event*> own;
  for (std::size_t i = events ? events->size() : 0;
       i-- > 0 && static_cast<int>(own.size()) < room;) {
    if ((*events)[i]->source == detail.row.id) own.push_back((*events)[i].get());
  }
  for (std::size_t i = own.size(); i-- > 0;) {
    inside.put(1, ++y, time_of_day(own[i]->at), {Ink::kDim});
    inside.put(11, y, own[i]->message, style_of(own[i]->severity));
  }
  inside.rule(y += 2, "Legend");
  inside.put(1, y + 1, "filled: reading   ┈┈┈: limit   !: turned critical");
  inside.put(1, y + 2, "▲: unusual readings began   blank: no reading");
}

void draw_graphs(const Area& area, const Scene& scene) {
  if (!scene.model.detail) {
    area.put(3, 1,
             scene.state.device.empty() ? "No device to show.  d chooses the next one."
                                        : scene.state.device + " is not known.");
    return;
  }
  const int side = area.columns() >= kWideColumns ? 66 : 0;
  const int width = area.columns() - side;
  const Window window{scene.model.now - scene.state.pan, scene.state.span,
                      scene.model.fleet->thresholds.anomaly_score_threshold};
  draw_device_graphs(area.part(0, 0, width, area.rows() - 2), scene, window);
  draw_axis(area.part(0, area.rows() - 2, width, 2), scene, window);
  if (side == 0) return;
  for (int y = 0; y < area.rows(); ++y)
    area.set(width, y, U'│', {Ink::kDim});
  const Area beside = area.part(width + 1, 0, side - 1, area.rows());
  const auto devices = static_cast<int>(scene.model.rows.size());
  const int list = std::min(devices + 3, area.rows() / 2);
  draw_all_devices(beside.part(0, 0, beside.columns(), list), scene, scene.state.span);
  draw_reasons(beside.part(0, list, beside.columns(), beside.rows() - list), scene);
}

void put_readings(std::string& out, const std::string& device,
                  std::span<const fleet::HistoryPoint> points) {
  for (const fleet::HistoryPoint& point : points) {
    out += format_rfc3339(point.at);
    for (const auto& value : point.values)
      out += csv_number(value);
    out += "," + format_number(static_cast<double>(point.score), 3) + "," +
           std::string(to_text(point.level)) + "," + csv_field(device) + "\n";
  }
}

// Of the chosen device all that is loaded, and of the others on a wide screen what it draws.
std::string readings_csv(const Scene& scene) {
  std::string out = "time,cpu_percent,mem_percent,disk_percent,temp_celsius,score,verdict,device\n";
  if (!scene.model.detail) return out;
  const std::string& chosen = scene.model.detail->row.id;
  put_readings(out, chosen, stored_points(scene));
  put_readings(out, chosen, scene.model.detail->history);
  for (const auto& [device, points] : scene.model.histories) {
    if (device != chosen) put_readings(out, device, points);
  }
  return out;
}

void draw_graphs_line(const Area& row, const Scene& scene) {
  const int x = draw_device_line(row, scene);
  if (scene.state.pan.count() == 0) return;
  const std::string note = "-" + format_age(scene.state.pan);
  if (x + cells_of(note) + 1 < row.columns())
    row.put_right(row.columns() - 1, 0, note, reversed(Ink::kWarn));
}

constexpr std::array<Binding, 6> kGraphKeys{{
    {Action::kNextDevice, "d", "next device", "next device", "next device"},
    {Action::kZoomIn, "+ =", "zoom in", "show a shorter time", "zoom"},
    {Action::kZoomOut, "-", "zoom out", "show a longer time", ""},
    {Action::kPanBack, "[ Left", "earlier", "go back in time", "earlier"},
    {Action::kPanForward, "] Right", "later", "go forward in time", "later"},
    {Action::kLive, "0", "live", "back to the present", "live"},
}};

}  // namespace

ViewSpec graphs_view() {
  return {.id = View::kGraphs,
          .title = "Graphs",
          .tab = "Graphs",
          .word = "graphs",
          .show = Action::kShowGraphs,
          .keys = kGraphKeys,
          .about = ViewSpec::About::kOneDevice,
          .draw = draw_graphs,
          .context = draw_graphs_line,
          .device = [](const Model&, const UiState& state) { return state.device; },
          .move = nullptr,
          .open = nullptr,
          .back = [](UiState& state) { state.pan = milliseconds(0); },
          .filter = nullptr,
          .copy = device_line,
          .export_stem = [](const UiState& state) { return state.device; },
          .export_suffix = "csv",
          .export_text = readings_csv};
}

void draw_device_graphs(const Area& area, const Scene& scene, const Window& window) {
  if (!scene.model.detail || area.rows() < 3) return;
  // What has no sensor comes last, where there may be no room for it.
  std::array<Metric, 4> order{Metric::kCpu, Metric::kMem, Metric::kTemp, Metric::kDisk};
  std::stable_partition(order.begin(), order.end(), [&](Metric metric) {
    const auto index = static_cast<std::size_t>(metric);
    const auto& history = scene.model.detail->history;
    return std::any_of(history.begin(), history.end(), [&](const fleet::HistoryPoint& point) {
      return point.values.at(index).has_value();
    });
  });
  const int count = area.rows() >= 26 ? 4 : area.rows() >= 9 ? 3 : std::max(1, area.rows() / 3);
  const Readings readings{scene.model.detail->history, stored_points(scene)};
  int y = 0;
  for (int i = 0; i < count; ++i) {
    const int rows = (area.rows() - y) / (count - i);
    draw_panel(area.part(0, y, area.columns(), rows), scene, window, readings,
               order.at(static_cast<std::size_t>(i)));
    y += rows;
  }
}

std::vector<fleet::HistoryPoint> stored_points(const Scene& scene) {
  const auto& stored = scene.model.stored;
  const auto& live = scene.model.detail->history;
  if (!stored || stored->device != scene.model.detail->row.id) return {};
  auto points = stored->points;
  if (!live.empty()) {
    std::erase_if(points, [&](const auto& point) { return point.at >= live.front().at; });
  }
  return points;
}

}  // namespace ota::console
