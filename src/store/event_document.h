// An event as the store keeps it: canonical JSON (keys sorted, no blanks, UTF-8), whose bytes are
// the log's entry and its tree's leaf.
//
//   {"actor":"","at":"2026-08-20T14:03:22.123Z","data":{},"id":"1.7.42.1","kind":"server.up",
//    "message":"…","severity":"info","source":"server"}
//
// It has no number: that is its place in the log. Events of programs before the tree have seq,
// previous and hash instead of the id (audit_chain.h), and stay as they are. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/event.h"

namespace ota::store {

std::string event_document(const model::Event& event);

// The event at this place of the log. One that cannot be read any more comes back as one of kind
// "store.unreadable": reading goes on, and the log's verification names it.
model::Event event_of(std::uint64_t seq, std::string_view document);

// `text` as a JSON string. Most texts need no escape, and those skip the general serializer: every
// event of the system passes here.
void append_json_string(std::string& out, std::string_view text);
// The same behind `key`, which is JSON up to the value: R"(,"kind":)".
void append_member(std::string& out, std::string_view key, std::string_view text);

}  // namespace ota::store
