// The security log: events by severity, followed or held still, and one event in full with its
// place in the log.
#include <algorithm>
#include <array>

#include "base/json.h"
#include "console/export.h"
#include "console/views/view_spec.h"
#include "fleet/event_log.h"
#include "store/audit_chain.h"

namespace ota::console {
namespace {

// Of an event of before the tree: whether it carries the hash that its content demands, and follows
// the one before it where that is here.
std::string chain_state(const Model& model, const model::Event& event) {
  const bool whole = !event.data.is_object() || !event.data.contains("record") ||
                     event.data["record"] != fleet::EventLog::kRecordLeftOut;
  if (whole && store::event_hash(event) != event.hash)
    return "BROKEN: the content does not match its hash";
  const std::string ok = whole ? "ok: hash matches" : "ok: in its place";
  const std::string rest = whole ? "" : "; otactl audit verify checks its content";
  const auto& events = model.newest;
  for (std::size_t i = 1; events && i < events->size(); ++i) {
    if ((*events)[i]->seq != event.seq) continue;
    const bool follows =
        (*events)[i - 1]->hash == event.previous && (*events)[i - 1]->seq + 1 == event.seq;
    if (!follows) {
      return "BROKEN: does not follow event " + std::to_string((*events)[i - 1]->seq);
    }
    std::string sentence = ok;
    return sentence.append(" and follows event ")
        .append(std::to_string(event.seq - 1))
        .append(rest);
  }
  return ok + " (the event before it is not loaded)" + rest;
}

const model::Event* selected_event(const Scene& scene) {
  const auto& events = scene.model.events;
  if (events.empty()) return nullptr;
  const auto index = index_of(events, scene.state.log.selected);
  return index ? events[*index] : events.back();
}

void draw_preview(const Area& area, const Scene& scene) {
  const model::Event* event = selected_event(scene);
  area.rule(0, "Selected event", "Enter full record");
  if (event == nullptr) return;
  int x = area.put(1, 1, event->kind, bold());
  x = area.put(x + 2, 1, "#" + std::to_string(event->seq), {Ink::kDim});
  x = area.put(x + 2, 1, short_word(event->severity), style_of(event->severity));
  x = area.put(x + 2, 1, event->source);
  if (!event->actor.empty()) area.put(x + 2, 1, "by " + event->actor, {Ink::kDim});
  put_wrapped(area, 1, 2, event->message);
}

void draw_full_record(const Area& area, const Scene& scene) {
  const model::Event* event = selected_event(scene);
  if (event == nullptr) return area.rule(0, "Event");
  area.rule(0, "Event " + std::to_string(event->seq),
            scene.state.log.full_record ? "Esc back" : "Enter full record");
  int y = 1 - scene.state.log.scroll;
  const auto field = [&](std::string_view name, std::string_view value, Style style = {}) {
    if (y >= 1) area.put(1, y, name, {Ink::kDim});
    const Area below = area.part(0, 1, area.columns(), area.rows() - 1);
    y = put_wrapped(below, 11, y - 1, value, style) + 1;
  };
  field("time", format_rfc3339(event->at));
  field("level", short_word(event->severity), style_of(event->severity));
  field("kind", event->kind, bold());
  field("source", event->source.empty() ? "-" : event->source);
  field("actor", event->actor.empty() ? "-" : event->actor);
  field("message", event->message);
  if (event->hash.empty()) {
    field("id", event->id.empty() ? "-" : event->id, {Ink::kDim});
    field("log", "entry " + std::to_string(event->seq) + "; otactl audit verify checks it",
          {Ink::kDim});
  } else {
    const std::string chain = chain_state(scene.model, *event);
    field("chain", chain, chain.starts_with("BROKEN") ? bold(Ink::kBad) : Style{Ink::kGood});
    field("hash", event->hash, {Ink::kDim});
    field("previous", event->previous, {Ink::kDim});
  }
  if (!event->data.is_object() || event->data.empty()) return;
  for (const auto& [name, value] : event->data.items()) {
    field(name, value.is_string() ? value.get<std::string>() : dump_json(value));
  }
}

// How many events each five minutes of the last hour had, and how many of them were warnings or
// errors.
void draw_last_hour(const Area& area, const Scene& scene) {
  constexpr int kSteps = 12;
  constexpr std::chrono::minutes kStep{5};
  area.rule(0, "Last hour, per 5 min", "warnings and errors");
  std::array<int, kSteps> all{};
  std::array<int, kSteps> bad{};
  const WallTime end = std::chrono::floor<std::chrono::minutes>(scene.model.now);
  const auto count = [&](const Events& events) {
    for (const auto& event : events) {
      const auto back = end + std::chrono::minutes(1) - event->at;
      if (back.count() < 0 || back >= kSteps * kStep) continue;
      const auto step = static_cast<std::size_t>(back / kStep);
      ++all.at(step);
      if (event->severity >= model::Severity::kWarning) ++bad.at(step);
    }
  };
  count(scene.model.older);
  if (scene.model.fleet->events) count(*scene.model.fleet->events);
  const int most = std::max(1, *std::max_element(all.begin(), all.end()));
  const int room = area.columns() - 22;
  for (int i = 0; i < kSteps && i + 1 < area.rows(); ++i) {
    const auto step = static_cast<std::size_t>(kSteps - 1 - i);
    const WallTime from = end - kStep * static_cast<int>(step + 1) + std::chrono::minutes(1);
    area.put(1, i + 1, time_of_day(from).substr(0, 5), {Ink::kDim});
    const int cells = all.at(step) == 0 ? 0 : std::max(1, all.at(step) * room / most);
    for (int x = 0; x < cells; ++x)
      area.set(7 + x, i + 1, U'█', {Ink::kGraph});
    area.put(8 + cells, i + 1, std::to_string(all.at(step)));
    if (bad.at(step) > 0)
      area.put_right(area.columns() - 1, i + 1, std::to_string(bad.at(step)), bold(Ink::kWarn));
  }
}

// A list without a line says what was looked at, and what can be done.
std::string why_empty(const LogState& log) {
  if (log == LogFilter{}) return "No events yet.";
  const bool fits = log.search && log.search->filter == log;
  if (!fits) return "No event in memory passes the filter.  Up searches older ones, Esc clears it.";
  const std::string back = "#" + std::to_string(log.search->read_to);
  switch (log.search->stage) {
    case LogSearch::Stage::kReading:
      return "Searching older events, now before " + back + "...  Esc ends it.";
    case LogSearch::Stage::kNone:
      return "No event passes the filter, back to the first.  Esc clears it.";
    case LogSearch::Stage::kLimit:
      return "No event back to " + back +
             " passes the filter.  otactl logs --kind, --source look at all.";
  }
  return {};
}

void draw_log(const Area& area, const Scene& scene) {
  if (scene.state.log.full_record) return draw_full_record(area, scene);
  const int side = area.columns() >= kWideColumns ? 64 : 0;
  const int preview = side == 0 && area.rows() >= 16 ? 5 : 0;
  const Area list = area.part(0, 0, area.columns() - side, area.rows() - preview);
  if (side > 0) {
    for (int y = 0; y < area.rows(); ++y)
      area.set(list.columns(), y, U'│', {Ink::kDim});
    constexpr int kHour = 14;
    const Area beside = area.part(list.columns() + 1, 0, side - 1, area.rows());
    draw_full_record(beside.part(0, 0, beside.columns(), beside.rows() - kHour), scene);
    draw_last_hour(beside.part(0, beside.rows() - kHour, beside.columns(), kHour), scene);
  }
  list.rule(0, "Security log", "UTC");
  draw_event_header(list, 1);
  const auto& events = scene.model.events;
  const int visible = list.rows() - 2;
  const auto found = index_of(events, scene.state.log.selected);
  const std::size_t selected = events.empty() ? 0 : found.value_or(events.size() - 1);
  const int first = first_shown(selected, events.size(), visible);
  for (int i = 0; i < visible && first + i < static_cast<int>(events.size()); ++i) {
    const auto index = to_index(first + i);
    draw_event_row(list, i + 2, *events[index]);
    if (index == selected) list.set(0, i + 2, U'▸', bold(Ink::kAccent));
  }
  if (events.empty()) put_wrapped(list, 3, 3, why_empty(scene.state.log));
  if (preview > 0)
    draw_preview(area.part(0, area.rows() - preview, area.columns(), preview), scene);
}

void draw_log_line(const Area& row, const Scene& scene) {
  const LogState& log = scene.state.log;
  int x = row.put(1, 0, "level>=" + std::string(short_word(log.at_least))) + 2;
  x = row.put(x, 0, "source " + (log.source.empty() ? std::string("all") : log.source)) + 2;
  x = row.put(x, 0, "text " + (log.filter.empty() ? std::string("-") : log.filter), {}, 24) + 2;
  if (!log.following) {
    x = row.put(x, 0, "PAUSED  +" + std::to_string(scene.model.new_events.count) + " new",
                reversed(Ink::kWarn)) +
        2;
  } else if (!scene.state.frozen) {  // a picture that stands follows nothing
    x = row.put(x, 0, "FOLLOW", bold(Ink::kGood)) + 2;
  }
  row.put(x, 0,
          std::to_string(scene.model.events.size()) + " shown of " +
              std::to_string(scene.model.fleet->last_event),
          {Ink::kDim});
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

// The source of an event may be an address, or the server: of no device.
std::string device_of_event(const Model& model, const UiState& state) {
  if (model.events.empty()) return {};
  const auto index = index_of(model.events, state.log.selected);
  const std::string& source = model.events[index.value_or(model.events.size() - 1)]->source;
  return model.fleet->find(source) != nullptr ? source : std::string();
}

void move_lines(const Stage& stage, long lines) {
  move_in_log(stage.model, stage.state, lines);
}

void open_event(const Stage& stage) {
  if (stage.model.events.empty()) return;
  if (stage.state.log.following) move_in_log(stage.model, stage.state, 0);
  stage.state.log.full_record = true;
  stage.state.log.scroll = 0;
}

void back_in_log(UiState& state) {
  if (state.log.full_record) {
    state.log.full_record = false;
  } else {
    state.log = LogState{};
  }
}

constexpr std::array<Binding, 7> kLogKeys{{
    {Action::kSeverity, "l", "level", "least severity shown", "level"},
    {Action::kNextError, "e", "next error", "next error", "error"},
    {Action::kPreviousError, "E", "previous error", "previous error", ""},
    {Action::kNextWarning, "w", "next warning", "next warning or error", ""},
    {Action::kPreviousWarning, "W", "previous warning", "previous warning or error", ""},
    {Action::kPauseLog, "Space", "pause log", "hold the log still, or go on", "pause"},
    {Action::kFollow, "f End", "follow", "follow the newest events", "follow"},
}};

}  // namespace

ViewSpec log_view() {
  return {.id = View::kLog,
          .title = "Security log",
          .tab = "Log",
          .word = "log",
          .show = Action::kShowLog,
          .keys = kLogKeys,
          .standstill = ViewSpec::Standstill::kNo,  // Space holds the log alone
          .draw = draw_log,
          .context = draw_log_line,
          .device = device_of_event,
          .move = move_lines,
          .open = open_event,
          .back = back_in_log,
          .filter = [](UiState& state) -> std::string& { return state.log.filter; },
          .copy = event_text,
          .export_stem = [](const UiState&) { return std::string("events"); },
          .export_suffix = "jsonl",
          .export_text = [](const Scene& scene) { return json_lines(scene.model.events); }};
}

// Where it begins to be held still, what memory holds is kept: it may leave memory meanwhile.
void move_in_log(const Model& model, UiState& state, long lines) {
  LogState& log = state.log;
  if (log.full_record) {
    constexpr long kFurthest = 200;
    log.scroll = static_cast<int>(std::clamp<long>(log.scroll + lines, 0, kFurthest));
    return;
  }
  if (log.following) {
    log.following = false;
    log.paused_at = model.fleet->last_event;
    log.held = model.fleet->events;
  }
  const auto& events = model.events;
  if (events.empty()) {
    if (lines < 0) log.search = LogSearch{log, log.at_least, oldest_loaded(model)};
    return;
  }
  const auto last = static_cast<long>(events.size()) - 1;
  const auto index = index_of(events, log.selected);
  const long from = index ? static_cast<long>(*index) : last;
  const long to = std::clamp(from + lines, 0L, last);
  log.selected = events[static_cast<std::size_t>(to)]->seq;
  if (from == 0 && lines < 0) log.search = LogSearch{log, log.at_least, log.selected};
}

}  // namespace ota::console
