// The fleet at a glance: counts, the server, every device in a row, worst first.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/export.h"
#include "console/views/table.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Align = TableColumn::Align;
using fleet::DeviceRow;
using model::Metric;

enum Column : std::size_t {
  kMark,
  kDevice,
  kModel,
  kGroup,
  kState,
  kVersion,
  kTarget,
  kRisk,
  kCpu,
  kMem,
  kDisk,
  kTemp,
  kSeen,
  kGate,
};

// The name by which `c` and console.json know a column; empty: it cannot be hidden.
std::string_view column_name(std::size_t column) {
  constexpr std::array<std::string_view, 14> kNames{"",        "",       "model", "group", "",
                                                    "version", "target", "risk",  "cpu",   "mem",
                                                    "disk",    "temp",   "seen",  "gate"};
  return kNames.at(column);
}

Table device_table(int width, const std::set<std::string>& hidden) {
  std::vector<TableColumn> columns{
      {"", 2, 0},
      {"DEVICE", 10, 0, Align::kLeft, 12},
      {"MODEL", 8, 7, Align::kLeft, 4},
      {"GROUP", 8, 8, Align::kLeft, 4},
      {"STATE", 8, 0},
      {"VERSION", 8, 1, Align::kLeft, 2},
      {"TARGET", 8, 6, Align::kLeft, 2},
      {"RISK", 4, 2, Align::kRight},
      {"CPU%", 4, 3, Align::kRight},
      {"MEM%", 4, 3, Align::kRight},
      {"DISK%", 5, 5, Align::kRight},
      {"TEMP", 5, 4, Align::kRight},
      {"SEEN", 5, 0, Align::kRight},
      {"GATE / JOB", 13, 0, Align::kLeft, 13},
  };
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (hidden.contains(std::string(column_name(i)))) columns[i].priority = kHidden;
  }
  return Table(std::move(columns), 1, width);
}

std::string seen(const Model& model, const DeviceRow& row) {
  if (row.last_seen.time_since_epoch().count() == 0) return "never";
  return format_age(std::max(milliseconds(0), model.now - row.last_seen));
}

bool live_readings(const DeviceRow& row) {
  return std::any_of(row.values.begin(), row.values.end(),
                     [](const auto& value) { return value.has_value(); });
}

// "64% ████████"; the word of the phase before it where there is room.
void draw_job(const Area& area, int y, const Table& table, const DeviceRow& row) {
  std::string text(to_text(row.job_state));
  const int width = table.width(kGate);
  if (!table.shows(kGate)) return;
  if (row.job_state == model::JobState::kDownloading) {
    const std::string percent = std::to_string(row.job_percent) + "%";
    text = width >= 22 ? text + " " + percent : percent;
    const int used = cells_of(text) + 1;
    draw_bar(area, table.place(kGate) + used, y, std::min(12, width - used), row.job_percent,
             {Ink::kBusy});
  }
  table.cell(area, y, kGate, text, {Ink::kBusy});
}

// What the gate has against a device and, where there is room, for how long: blocks age.
std::string gate_text(const Model& model, const DeviceRow& row, int width) {
  if (row.gate.empty()) return "-";
  if (row.level != model::Level::kCritical || row.level_since == WallTime{}) return row.gate;
  const std::string aged =
      row.gate + " " + format_age(std::max(milliseconds(0), model.now - row.level_since));
  return cells_of(aged) <= width ? aged : row.gate;
}

