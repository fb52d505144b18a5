#include "store/log_import.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "model/event_kind.h"
#include "model/time_json.h"

namespace ota::store {
namespace {

constexpr const char* kAsked = model::event_kind::kAuditImport;
constexpr const char* kAcknowledged = model::event_kind::kAuditAcknowledged;

model::Event word_on_import(const char* kind, const std::string& actor, WallTime now) {
  model::Event event;
  event.at = now;
  event.severity = model::Severity::kError;
  event.kind = kind;
  event.source = "server";
  event.actor = actor;
  return event;
}

Result<std::vector<model::Event>> newest_of_kind(Store& store, std::string_view kind) {
  EventQuery query;
  query.kind_prefix = kind;
  query.newest_first = true;
  auto events = store.events(query);
  if (!events) return events.error();
  std::erase_if(*events, [&](const model::Event& event) { return event.kind != kind; });
  std::ranges::reverse(*events);
  return events;
}

// What the event says of the log that came; one that cannot be read says nothing.
void read_data(const Json& data, LogImport& entry) {
  try {
    data.at("log").get_to(entry.log);
    data.at("events").get_to(entry.events);
    data.at("root").get_to(entry.root);
    entry.origin = data.value("origin", "");
    entry.checkpoint = data.value("checkpoint", "");
  } catch (const std::exception&) {
    entry.events = 0;
  }
}

}  // namespace

std::optional<model::Event> announcement(Store& store, std::string_view document,
                                         const std::string& actor, WallTime now) {
  if (store.last_event() == 0) return std::nullopt;
  model::Event event = word_on_import(kAsked, actor, now);
  const std::string digest = sha256_hex(document);
  event.message = actor + " imports a state of " + format_bytes(document.size()) + ", sha256 " +
                  digest.substr(0, 16) + "...";
  event.data = {{"bytes", document.size()}, {"sha256", digest}};
  return event;
}

Result<void> write_down(Store& store, model::Event word) {
  Batch batch;
  batch.events.push_back(std::move(word));
  store.commit(std::move(batch), {});
  return store.flush();
}

Result<std::vector<LogImport>> imports_of(Store& store) {
  const auto imported = newest_of_kind(store, kLogImported);
  if (!imported) return imported.error();
  const auto asked = newest_of_kind(store, kAsked);
  if (!asked) return asked.error();
  const auto seen = newest_of_kind(store, kAcknowledged);
  if (!seen) return seen.error();
  std::vector<LogImport> out;
  for (const model::Event& event : *imported) {
    LogImport entry;
    entry.seq = event.seq;
    entry.at = event.at;
    entry.message = event.message;
    read_data(event.data, entry);
    for (const model::Event& before : *asked) {
      if (before.seq < event.seq) entry.actor = before.actor;
    }
    for (const model::Event& word : *seen) {
      if (word.data.is_object() && word.data.value("import", Json()) == event.seq)
        entry.acknowledged_by = word.actor;
    }
    out.push_back(std::move(entry));
  }
  return out;
}

Result<model::Event> acknowledgement(Store& store, std::uint64_t seq, const std::string& actor,
                                     WallTime now) {
  const auto imports = imports_of(store);
  if (!imports) return imports.error();
  if (std::ranges::find(*imports, seq, &LogImport::seq) == imports->end())
    return fail(Errc::kNotFound, "event " + std::to_string(seq) + " is no import");
  model::Event event = word_on_import(kAcknowledged, actor, now);
  event.severity = model::Severity::kNotice;
  event.message = actor + " has seen to the import of event " + std::to_string(seq);
  event.data = {{"import", seq}};
  return event;
}

Json imports_json(const std::vector<LogImport>& imports) {
  Json out = Json::array();
  for (const LogImport& entry : imports) {
    out.push_back({{"seq", entry.seq},
                   {"at", model::time_json(entry.at)},
                   {"message", entry.message},
                   {"actor", entry.actor},
                   {"log", entry.log},
                   {"events", entry.events},
                   {"root", entry.root},
                   {"origin", entry.origin},
                   {"checkpoint", entry.checkpoint},
                   {"acknowledged_by", entry.acknowledged_by}});
  }
  return out;
}

}  // namespace ota::store
