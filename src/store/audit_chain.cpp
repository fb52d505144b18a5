#include "store/audit_chain.h"

#include <string_view>

#include "base/digest.h"
#include "base/json.h"

namespace ota::store {
namespace {

// `text` as a JSON string. Most texts need no escape, and those skip the general serializer: every
// event of the system passes here.
void append_string(std::string& out, std::string_view text) {
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

void append_member(std::string& out, std::string_view key, std::string_view text) {
  out += key;
  append_string(out, text);
}

// The canonical form in two parts: "hash" stands between them, as its place in the sorted keys
// wants. Built by hand because a sorted tree for each event costs three times the hash.
struct CanonicalForm {
  std::string before_hash;
  std::string after_hash;
};

CanonicalForm canonical_form(const model::Event& event) {
  CanonicalForm form;
  std::string& front = form.before_hash;
  append_member(front, R"({"actor":)", event.actor);
  front += R"(,"at":)";
  if (event.at == WallTime{}) {
    front += "null";
  } else {
    front += '"' + format_rfc3339(event.at) + '"';
  }
  front += R"(,"data":)";
  front += event.data.is_object() && event.data.empty() ? "{}" : dump_json(event.data);
  front += ',';
  std::string& back = form.after_hash;
  append_member(back, R"("kind":)", event.kind);
  append_member(back, R"(,"message":)", event.message);
  append_member(back, R"(,"previous":)", event.previous);
  back += R"(,"seq":)" + std::to_string(event.seq);
  append_member(back, R"(,"severity":)", to_text(event.severity));
  append_member(back, R"(,"source":)", event.source);
  back += '}';
  return form;
}

std::string hash_of(const CanonicalForm& form) {
  Sha256 digest;
  digest.update(as_bytes(form.before_hash));
  digest.update(as_bytes(form.after_hash));
  return to_hex(digest.finish());
}

}  // namespace

std::string event_hash(const model::Event& event) {
  return hash_of(canonical_form(event));
}

void link(model::Event& event, std::uint64_t seq, const std::string& previous_hash) {
  link_document(event, seq, previous_hash);
}

std::string link_document(model::Event& event, std::uint64_t seq,
                          const std::string& previous_hash) {
  event.seq = seq;
  event.previous = previous_hash;
  CanonicalForm form = canonical_form(event);
  event.hash = hash_of(form);
  std::string document = std::move(form.before_hash);
  document += R"("hash":")" + event.hash + R"(",)" + form.after_hash;
  return document;
}

std::optional<ChainFault> ChainVerifier::check(const model::Event& event) {
  const std::uint64_t expected = last_seq_ + 1;
  const std::string expected_previous = head_;
  ++count_;
  last_seq_ = event.seq;
  head_ = event.hash;
  const std::string name = "event " + std::to_string(event.seq);
  if (event.seq > expected) {
    const std::string range = event.seq == expected + 1
                                  ? "event " + std::to_string(expected) + " is missing"
                                  : "events " + std::to_string(expected) + " to " +
                                        std::to_string(event.seq - 1) + " are missing";
    return ChainFault{expected, range + ": the next one is " + std::to_string(event.seq)};
  }
  if (event.seq < expected) {
    return ChainFault{event.seq, name + " is out of order: it stands where event " +
                                     std::to_string(expected) + " belongs"};
  }
  if (event_hash(event) != event.hash) {
    return ChainFault{event.seq, name + " was edited: its content does not match its hash"};
  }
  if (event.previous != expected_previous) {
    return ChainFault{event.seq, name + " does not follow the one before it: event " +
                                     std::to_string(event.seq - 1) +
                                     " was edited and hashed again, or replaced"};
  }
  return std::nullopt;
}

}  // namespace ota::store
