// The security log: events by severity, followed or held still, and one event in full with its
// place in the chain.
#include <algorithm>

#include "base/json.h"
#include "console/views/scene.h"
#include "store/audit_chain.h"

namespace ota::console {
namespace {

// Words of `text` over as many rows as there are; returns the row after the last one.
int put_wrapped(const Area& area, int x, int y, std::string_view text, Style style = {}) {
  const int room = std::max(8, area.columns() - x - 1);
  std::string line;
  const auto flush = [&] {
    area.put(x, y++, line, style);
    line.clear();
  };
  while (!text.empty()) {
    std::size_t end = text.find(' ');
    std::string word(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && cells_of(line) + 1 + cells_of(word) > room) flush();
    while (cells_of(word) > room) {  // a digest, or what an attacker sends: cut hard
      std::size_t bytes = 0;
      for (int cells = 0; cells < room - 1;) {
        const Glyph glyph = first_glyph(std::string_view(word).substr(bytes));
        bytes += glyph.bytes;
        cells += std::max(1, glyph.cells);
      }
      line = word.substr(0, bytes);
      word.erase(0, bytes);
      flush();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  if (!line.empty()) flush();
  return y;
}

// Whether the event carries the hash that its content demands, and follows the one before it where
// that is here.
std::string chain_state(const Model& model, const model::Event& event) {
  if (event.hash.empty()) return "not in the chain";
  if (store::event_hash(event) != event.hash) return "BROKEN: the content does not match its hash";
  const auto& events = model.fleet->events;
  for (std::size_t i = 1; events && i < events->size(); ++i) {
    if ((*events)[i]->seq != event.seq) continue;
    const bool follows =
        (*events)[i - 1]->hash == event.previous && (*events)[i - 1]->seq + 1 == event.seq;
    return follows ? "ok: hash matches and follows event " + std::to_string(event.seq - 1)
                   : "BROKEN: does not follow event " + std::to_string((*events)[i - 1]->seq);
  }
  return "ok: hash matches (the event before it is not loaded)";
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
  area.rule(0, "Event " + std::to_string(event->seq), "Esc back");
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
  const std::string chain = chain_state(scene.model, *event);
  field("chain", chain, chain.starts_with("BROKEN") ? bold(Ink::kBad) : Style{Ink::kGood});
  field("hash", event->hash.empty() ? "-" : event->hash, {Ink::kDim});
  field("previous", event->previous.empty() ? "-" : event->previous, {Ink::kDim});
  if (!event->data.is_object() || event->data.empty()) return;
  for (const auto& [name, value] : event->data.items()) {
    field(name, value.is_string() ? value.get<std::string>() : dump_json(value));
  }
}

}  // namespace

void draw_log(const Area& area, const Scene& scene) {
  if (scene.state.log.full_record) return draw_full_record(area, scene);
  const int preview = area.rows() >= 16 ? 5 : 0;
  const Area list = area.part(0, 0, area.columns(), area.rows() - preview);
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
  if (events.empty()) {
    const bool filtered = !scene.state.log.filter.empty() || !scene.state.log.source.empty() ||
                          scene.state.log.at_least != model::Severity::kInfo;
    list.put(3, 3, filtered ? "No event passes the filter.  Esc clears it." : "No events yet.");
  }
  if (preview > 0)
    draw_preview(area.part(0, area.rows() - preview, area.columns(), preview), scene);
}

}  // namespace ota::console
