// What must hold for any bytes that reach the update client: the bodies of the fuzz targets, which
// the unit tests replay over the committed corpus in a plain build.
//
// Each takes one input, returns normally, and asserts (OTA_ASSERT) what must never happen.
#pragma once

#include <string>
#include <string_view>

#include "base/assert.h"
#include "tuf/firmware.h"
#include "tuf/metadata.h"
#include "tuf/names.h"
#include "tuf/strict_json.h"
#include "tuf/trusted_set.h"

namespace ota::fuzz {

// What is read strictly has one canonical text, and that text (where it is JSON at all: control
// characters stay raw in it) means the same.
inline void tuf_json(std::string_view input) {
  const auto value = tuf::parse_strict(input);
  if (!value) return;
  const std::string text = tuf::canonical(*value);
  const auto again = tuf::parse_strict(text);
  if (again) {
    OTA_ASSERT(*again == *value);
    OTA_ASSERT(tuf::canonical(*again) == text);
  }
}

// The first byte chooses the role; the rest is the file. Nobody signed it, so no threshold is met.
inline void tuf_metadata(std::string_view input) {
  if (input.empty()) return;
  const char choice = input.front();
  input.remove_prefix(1);
  const std::string_view types[] = {tuf::kRoot, tuf::kTimestamp, tuf::kSnapshot, tuf::kTargets};
  const std::string_view type = types[static_cast<unsigned char>(choice) % 4];
  const auto envelope = tuf::parse_envelope(input, type);
  if (!envelope) return;
  if (type == tuf::kRoot) {
    if (const auto root = tuf::parse_root(envelope->signed_part)) {
      OTA_ASSERT(root->version >= 1 && root->roles.size() == 4);
      for (const auto& [id, key] : root->keys)
        OTA_ASSERT(key.id() == id);
    }
  } else if (type == tuf::kTimestamp) {
    (void)tuf::parse_timestamp(envelope->signed_part);
  } else if (type == tuf::kSnapshot) {
    (void)tuf::parse_snapshot(envelope->signed_part);
  } else if (const auto targets = tuf::parse_targets(envelope->signed_part)) {
    for (const auto& [name, target] : targets->targets) {
      (void)tuf::firmware_of(target);
      OTA_ASSERT(tuf::stored_name(name).find('/') == std::string::npos);
    }
    for (const tuf::DelegatedRole& role : targets->delegations)
      (void)role.covers("dir/firmware-2.1.5.img");
  }
}

// A whole set of files, separated by NUL bytes, through all rules; a set that nobody signed is
// never trusted past its own root.
inline void tuf_rules(std::string_view input) {
  const auto next = [&] {
    const std::size_t end = input.find('\0');
    const std::string_view piece = input.substr(0, end);
    input = end == std::string_view::npos ? std::string_view() : input.substr(end + 1);
    return piece;
  };
  auto set = tuf::TrustedSet::start(next(), WallTime{});
  if (!set) return;
  while (set->update_root(next())) {
  }
  (void)set->close_roots();
  set->load_timestamp(next());
  if (!set->update_timestamp(next())) return;
  (void)set->load_snapshot(next());
  if (!set->update_snapshot(next())) return;
  (void)set->update_targets(next());
  (void)set->update_delegated(next(), "A", tuf::kTargets);
}

// "pattern\ntarget": matching ends, and a pattern without wildcards matches itself alone.
inline void tuf_pattern(std::string_view input) {
  constexpr std::size_t kMax = 2000;
  if (input.size() > kMax) return;
  const std::size_t line = input.find('\n');
  const std::string_view pattern = input.substr(0, line);
  const std::string_view target =
      line == std::string_view::npos ? std::string_view() : input.substr(line + 1);
  const bool matches = tuf::pattern_matches(pattern, target);
  if (pattern.find_first_of("*?[") == std::string_view::npos) {
    OTA_ASSERT(matches == (pattern == target));
  }
}

}  // namespace ota::fuzz
