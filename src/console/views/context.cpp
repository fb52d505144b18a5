// The second row: what is wrong, else what the view shows; and the few lines of a very small
// screen.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/views/view_spec.h"

namespace ota::console {
namespace {

using Phase = model::ServerStatus::Phase;

// The most pressing trouble, and how many more there are; empty where all is well.
std::string trouble(const Model& model) {
  std::vector<std::string> all;
  if (server_down(model)) {
    std::string text = "SERVER DOWN  " + model.server.problem;
    if (model.server.retry_at > model.now)
      text += "  retry in " + format_age(model.server.retry_at - model.now);
    all.push_back(text);
  }
  if (model.fleet->stop != nullptr) {
    const model::Stop& stop = *model.fleet->stop;
    all.push_back("UPDATES STOPPED " + time_of_day(stop.at) + " by " + stop.actor + ": " +
                  stop.reason);
  }
  if (!model.fleet->store_writable) {
    all.push_back("STATE NOT SAVED since " + time_of_day(model.fleet->store_problem_since) + ": " +
                  model.fleet->store_problem + "; updates are refused");
  }
  for (const fleet::ConfigProblem& problem : model.fleet->config_problems) {
    all.push_back("CONFIG  " + problem.message + "; the last good one is in force");
  }
  if (all.empty()) return {};
  return all.front() + (all.size() > 1 ? "  (+" + std::to_string(all.size() - 1) + " more)" : "");
}

// Trouble leaves the name of the device that the view is about: nothing else there says it.
void draw_trouble(const Area& row, const Scene& scene, std::string_view wrong) {
  if (spec_of(scene.state.view).about != ViewSpec::About::kOneDevice) {
    row.put(1, 0, wrong, reversed(Ink::kBad));
    return;
  }
  const std::string& device = scene.state.device;
  const int cells = std::min(cells_of(device), row.columns() / 2);
  const int end = row.columns() - 1;
  row.put(1, 0, wrong, reversed(Ink::kBad), end - cells - 3);
  row.put(end - cells, 0, device, bold(), cells);
}

void draw_line(const Area& row, const Scene& scene) {
  const std::string wrong = trouble(scene.model);
  if (!wrong.empty()) return draw_trouble(row, scene, wrong);
  spec_of(scene.state.view).context(row, scene);
}

std::string paused_text(const UiState& state) {
  return "PAUSED at " + time_of_day(state.frozen_at);
}

// What has the keyboard, else the size that the views need. The button comes first: a question
// whose choice is cut off could be answered wrongly.
void draw_small_end(const Area& area, const Scene& scene) {
  const int last = area.rows() - 1;
  const auto put_line = [&](int y, std::string_view text, Style style) {
    area.fill(y, U' ');
    area.put(0, y, text, style);
  };
  if (scene.state.question) {
    const Question& question = *scene.state.question;
    put_line(std::min(3, last),
             "[" + (question.on_verb ? question.verb : "Cancel") + "] " + question.title,
             bold(Ink::kWarn));
    if (last <= 3) return;
  }
  const std::string size = std::to_string(area.columns()) + "x" + std::to_string(area.rows());
  if (scene.state.has_dialog()) {
    put_line(last, "enlarge to 60x16; Esc back", bold(Ink::kWarn));
  } else if (scene.state.frozen && last > 0) {
    put_line(last, paused_text(scene.state), reversed(Ink::kWarn));
  } else if (area.rows() >= 6) {
    put_line(last, size + "; full view 60x16", {Ink::kDim});
  }
}

}  // namespace

int put_count(const Area& row, int x, std::size_t count, std::string_view word, Style style) {
  const std::string text = std::to_string(count) + " " + std::string(word);
  // A count that does not fit whole is left out: a cut number would be a wrong one.
  if (count == 0 || x + cells_of(text) >= row.columns()) return x;
  return row.put(x, 0, text, style) + 2;
}

// Default keys work at once and lie on the server; it is said until they are taken away.
void warn_of_keys(const Area& row, int x, const Scene& scene) {
  const std::string text = "KEYS ON THIS SERVER";
  if (!tuf::publishing_keys_online(scene.model.trust->roles)) return;
  if (x + cells_of(text) + 1 < row.columns())
    row.put_right(row.columns() - 1, 0, text, bold(Ink::kWarn));
}

int draw_device_line(const Area& row, const Scene& scene) {
  const auto& detail = scene.model.detail;
  if (!detail) {
    row.put(1, 0, "no device");
    return row.columns();
  }
  const fleet::DeviceRow& device = detail->row;
  int x = row.put(1, 0, device.id, bold()) + 2;
  x = row.put(x, 0, to_text(device.state), style_of(device.state)) + 2;
  std::string firmware = version_of(device.facts().confirmed);
  if (!device.job.empty() && !is_final(device.job_state)) {
    firmware +=
        " → " + version_of(device.facts().assigned) + " " + std::string(to_text(device.job_state));
    if (device.job_state == model::JobState::kDownloading)
      firmware += " " + std::to_string(device.job_percent) + "%";
  }
  x = row.put(x, 0, firmware) + 2;
  const auto place = index_of_device(scene.model, device.id);
  if (place) {
    x = row.put(x, 0,
                "device " + std::to_string(*place + 1) + " of " +
                    std::to_string(scene.model.rows.size()),
                {Ink::kDim}) +
        2;
  }
  const bool never = device.last_seen.time_since_epoch().count() == 0;
  const std::string seen =
      never ? "never seen"
            : "seen " + format_age(std::max(milliseconds(0), scene.model.now - device.last_seen)) +
                  " ago";
  return row.put(x, 0, seen, is_live(scene.model, device) ? Style{Ink::kDim} : bold(Ink::kWarn)) +
         2;
}

void draw_context(const Area& row, const Scene& scene) {
  if (!scene.state.frozen) return draw_line(row, scene);
  // Of every view, and before all else: a picture that stands must not look live.
  const std::string paused = paused_text(scene.state);
  row.put_right(row.columns() - 1, 0, paused, reversed(Ink::kWarn));
  draw_line(row.part(0, 0, row.columns() - 2 - cells_of(paused), 1), scene);
}

void draw_small(const Area& area, const Scene& scene) {
  const fleet::Counts& counts = scene.model.fleet->counts;
  std::vector<const fleet::DeviceRow*> alerts;
  for (const fleet::DeviceRow* row : scene.model.rows) {
    if (row->state < fleet::DeviceState::kUpdating) alerts.push_back(row);
  }
  area.put(0, 0,
           "OTA " + std::to_string(counts.devices) + " dev  " + std::to_string(counts.online) +
               " ok " + std::to_string(alerts.size()) + " alert",
           bold());
  const std::string wrong = trouble(scene.model);
  if (!wrong.empty()) area.put(0, 1, wrong, bold(Ink::kBad));
  int y = wrong.empty() ? 1 : 2;
  for (const fleet::DeviceRow* row : alerts) {
    if (y >= 3) break;
    const int x = area.put(0, y, pad(to_text(row->state), 9), style_of(row->state));
    const int end = area.put(x, y, row->id);
    if (row->state == fleet::DeviceState::kBlocked) area.put(end + 1, y, row->label);
    ++y;
  }
  const bool fresh = scene.state.notice && scene.model.now - scene.state.notice->at < seconds(10);
  if (fresh && area.rows() >= 4)
    area.put(0, 3, scene.state.notice->text, bold(scene.state.notice->ink));
  draw_small_end(area, scene);
}

}  // namespace ota::console