void draw_row(const Area& area, int y, const Table& table, const Scene& scene,
              const DeviceRow& row) {
  const bool live = is_live(scene.model, row);
  const fleet::DeviceState state = shown_state(scene.model, row);
  const bool selected = row.id == scene.state.device;
  const bool marked = scene.state.marked.contains(row.id);
  if (selected) area.set(1, y, U'▸', bold(Ink::kAccent));
  if (marked) area.set(2, y, U'*', bold(Ink::kAccent));
  table.cell(area, y, kDevice, row.id, selected ? bold() : Style{});
  table.cell(area, y, kModel, row.hardware(), {Ink::kDim});
  table.cell(area, y, kGroup, row.group(), {Ink::kDim});
  table.cell(area, y, kState, to_text(state), style_of(state));
  table.cell(area, y, kVersion, version_of(row.facts().confirmed));
  table.cell(area, y, kTarget, row.target ? row.target->label() : "-", {Ink::kDim});
  table.cell(area, y, kRisk, live ? std::to_string(row.risk) : "-",
             live ? style_of(row.level) : Style{});
  constexpr std::array<std::pair<Column, Metric>, 4> kReadings{
      {{kCpu, Metric::kCpu}, {kMem, Metric::kMem}, {kDisk, Metric::kDisk}, {kTemp, Metric::kTemp}}};
  for (const auto& [column, metric] : kReadings) {
    const auto& value = row.values.at(static_cast<std::size_t>(metric));
    const bool over =
        live && value &&
        static_cast<double>(*value) >= limit_of(scene.model.fleet->thresholds, metric);
    table.cell(area, y, column, live ? reading(value, metric) : "-",
               over ? bold(Ink::kBad) : Style{});
  }
  // Without readings their place says what updates the device.
  const std::string client = row.ddi_client();
  if (!client.empty() && !live_readings(row)) {
    const int from = table.place(kCpu);
    if (table.width(kCpu) > 0) {
      area.put(from, y, pad(client, std::max(0, table.place(kSeen) - from - 1)), {Ink::kDim});
    }
  }
  table.cell(area, y, kSeen, seen(scene.model, row), live ? Style{} : Style{Ink::kDim});
  if (server_down(scene.model)) {
    table.cell(area, y, kGate, "-");
  } else if (!row.job.empty() && !is_final(row.job_state)) {
    draw_job(area, y, table, row);
  } else {
    const bool pass = gate::answer_of(row.gate_reason) != model::Answer::kBlock;
    const bool old = block_is_old(scene.model, row.level, row.level_since);
    table.cell(area, y, kGate, gate_text(scene.model, row, table.width(kGate)),
               pass  ? Style{Ink::kDim}
               : old ? bold(Ink::kBad)
                     : Style{Ink::kWarn});
  }
}

void draw_nothing(const Area& area, const Scene& scene) {
  if (!scene.state.filter.empty()) {
    area.put(3, 1,
             "No device matches " + scene.state.filter + ".  / changes the filter, Esc clears it.");
    return;
  }
  const model::ServerStatus& server = scene.model.server;
  if (server.phase == model::ServerStatus::Phase::kStarting) {
    area.put(3, 1, "The server is starting.");
    return;
  }
  area.put(3, 1, "No devices yet.", bold());
  area.put(3, 3, "List a device in config/devices.json, then give it a join code:");
  area.put(5, 4, "otactl enroll ID", {Ink::kAccent});
  area.put(5, 5, "ota-agent join --server https://HOST:PORT --code -", {Ink::kAccent});
  area.put(5, 7, "address      " + (server.listen.empty() ? std::string("-") : server.listen),
           {Ink::kDim});
  area.put(5, 8, "fingerprint of the authority", {Ink::kDim});
  area.put(5, 9, server.ca_fingerprint.empty() ? "-" : server.ca_fingerprint, {Ink::kDim});
  const std::string start = key_of(scene, Action::kAcknowledge);
  if (!fleet_empty(scene.model) || scene.options.access != Access::kFull) return;
  area.put(3, 11,
           "To try it without a device press " + (start.empty() ? ":demo" : start) +
               ": it starts three agents on this host.");
}

