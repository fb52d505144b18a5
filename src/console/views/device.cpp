// One device: the four facts of its firmware, its verdict and its gate explained, jobs, events,
// small graphs.
#include <algorithm>
#include <array>

#include "base/text.h"
#include "console/export.h"
#include "console/views/view_spec.h"
#include "fleet/ddi_machine.h"

namespace ota::console {
namespace {

using model::Metric;

// Text that is longer than the screen: rows are drawn `scroll` further up, and the height is known
// at the end.
class Page {
 public:
  Page(const Area& area, int scroll) : area_(area), y_(-scroll) {}
  void rule(std::string_view title, std::string_view note = {}) { area_.rule(y_++, title, note); }
  void line(std::string_view text, Style style = {}) { area_.put(1, y_++, text, style); }
  // On as many lines as it takes.
  void text(std::string_view text, Style style = {}) {
    y_ = put_wrapped(area_, 1, y_, text, style);
  }
  void field(std::string_view name, std::string_view value, Style style = {}) {
    area_.put(1, y_, name, {Ink::kDim});
    area_.put(12, y_++, value, style);
  }
  int y() const { return y_; }
  void skip(int rows) { y_ += rows; }
  const Area& area() const { return area_; }

 private:
  Area area_;
  int y_;
};

std::string image_text(const std::optional<model::Image>& image) {
  if (!image) return "-";
  return pad(image->version.label(), 10) +
         (image->sha256.empty() ? "" : " sha256 " + image->sha256.substr(0, 12));
}

void put_firmware(Page& page, const fleet::DeviceDetail& detail) {
  const model::Facts& facts = detail.row.facts();
  page.rule("Firmware",
            detail.record && !detail.record->slot.empty() ? "slot " + detail.record->slot : "");
  page.field("assigned", image_text(facts.assigned));
  page.field("written", image_text(facts.written));
  page.field("booted", image_text(facts.booted));
  page.field("confirmed", image_text(facts.confirmed), bold());
  page.field("target", detail.row.target ? detail.row.target->label() : "-");
}

// "CN=iot-001, 89d left", and what to do where it has ended.
void put_certificate(Page& page, const Scene& scene, const model::DeviceRecord& record) {
  const WallTime end = record.certificate_expires;
  if (end == WallTime{}) return page.field("cert", "-");
  const auto left = end - scene.model.now;
  const std::string name = "CN=" + record.id + ", ";
  if (left <= milliseconds(0)) {
    page.field("cert", name + "cert expired " + format_age(-left) + " ago", bold(Ink::kBad));
    return page.line("`otactl renew " + record.id + "` lets it fetch a new one", {Ink::kDim});
  }
  page.field("cert", name + format_age(left) + " left",
             record.end_told == model::EndTold::kNears ? Style{Ink::kWarn} : Style{});
}

// Only where there is something to say of it.
void put_clock(Page& page, const fleet::DeviceRow& row) {
  if (!row.clock_off) return;
  page.field("clock",
             format_age(std::chrono::abs(*row.clock_off)) +
                 (row.clock_off->count() > 0 ? " ahead" : " behind") +
                 (row.readings_unusable ? ": readings refused" : "; readings have our time"),
             Style{Ink::kWarn});
}

void put_identity(Page& page, const Scene& scene, const fleet::DeviceDetail& detail) {
  const fleet::DeviceRow& row = detail.row;
  page.rule("Identity");
  page.field("model", row.hardware() + "   group " + row.group());
  if (row.spec != nullptr && !row.spec->notes.empty()) page.field("notes", row.spec->notes);
  std::string trust = !row.listed()     ? "not in the whitelist"
                      : row.revoked()   ? "REVOKED"
                      : !row.enrolled() ? "not enrolled"
                                        : "enrolled";
  if (row.second_key_seen()) trust += ", ANOTHER KEY tried to enrol as this device";
  if (row.in_two_places()) trust += ", TWO DEVICES speak with its identity";
  const bool bad = row.revoked() || row.second_key_seen() || row.in_two_places();
  page.field("trust", trust, bad ? bold(Ink::kBad) : Style{});
  put_clock(page, row);
  if (detail.record) {
    put_certificate(page, scene, *detail.record);
    page.field("agent", detail.record->agent.empty() ? "-" : detail.record->agent);
  } else {
    page.field("cert", "-");
    page.field("agent", "-");
  }
  page.field("refused", std::to_string(row.refused_samples) + " samples",
             row.refused_samples > 0 ? Style{Ink::kWarn} : Style{});
}

// What the sentence tells beside the signals, which it joins by semicolons, the first one with a
// capital letter.
std::string untold_of(const model::Verdict& verdict) {
  std::string rest = verdict.sentence;
  for (const model::Signal& signal : verdict.signals) {
    if (signal.text.empty()) continue;
    const std::size_t at = rest.find(signal.text.substr(1), 1);
    if (at == std::string::npos) continue;
    rest.erase(at - 1, signal.text.size());
    if (rest.compare(at - 1, 2, "; ") == 0) rest.erase(at - 1, 2);
  }
  return rest == "." ? "" : rest;
}

void put_verdict(Page& page, const Scene& scene, const fleet::DeviceDetail& detail) {
  const model::Verdict& verdict = detail.verdict;
  const bool since = verdict.since.time_since_epoch().count() != 0;
  const milliseconds age = std::max(milliseconds(0), scene.model.now - verdict.since);
  page.rule("Verdict", since ? "since " + time_of_day(verdict.since) + ", " + format_age(age) : "");
  if (since && block_is_old(scene.model, verdict.level, verdict.since)) {
    page.line("ESCALATED: blocked for " + format_age(age) + ", it gets no updates meanwhile",
              bold(Ink::kBad));
  }
  page.line(std::string(to_text(verdict.level)) + "  risk " + std::to_string(verdict.risk) + "  " +
                verdict.label,
            style_of(verdict.level));
  const std::string untold = untold_of(verdict);
  if (untold == verdict.sentence) page.text(untold);
  for (const model::Signal& signal : verdict.signals)
    page.text("• " + signal.text, style_of(signal.level));
  if (untold != verdict.sentence) page.text(untold);
  if (!verdict.group.empty()) page.text(verdict.group);
  if (!verdict.would_clear.empty()) page.text("clears: " + verdict.would_clear, {Ink::kDim});
}

void put_gate(Page& page, const fleet::DeviceDetail& detail) {
  if (!detail.gate) {
    page.rule("Gate");
    return page.line("nothing to ask: no target version is published for this model", {Ink::kDim});
  }
  page.rule("Gate", "for " + detail.gate->version.label());
  page.line(detail.gate->headline, style_of_answer(detail.gate->answer));
  for (const model::CheckOutcome& check : detail.gate->checks) {
    if (check.result == model::CheckResult::kPass) continue;
    std::string word(to_text(check.result));
    std::transform(word.begin(), word.end(), word.begin(), [](char c) {
      return static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    });
    page.line(pad(word, 6) + pad(check.check, 10) + " " + check.observed +
                  " (must be: " + check.required + ")",
              style_of(check.result));
    if (!check.remedy.empty()) page.line("       " + check.remedy, {Ink::kDim});
  }
  const auto passed =
      std::count_if(detail.gate->checks.begin(), detail.gate->checks.end(),
                    [](const auto& check) { return check.result == model::CheckResult::kPass; });
  page.line(
      std::to_string(passed) + " of " + std::to_string(detail.gate->checks.size()) + " checks pass",
      {Ink::kDim});
}

void put_now(Page& page, const Scene& scene, const fleet::DeviceDetail& detail) {
  page.rule("Now", "5 min");
  const Area& area = page.area();
  const Window window{scene.model.now, seconds(300)};
  const bool live = is_live(scene.model, detail.row);
  for (std::size_t i = 0; i < model::kMetricCount; ++i) {
    const auto metric = static_cast<Metric>(i);
    const double limit = limit_of(scene.model.fleet->thresholds, metric);
    const auto& value = detail.row.values.at(i);
    const bool over = live && value && static_cast<double>(*value) >= limit;
    const std::string text = live ? reading(value, metric) : "-";
    const std::string unit = metric == Metric::kTemp ? " C" : " %";
    const std::string note = "limit " + format_number(limit, 1) + (over ? "  over" : "");
    const int y = page.y();
    area.put(1, y, to_text(metric), {Ink::kDim});
    area.put_right(12, y, text + unit, over ? bold(Ink::kBad) : Style{});
    const int cells = area.columns() - 14 - 18;
    if (y >= 0 && cells >= 8) {
      sparkline(area, 14, y, resample(detail.history, metric, window, cells), Scale{0, 100, limit},
                over ? Style{Ink::kBad} : Style{Ink::kGraph});
    }
    area.put(area.columns() - 17, y, note, over ? bold(Ink::kBad) : Style{Ink::kDim});
    page.skip(1);
  }
}

void put_jobs(Page& page, const Scene& scene, const fleet::DeviceDetail& detail) {
  page.rule("Updates", detail.jobs.empty() ? "" : std::to_string(detail.jobs.size()));
  if (detail.jobs.empty()) return page.line("none yet", {Ink::kDim});
  for (std::size_t i = 0; i < std::min<std::size_t>(detail.jobs.size(), 5); ++i) {
    const model::Job& job = detail.jobs[i];
    const std::string age = format_age(std::max(milliseconds(0), scene.model.now - job.updated));
    page.line(pad(job.id, 11) + pad(job.release.version.label(), 8) + pad(to_text(job.state), 12) +
                  pad_left(age, 5) + "  " +
                  (job.error_code.empty() ? job.detail : job.error_code + ": " + job.detail),
              style_of(job.state));
  }
}

// What the device's DDI client said: its attributes, where its update stands, the lines that it
// sent, ERROR lines first.
void put_ddi(Page& page, const fleet::DeviceDetail& detail) {
  if (!detail.record || !detail.record->ddi) return;
  constexpr std::size_t kMostShown = 10;
  const model::DdiClient& client = *detail.record->ddi;
  page.rule("DDI client", client.name.empty() ? "has not polled yet" : client.name);
  std::size_t shown = 0;
  for (const auto& [key, value] : client.attributes) {
    if (++shown > kMostShown) break;
    std::string line = key;
    page.line(line.append(" = ").append(value));
  }
  if (client.attributes.empty()) page.line("no attributes yet", {Ink::kDim});
  if (client.attributes.size() > kMostShown) {
    page.line("and " + std::to_string(client.attributes.size() - kMostShown) + " more",
              {Ink::kDim});
  }
  if (!detail.jobs.empty() && detail.jobs.front().ddi) {
    const model::DdiProgress& progress = *detail.jobs.front().ddi;
    page.line("fetched " + format_bytes(progress.fetched) + " of " +
                  format_bytes(detail.jobs.front().release.length) + ", whole " +
                  std::to_string(progress.downloads) + " times",
              progress.downloads > 1 ? Style{Ink::kWarn} : Style{Ink::kDim});
  }
  const std::vector<std::string> log = fleet::last_ddi_log(detail.jobs);
  for (std::size_t i = 0; i < std::min(log.size(), kMostShown); ++i) {
    page.line(log[i], fleet::is_ddi_error_line(log[i]) ? bold(Ink::kBad) : Style{});
  }
  if (log.size() > kMostShown) {
    page.line("and " + std::to_string(log.size() - kMostShown) + " lines more: otactl device " +
                  detail.row.id,
              {Ink::kDim});
  }
}

void put_events(Page& page, const Scene& scene, const fleet::DeviceDetail& detail) {
  page.rule("Recent events", "l opens");
  const auto& events = scene.model.fleet->events;
  int count = 0;
  for (std::size_t i = events ? events->size() : 0; i-- > 0 && count < 6;) {
    const model::Event& event = *(*events)[i];
    if (event.source != detail.row.id) continue;
    page.line(time_of_day(event.at) + " " + pad(short_word(event.severity), 6) + event.message,
              style_of(event.severity));
    ++count;
  }
  if (count == 0) page.line("none", {Ink::kDim});
}

// All sections under each other; returns the row behind the last one.
int put_all(const Area& area, const Scene& scene, int scroll) {
  const fleet::DeviceDetail& detail = *scene.model.detail;
  Page page(area, scroll);
  put_verdict(page, scene, detail);
  put_gate(page, detail);
  put_firmware(page, detail);
  put_now(page, scene, detail);
  put_identity(page, scene, detail);
  put_jobs(page, scene, detail);
  put_ddi(page, detail);
  put_events(page, scene, detail);
  return page.y() + scroll;
}

int put_left(const Area& area, const Scene& scene, int scroll) {
  const fleet::DeviceDetail& detail = *scene.model.detail;
  Page page(area, scroll);
  put_verdict(page, scene, detail);
  put_gate(page, detail);
  put_firmware(page, detail);
  put_identity(page, scene, detail);
  put_ddi(page, detail);
  return page.y() + scroll;
}

void put_right(const Area& area, const Scene& scene) {
  const fleet::DeviceDetail& detail = *scene.model.detail;
  Page page(area.part(1, 0, area.columns() - 1, area.rows()), 0);
  put_now(page, scene, detail);
  put_jobs(page, scene, detail);
  put_events(page, scene, detail);
  const int rest = area.rows() - page.y();
  if (rest >= 9) {
    draw_device_graphs(page.area().part(0, page.y(), page.area().columns(), rest), scene,
                       Window{scene.model.now, scene.state.span,
                              scene.model.fleet->thresholds.anomaly_score_threshold});
  }
  for (int y = 0; y < area.rows(); ++y)
    area.set(0, y, U'│', {Ink::kDim});
}

constexpr int kTwoColumns = 120;

int device_page_rows(const Scene& scene, int columns) {
  if (!scene.model.detail) return 0;
  Canvas nothing({columns, 0}, scene.options.charset);
  const Area area(nothing);
  return columns < kTwoColumns ? put_all(area, scene, 0)
                               : put_left(area.part(0, 0, columns / 2, 0), scene, 0);
}

void draw_device(const Area& area, const Scene& scene) {
  if (!scene.model.detail) {
    area.put(3, 1, scene.state.device + " is not known.  Esc goes back.");
    return;
  }
  const int page = device_page_rows(scene, area.columns());
  // The last row says how much is below it.
  const bool long_page = page > area.rows();
  const Area body = area.part(0, 0, area.columns(), area.rows() - (long_page ? 1 : 0));
  const int hidden = std::max(0, page - body.rows());
  const int scroll = std::min(scene.state.scroll, hidden);
  if (area.columns() < kTwoColumns) {
    put_all(body, scene, scroll);
  } else {
    const int half = area.columns() / 2;
    put_left(body.part(0, 0, half, body.rows()), scene, scroll);
    put_right(area.part(half, 0, area.columns() - half, area.rows()), scene);
  }
  if (scroll < hidden) {
    const int end = area.columns() < kTwoColumns ? area.columns() : area.columns() / 2;
    area.put_right(end, area.rows() - 1, " " + std::to_string(hidden - scroll) + " rows more ▼",
                   {Ink::kDim});
  }
}

// The device's page in one column.
constexpr int kPageColumns = 119;

std::string device_page(const Scene& scene) {
  return page_text(scene, draw_device, {kPageColumns, device_page_rows(scene, kPageColumns) + 1});
}

void scroll_page(const Stage& stage, long lines) {
  const Scene scene{stage.model, stage.state, stage.options};
  constexpr int kFixedRows = 5;  // the four of every view, and the last line that stays
  const int hidden = device_page_rows(scene, stage.size.columns) - (stage.size.rows - kFixedRows);
  stage.state.scroll =
      static_cast<int>(std::clamp<long>(stage.state.scroll + lines, 0, std::max(0, hidden)));
}

constexpr std::array<Binding, 2> kDeviceKeys{{
    {Action::kGraphsOfDevice, "g", "device graphs", "graphs of this device", "graphs"},
    {Action::kRevoke, "R", "revoke", "revoke the device's certificate...", "", Access::kFull},
}};

}  // namespace

ViewSpec device_view() {
  return {.id = View::kDevice,
          .title = "Device",
          .tab = {},
          .word = {},
          .show = std::nullopt,
          .keys = kDeviceKeys,
          .about = ViewSpec::About::kOneDevice,
          .draw = draw_device,
          .context = [](const Area& row, const Scene& scene) { draw_device_line(row, scene); },
          .device = [](const Model&, const UiState& state) { return state.device; },
          .move = scroll_page,
          .open = nullptr,
          .back = nullptr,
          .filter = nullptr,
          .copy = device_line,
          .export_stem = [](const UiState& state) { return state.device; },
          .export_suffix = "txt",
          .export_text = device_page};
}

}  // namespace ota::console
