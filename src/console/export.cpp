#include "console/export.h"

#include <algorithm>
#include <span>

#include "base/json.h"
#include "base/text.h"
#include "console/screen.h"

namespace ota::console {
namespace {

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

std::string devices_csv(const Model& model) {
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

// Under the width from which a view has a second panel, and with rows for a few hundred lines.
constexpr Size kWholePage{kWideColumns - 1, 400};
// The device's page in one column.
constexpr int kPageColumns = 119;

std::string device_page(const Scene& scene) {
  return page_text(scene, draw_device, {kPageColumns, device_page_rows(scene, kPageColumns) + 1});
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

std::string event_text(const Scene& scene) {
  const auto& events = scene.model.events;
  if (events.empty()) return {};
  const auto index = index_of(events, scene.state.log.selected);
  const model::Event& event = *events[index.value_or(events.size() - 1)];
  if (scene.state.log.full_record) return json_line(Json(event));
  return format_rfc3339(event.at) + " " + std::string(short_word(event.severity)) + " " +
         event.source + " " + event.kind + " " + event.message;
}

std::string job_text(const Scene& scene) {
  const auto& jobs = scene.model.jobs;
  if (jobs.empty()) return {};
  const model::Job& job = *jobs[index_of(jobs, scene.state.job).value_or(0)];
  std::string text = job.id + "  " + job.device + "  " + job.release.version.label() + "  " +
                     std::string(to_text(job.state)) + "  " + std::to_string(job.percent) +
                     " %  try " + std::to_string(job.attempt);
  for (const std::string& part : {job.error_code, job.detail}) {
    if (!part.empty()) text += "  " + part;
  }
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

template <class Rows>
std::string json_lines(const Rows& rows) {
  std::string out;
  for (const auto* row : rows)
    out += json_line(Json(*row)) + "\n";
  return out;
}

}  // namespace

std::string copy_text(const Scene& scene) {
  switch (scene.state.view) {
    case View::kLog:
      return printable(event_text(scene), kMostCopied);
    case View::kUpdates:
      return printable(job_text(scene), kMostCopied);
    case View::kAgents:
      return marked_line(scene, draw_agents);
    case View::kTrust:
      return marked_line(scene, draw_trust);
    default:
      return printable(device_line(scene), kMostCopied);
  }
}

std::string export_name(const UiState& state, WallTime now) {
  std::string stamp = format_rfc3339(now, Fraction::kNone);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  switch (state.view) {
    case View::kLog:
      return "events-" + stamp + ".jsonl";
    case View::kUpdates:
      return "jobs-" + stamp + ".jsonl";
    case View::kGraphs:
      return state.device + "-" + stamp + ".csv";
    case View::kDevice:
      return state.device + "-" + stamp + ".txt";
    case View::kAgents:
      return "agents-" + stamp + ".txt";
    case View::kTrust:
      return "trust-" + stamp + ".txt";
    case View::kSummary:
      break;
  }
  return "devices-" + stamp + ".csv";
}

std::string export_text(const Scene& scene) {
  switch (scene.state.view) {
    case View::kLog:
      return json_lines(scene.model.events);
    case View::kUpdates:
      return json_lines(scene.model.jobs);
    case View::kGraphs:
      return readings_csv(scene);
    case View::kDevice:
      return device_page(scene);
    case View::kAgents:
      return page_text(scene, draw_agents, kWholePage);
    case View::kTrust:
      return page_text(scene, draw_trust, kWholePage);
    case View::kSummary:
      break;
  }
  return devices_csv(scene.model);
}

}  // namespace ota::console
