// What must hold for any bytes that reach the server: the bodies of the fuzz targets, which the
// unit tests replay over the committed corpus in a plain build.
//
// Each takes one input, returns normally, and asserts (OTA_ASSERT) what must never happen.
#pragma once

#include <openssl/x509.h>

#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "anomaly/csv_rows.h"
#include "api/telemetry_decode.h"
#include "audit/checkpoint.h"
#include "audit/tile_path.h"
#include "base/assert.h"
#include "base/json.h"
#include "base/text.h"
#include "config/config.h"
#include "fleet/record_reader.h"
#include "http/peer_certificate.h"
#include "http/range.h"
#include "model/device.h"
#include "rollout/recording.h"
#include "store/audit_head.h"
#include "store/state_file.h"

namespace ota::fuzz {

// What is taken as telemetry is JSON to another reader too, within the limits, and finite.
inline void telemetry(std::string_view input) {
  constexpr std::size_t kDepth = 8;
  constexpr std::size_t kSamples = 20;
  static std::vector<model::Sample> samples;
  if (!api::decode_telemetry(input, {kSamples, kDepth}, samples)) return;
  OTA_ASSERT(!samples.empty() || input.find('[') != std::string_view::npos);
  OTA_ASSERT(samples.size() <= kSamples);
  for (const model::Sample& sample : samples) {
    OTA_ASSERT(sample.extra.size() <= model::kMaxExtraMetrics);
    for (const auto& value : sample.values)
      OTA_ASSERT(!value || std::isfinite(*value));
  }
  // nlohmann's reader also refuses a key that stands twice where the decoder does not look.
  const auto json = parse_json(input, {.max_bytes = 1U << 20, .max_depth = kDepth});
  OTA_ASSERT(json || json.error().context.find("twice") != std::string::npos ||
             json.error().context.find("duplicate") != std::string::npos);
}

// What is read has one text, and that means the same; no limit is passed.
inline void base_json(std::string_view input) {
  constexpr std::size_t kDepth = 6;
  const auto value = parse_json(input, {.max_bytes = 4096, .max_depth = kDepth});
  if (!value) {
    OTA_ASSERT(value.error().text().size() < 4096);
    return;
  }
  OTA_ASSERT(input.size() <= 4096);
  const std::string text = dump_json(*value);
  const auto again = parse_json(text, {.max_bytes = 1U << 20, .max_depth = kDepth});
  OTA_ASSERT(again && *again == *value);
}

// A state that is taken is written again as the same state.
inline void state_file(std::string_view input) {
  const auto state = store::parse_state(input);
  if (!state) {
    OTA_ASSERT(!state.error().context.empty());
    return;
  }
  store::StateText text;
  for (const store::Put& put : state->documents) {
    if (!text.add_document(put.collection, put.key, put.document)) return;
  }
  constexpr std::size_t kBundle = 256;
  for (std::size_t at = 0; at < state->retired.size(); at += kBundle)
    text.add_retired(std::span(state->retired).subspan(at, kBundle));
  for (const store::StoredEvent& event : state->events)
    OTA_ASSERT(text.add_event(event.document));
  const auto again = store::parse_state(text.finish());
  OTA_ASSERT(again && again->documents.size() == state->documents.size() &&
             again->events.size() == state->events.size() && again->retired == state->retired);
}

// Rows have as many values as there are columns; a bad one does not end the reader.
inline void csv_rows(std::string_view input) {
  std::istringstream in{std::string(input)};
  auto rows = anomaly::CsvRows::open(in);
  if (!rows) return;
  OTA_ASSERT(rows->columns().size() <= anomaly::kMostColumns);
  anomaly::CsvRow row;
  for (std::size_t line = 0; line <= input.size() + 1; ++line) {
    const auto read = rows->next(row);
    if (!read) continue;
    if (!*read) return;
    OTA_ASSERT(row.values.size() == rows->columns().size());
    for (const auto& value : row.values)
      OTA_ASSERT(!value || std::isfinite(*value));
  }
  OTA_ASSERT(false);  // it did not come to an end
}

// A recording of a rollout ends, each line that it brings is JSON, and what half of it brings is the
// beginning of that.
inline void rollout_recording(std::string_view input) {
  const auto lines_of = [](std::string_view text) {
    std::string lines;
    rollout::RecordingOptions options;
    options.write = [&](std::string_view line) {
      OTA_ASSERT(parse_json(line).has_value());
      lines += line;
    };
    std::istringstream in{std::string(text)};
    const auto summary = rollout::judge_recording(in, options);
    OTA_ASSERT(summary || !summary.error().context.empty());
    // The summary is about the rows that were there.
    if (summary) lines.resize(lines.size() - rollout::line_of(*summary).size() - 1);
    return lines;
  };
  OTA_ASSERT(lines_of(input).starts_with(lines_of(input.substr(0, input.size() / 2))));
}

// The quick way and the ordinary one take the same records for the same.
inline void record_reader(std::string_view input) {
  static fleet::RecordReader reader;
  const auto record = reader.read(input);
  if (!record) {
    OTA_ASSERT(!record.error().context.empty());
    return;
  }
  const std::string text = dump_json(*record);
  const auto again = reader.read(text);
  OTA_ASSERT(again && dump_json(*again) == text);
}

// A file is right, or its problems have places; what is taken twice is the same.
inline void config_files(std::string_view input) {
  if (input.empty()) return;
  const char choice = input.front();
  input.remove_prefix(1);
  const auto problems_of = [&](auto parse) {
    const auto parsed = parse(input, "config/x.json");
    const auto again = parse(input, "config/x.json");
    OTA_ASSERT(parsed.ok() == again.ok() && parsed.problems.size() == again.problems.size());
    for (const config::Problem& problem : parsed.problems)
      OTA_ASSERT(!problem.text().empty() && is_utf8(problem.text()));
  };
  switch (static_cast<unsigned char>(choice) % 4) {
    case 0:
      return problems_of(config::parse_console);
    case 1:
      return problems_of(config::parse_thresholds);
    case 2:
      return problems_of(config::parse_ota_settings);
    default:
      return problems_of(config::parse_whitelist);
  }
}

// Up to the first line end the size's digits, then Range, then If-None-Match: what is served lies
// within the file.
inline void field_lists(std::string_view input) {
  const auto line = [&input] {
    const auto end = input.find('\n');
    const std::string_view out = input.substr(0, end);
    input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
    return out;
  };
  std::uint64_t size = 0;
  for (const char c : line().substr(0, 20))
    size = size * 10 + (c >= '0' && c <= '9' ? static_cast<std::uint64_t>(c - '0') : 0U);
  const http::RangeChoice choice = http::choose_range(line(), size);
  OTA_ASSERT(choice.kind == http::RangeChoice::Kind::kUnsatisfiable ||
             (choice.first <= size && choice.length <= size - choice.first));
  OTA_ASSERT(choice.kind != http::RangeChoice::Kind::kPart || choice.length > 0);
  const std::string_view tags = line();
  OTA_ASSERT(!http::matches_etag("", "\"a\""));
  if (http::matches_etag(tags, "\"a\"")) {
    OTA_ASSERT(tags.find("\"a\"") != std::string_view::npos ||
               tags.find('*') != std::string_view::npos);
  }
}

// A log's head that was kept elsewhere, an entry's proof, a tile's path, a verifier: what is read
// is written as what was read, and none is taken for signed that nobody signed.
inline void audit_head(std::string_view input) {
  if (const auto head = store::AuditHead::parse(input)) {
    OTA_ASSERT(head->seq > 0 && store::signed_text(*head).starts_with("ota audit head 1\n"));
  }
  if (const auto checkpoint = audit::Checkpoint::parse(input))
    OTA_ASSERT(input.starts_with(checkpoint->text()));
  if (const auto proof = audit::EntryProof::parse(input)) OTA_ASSERT(proof->text() == input);
  if (const auto path = audit::TilePath::parse(input)) OTA_ASSERT(path->text() == input);
  if (const auto verifier = audit::NoteVerifier::parse(input)) {
    const auto again = audit::NoteVerifier::parse(verifier->text());
    OTA_ASSERT(again && again->id() == verifier->id() && again->name() == verifier->name());
  }
  if (const auto entries = audit::entries_of(input)) {
    std::string bundle;
    for (const std::string& entry : *entries) {
      if (!audit::append_entry(bundle, entry)) return;
    }
    OTA_ASSERT(bundle == input);
  }
  static const auto verifier = audit::NoteVerifier::of("ota.fuzz", audit::RawPublicKey{1});
  OTA_ASSERT(verifier && !audit::open_checkpoint(input, *verifier));
}

// DER of a certificate: whoever it makes a peer has a name that can be one.
inline void certificate_peer(std::string_view input) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(input.data());
  X509* const certificate = d2i_X509(nullptr, &bytes, static_cast<long>(input.size()));
  if (certificate == nullptr) return;
  http::Peer peer;
  http::peer_of_certificate(certificate, peer);
  X509_free(certificate);
  if (peer.role == http::Role::kNone) {
    OTA_ASSERT(peer.name.empty());
    return;
  }
  OTA_ASSERT(is_utf8(peer.name) && !peer.name.empty() && peer.name.size() <= 64);
  OTA_ASSERT(peer.role != http::Role::kDevice || model::valid_device_id(peer.name));
  for (const char c : peer.name)
    OTA_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace ota::fuzz