void draw_devices(const Area& area, const Scene& scene) {
  const auto& rows = scene.model.rows;
  const std::size_t total = scene.model.fleet->counts.devices;
  std::string title = "Devices " + std::to_string(rows.size());
  if (rows.size() != total) title += " of " + std::to_string(total);
  if (!scene.state.marked.empty())
    title += ", " + std::to_string(scene.state.marked.size()) + " marked";
  const std::string note = "sort " + std::string(name_of(scene.state.sort)) +
                           (scene.state.reverse ? " ▲" : " ▼") + "  filter " +
                           (scene.state.filter.empty() ? "none" : scene.state.filter);
  area.rule(0, title, note);
  if (rows.empty()) return draw_nothing(area.part(0, 1, area.columns(), area.rows() - 1), scene);
  const Table table = device_table(area.columns(), scene.state.hidden_columns);
  table.header(area, 1);
  const int visible = area.rows() - 2;
  const auto selected = index_of_device(scene.model, scene.state.device).value_or(0);
  const int first = first_shown(selected, rows.size(), visible);
  for (int i = 0; i < visible && first + i < static_cast<int>(rows.size()); ++i) {
    draw_row(area, i + 2, table, scene, *rows[to_index(first + i)]);
  }
  const int below = static_cast<int>(rows.size()) - first - visible;
  if (below > 0) {
    area.put_right(area.columns(), area.rows() - 1, " " + std::to_string(below) + " more ▼",
                   {Ink::kDim});
  }
}

// Why the server is down and what can be done, below the last known devices.
void draw_what_is_wrong(const Area& area, const Scene& scene) {
  const model::ServerStatus& server = scene.model.server;
  area.rule(0, "What is wrong");
  int y = put_wrapped(area, 1, 1, server.problem, bold(Ink::kBad));
  area.put(1, y++, "Devices keep running; they try again by themselves and lose nothing.",
           {Ink::kDim});
  const auto key = [&](Action action, const char* command) {
    const std::string found = key_of(scene, action);
    return found.empty() ? std::string(command) : found;
  };
  std::string remedy = key(Action::kRetry, ":retry") + " tries again now";
  if (server.port_failed) remedy += ", " + key(Action::kOtherPort, ":port") + " on another port";
  area.put(1, y + 1, remedy + "; an edit in config/ counts as well.");
}

std::string versions_text(const fleet::Counts& counts) {
  std::string text;
  for (const auto& [version, devices] : counts.versions) {
    text += (version.starts_with('v') || version == "-" ? "" : "v") + version + " ×" +
            std::to_string(devices) + "  ";
  }
  return text.empty() ? "-" : text;
}

std::string verdicts_text(const fleet::Counts& counts) {
  return "stable " + std::to_string(counts.stable) + "  watch " + std::to_string(counts.watch) +
         "  critical " + std::to_string(counts.critical) + "  unknown " +
         std::to_string(counts.unknown);
}

std::string rate_text(const model::ServerStatus& server) {
  std::array<char, 32> rate{};
  std::snprintf(rate.data(), rate.size(), "%.1f", server.requests_per_second);
  return "req/s " + std::string(rate.data()) + "  4xx " + std::to_string(server.errors_4xx) +
         "  5xx " + std::to_string(server.errors_5xx);
}

std::string link_text(const Scene& scene) {
  const model::ServerStatus& server = scene.model.server;
  const bool up = server.started.time_since_epoch().count() != 0;
  return "sessions " + std::to_string(server.connections) + "  refused " +
         std::to_string(server.refused_handshakes) + "  up " +
         (up ? format_age(std::max(milliseconds(0), scene.model.now - server.started)) : "-");
}

// Counts and server side by side, in three rows.
void draw_band(const Area& area, const Scene& scene) {
  const int half = area.columns() * 11 / 20;
  const Area left = area.part(0, 0, half, 3);
  const Area right = area.part(half, 0, area.columns() - half, 3);
  left.rule(0, "Verdicts");
  right.rule(0, "Server");
  right.set(0, 0, U'┬', {Ink::kDim});
  for (int y = 1; y < 3; ++y)
    right.set(0, y, U'│', {Ink::kDim});
  left.put(1, 1, verdicts_text(scene.model.fleet->counts));
  left.put(1, 2, versions_text(scene.model.fleet->counts));
  right.put(2, 1, rate_text(scene.model.server));
  right.put(2, 2, link_text(scene));
}

