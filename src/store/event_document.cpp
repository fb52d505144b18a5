#include "store/event_document.h"

#include "base/json.h"
#include "model/event_kind.h"

namespace ota::store {

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  append_json_string(out, text);
}

void append_json_string(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') {
      out += dump_json(Json(text));
      return;
    }
  }
  out += '"';
  out += text;
  out += '"';
}

// Built by hand because a sorted tree for each event costs three times the hash of it.
std::string event_document(const model::Event& event) {
  std::string out;
  append_member(out, R"({"actor":)", event.actor);
  out += R"(,"at":)";
  out += event.at == WallTime{} ? "null" : '"' + format_rfc3339(event.at) + '"';
  out += R"(,"data":)";
  out += event.data.is_object() && event.data.empty() ? "{}" : dump_json(event.data);
  append_member(out, R"(,"id":)", event.id);
  append_member(out, R"(,"kind":)", event.kind);
  append_member(out, R"(,"message":)", event.message);
  append_member(out, R"(,"severity":)", to_text(event.severity));
  append_member(out, R"(,"source":)", event.source);
  out += '}';
  return out;
}

model::Event event_of(std::uint64_t seq, std::string_view document) {
  if (auto json = parse_json(document, {.max_bytes = 8U << 20, .max_depth = 64})) {
    if (auto event = json_as<model::Event>(*json, "event")) {
      event->seq = seq;
      return std::move(*event);
    }
  }
  model::Event unreadable;
  unreadable.seq = seq;
  unreadable.severity = model::Severity::kError;
  unreadable.kind = model::event_kind::kStoreUnreadable;
  unreadable.source = "server";
  unreadable.message = "event " + std::to_string(seq) + " cannot be read: the database was altered";
  return unreadable;
}

}  // namespace ota::store