void draw_side(const Area& area, const Scene& scene) {
  for (int y = 0; y < area.rows(); ++y)
    area.set(0, y, U'│', {Ink::kDim});
  const Area inside = area.part(1, 0, area.columns() - 1, area.rows());
  const fleet::Counts& counts = scene.model.fleet->counts;
  inside.rule(0, "Verdicts");
  inside.put(1, 1,
             "stable " + std::to_string(counts.stable) + "  watch " + std::to_string(counts.watch));
  inside.put(1, 2,
             "critical " + std::to_string(counts.critical) + "  unknown " +
                 std::to_string(counts.unknown));
  inside.put(1, 3, versions_text(counts));
  inside.rule(4, "Server");
  inside.put(1, 5, rate_text(scene.model.server));
  inside.put(1, 6, link_text(scene));
  area.set(0, 0, U'┬', {Ink::kDim});
  area.set(0, 4, U'├', {Ink::kDim});
  area.set(0, 7, U'├', {Ink::kDim});
  const auto& detail = scene.model.detail;
  inside.rule(
      7, detail ? detail->row.id + "  " + std::string(to_text(detail->row.state)) : "No device",
      area.columns() >= 60 ? "d next device" : "");
  if (detail) {
    const Window window{scene.model.now - scene.state.pan, scene.state.span,
                        scene.model.fleet->thresholds.anomaly_score_threshold};
    draw_device_graphs(inside.part(1, 8, inside.columns() - 1, inside.rows() - 8), scene, window);
  }
}

void draw_last_events(const Area& area, const Scene& scene) {
  area.rule(0, "Security log", "3 opens");
  const auto& events = scene.model.fleet->events;
  if (!events) return;
  const std::size_t shown =
      std::min(events->size(), static_cast<std::size_t>(std::max(0, area.rows() - 1)));
  for (std::size_t i = 0; i < shown; ++i) {
    draw_event_row(area, static_cast<int>(i) + 1, *(*events)[events->size() - shown + i]);
  }
}

void draw_summary(const Area& whole, const Scene& scene) {
  const bool down = server_down(scene.model);
  const int wrong = down && whole.rows() >= 18 ? 7 : 0;
  const int columns = whole.columns();
  const int rows = whole.rows() - wrong;
  const Area area = whole.part(0, 0, columns, rows);
  if (wrong > 0) draw_what_is_wrong(whole.part(0, rows, columns, wrong), scene);
  if (columns < 120) {
    const int band = rows >= 18 && columns >= 80 ? 3 : 0;
    if (band > 0) draw_band(area.part(0, 0, columns, band), scene);
    // The log's last lines where a small fleet leaves room for some.
    const int spare = rows - band - 3 - static_cast<int>(scene.model.rows.size());
    const int log = spare >= 5 && !scene.model.rows.empty() ? std::min(spare, 9) : 0;
    if (log > 0) draw_last_events(area.part(0, rows - log, columns, log), scene);
    return draw_devices(area.part(0, band, columns, rows - band - log), scene);
  }
  const int side = columns >= 180 ? columns * 48 / 100 : 39;
  const int main = columns - side;
  const int log = rows >= 26 ? 8 : 0;
  draw_devices(area.part(0, 0, main, rows - log), scene);
  if (log > 0) draw_last_events(area.part(0, rows - log, main, log), scene);
  draw_side(area.part(main, 0, side, rows), scene);
}

void draw_fleet_counts(const Area& row, const Scene& scene) {
  const fleet::Counts& counts = scene.model.fleet->counts;
  int x = row.put(1, 0, "Fleet " + std::to_string(counts.devices) + ":") + 2;
  if (counts.devices == 0) {
    const bool starting = scene.model.server.phase == model::ServerStatus::Phase::kStarting;
    row.put(x, 0, starting ? "the server is starting" : "no device is listed or has connected yet",
            {Ink::kDim});
  }
  x = put_count(row, x, counts.online, "online", {Ink::kGood});
  x = put_count(row, x, counts.updating, "updating", bold(Ink::kBusy));
  x = put_count(row, x, counts.critical, "critical", bold(Ink::kBad));
  x = put_count(row, x, counts.failed, "failed", bold(Ink::kBad));
  x = put_count(row, x, counts.rolled_back, "rolled back", bold(Ink::kWarn));
  x = put_count(row, x, counts.devices - std::min(counts.devices, counts.online), "not online",
                {Ink::kDim});
  warn_of_keys(row, x, scene);
}

std::string devices_csv(const Scene& scene) {
  const Model& model = scene.model;
  std::string out =
      "device,model,group,state,verdict,risk,version,cpu_percent,mem_percent,disk_percent,temp_"
      "celsius,last_seen,target,gate,client,job,job_state,job_percent\n";
  for (const fleet::DeviceRow* row : model.rows) {
    out += csv_field(row->id) + "," + csv_field(row->hardware()) + "," + csv_field(row->group()) +
           "," + std::string(to_text(shown_state(model, *row))) + "," +
           std::string(to_text(row->level)) + "," + std::to_string(row->risk) + "," +
           version_of(row->facts().confirmed);
    for (const auto& value : row->values)
      out += csv_number(value);
    const bool never = row->last_seen.time_since_epoch().count() == 0;
    out += "," + (never ? std::string() : format_rfc3339(row->last_seen)) + "," +
           (row->target ? row->target->label() : "-") + "," + csv_field(row->gate) + "," +
           csv_field(row->ddi_client()) + "," + csv_field(row->job) + ",";
    if (!row->job.empty())
      out += std::string(to_text(row->job_state)) + "," + std::to_string(row->job_percent);
    else
      out += ",";
    out += "\n";
  }
  return out;
}

// Of a filter that leaves none no line is selected.
std::string selected_device(const Model& model, const UiState& state) {
  return model.rows.empty() ? std::string() : state.device;
}

void move_in_devices(const Stage& stage, long lines) {
  const auto& rows = stage.model.rows;
  if (rows.empty()) return;
  const auto index = index_of_device(stage.model, stage.state.device);
  stage.state.device = rows[moved_index(index, rows.size(), lines)]->id;
}

void open_device(const Stage& stage) {
  if (!stage.model.rows.empty()) show(stage.state, View::kDevice);
}

// The innermost thing first: the filter, then the marks.
void back(UiState& state) {
  if (!state.filter.empty()) return state.filter.clear();
  state.marked.clear();
}

constexpr std::array<Binding, 6> kKeys{{
    {Action::kMark, "Space", "mark", "mark the device, for u, b and a", "mark"},
    {Action::kMarkAll, "*", "mark all", "mark all devices shown, or none", ""},
    {Action::kSort, "s", "sort", "sort by the next column", "sort"},
    {Action::kReverseSort, "S", "reverse", "turn the order around", ""},
    {Action::kColumns, "c", "columns", "choose the columns of the table", ""},
    {Action::kGraphsOfDevice, "g", "device graphs", "graphs of this device", "graphs"},
}};

}  // namespace

ViewSpec summary_view() {
  return {.id = View::kSummary,
          .title = "Summary",
          .tab = "Summary",
          .word = "summary",
          .show = Action::kShowSummary,
          .keys = kKeys,
          .about = ViewSpec::About::kDevices,
          .draw = draw_summary,
          .context = draw_fleet_counts,
          .device = selected_device,
          .move = move_in_devices,
          .open = open_device,
          .back = back,
          .filter = [](UiState& state) -> std::string& { return state.filter; },
          .filter_words = "words, behind, gate:cpu, version:<2.1.4, group:a,b, seen:>5m, !id:x",
          .copy = device_line,
          .export_stem = [](const UiState&) { return std::string("devices"); },
          .export_suffix = "csv",
          .export_text = devices_csv};
}

}  // namespace ota::console
