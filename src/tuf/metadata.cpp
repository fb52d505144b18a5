#include "tuf/metadata.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "tuf/error.h"
#include "tuf/hash.h"
#include "tuf/names.h"

namespace ota::tuf {
namespace {

// Far above what any repository needs; they bound the work on a hostile file of legal size.
constexpr std::size_t kMaxSignatures = 256;
constexpr std::size_t kMaxKeys = 1024;
constexpr std::size_t kMaxDelegations = 4096;

// Thrown and caught within this file only: what the form lacks.
struct Malformed {
  std::string what;
};
[[noreturn]] void malformed(std::string what) {
  throw Malformed{std::move(what)};
}

const Json& member(const Json& object, const char* name) {
  if (!object.is_object())
    malformed("no object where one with \"" + std::string(name) + "\" is due");
  const auto found = object.find(name);
  if (found == object.end()) malformed("\"" + std::string(name) + "\" is missing");
  return *found;
}
const Json& object_at(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_object()) malformed("\"" + std::string(name) + "\" is no object");
  return value;
}
const Json& array_at(const Json& object, const char* name, std::size_t max) {
  const Json& value = member(object, name);
  if (!value.is_array() || value.size() > max) {
    malformed("\"" + std::string(name) + "\" is no array of at most " + std::to_string(max));
  }
  return value;
}
const std::string& text_of(const Json& value, const char* name) {
  if (!value.is_string()) malformed("\"" + std::string(name) + "\" is no string");
  return value.get_ref<const std::string&>();
}
const std::string& text_at(const Json& object, const char* name) {
  return text_of(member(object, name), name);
}
std::uint64_t number_at(const Json& object, const char* name, std::uint64_t least) {
  const Json& value = member(object, name);
  // Values that this program made itself may carry the signed tag; those it parsed are within 2^53.
  if (!value.is_number_integer() || value < 0 || value.get<std::uint64_t>() < least) {
    malformed("\"" + std::string(name) + "\" is no integer of at least " + std::to_string(least));
  }
  return value.get<std::uint64_t>();
}
bool flag_at(const Json& object, const char* name) {
  const Json& value = member(object, name);
  if (!value.is_boolean()) malformed("\"" + std::string(name) + "\" is neither true nor false");
  return value.get<bool>();
}

// TUF 1.0.34 section 4.2.1: YYYY-MM-DDTHH:MM:SSZ and nothing else.
WallTime time_of(const std::string& text) {
  constexpr std::size_t kLength = 20;
  const auto time = parse_rfc3339(text);
  if (text.size() != kLength || text[10] != 'T' || text[19] != 'Z' || !time) {
    malformed("a time that is not YYYY-MM-DDTHH:MM:SSZ");
  }
  return *time;
}

Header header_of(const Json& in) {
  return {number_at(in, "version", 1), time_of(text_at(in, "expires"))};
}

std::vector<std::string> keyids_of(const Json& in) {
  std::vector<std::string> ids;
  std::set<std::string> seen;
  for (const Json& id : array_at(in, "keyids", kMaxKeys)) {
    ids.push_back(text_of(id, "keyids"));
    if (!seen.insert(ids.back()).second) malformed("a role that lists a key id twice");
  }
  return ids;
}
Role role_of(const Json& in) {
  return {keyids_of(in), number_at(in, "threshold", 1)};
}

// A key whose id is not the digest of its description cannot count for that id: it is left out,
// like one of an unknown type, and the role's threshold decides.
KeyMap keys_of(const Json& in) {
  if (in.size() > kMaxKeys) malformed("more than " + std::to_string(kMaxKeys) + " keys");
  KeyMap keys;
  for (const auto& [id, description] : in.items()) {
    auto key = PublicKey::parse(description);
    if (!key) malformed(key.error().context);
    if (key->id() == id) keys.emplace(id, std::move(*key));
  }
  return keys;
}

Hashes hashes_of(const Json& in) {
  if (!in.is_object() || in.empty()) malformed("\"hashes\" is no object with at least one");
  Hashes hashes;
  for (const auto& [algorithm, value] : in.items())
    hashes.emplace_back(algorithm, text_of(value, "hashes"));
  return hashes;
}
MetaFile meta_file_of(const Json& in) {
  MetaFile file;
  file.version = number_at(in, "version", 1);
  if (in.contains("length")) file.length = number_at(in, "length", 1);
  if (in.contains("hashes")) file.hashes = hashes_of(in.at("hashes"));
  return file;
}

std::vector<std::string> texts_of(const Json& in, const char* name) {
  std::vector<std::string> texts;
  for (const Json& text : array_at(in, name, kMaxDelegations))
    texts.push_back(text_of(text, name));
  return texts;
}
DelegatedRole delegated_role_of(const Json& in) {
  DelegatedRole role;
  static_cast<Role&>(role) = role_of(in);
  role.name = text_at(in, "name");
  if (role.name.empty() || is_top_level(role.name)) {
    malformed("a delegation to a role that is called \"" + role.name + "\"");
  }
  role.terminating = flag_at(in, "terminating");
  if (in.contains("paths") == in.contains("path_hash_prefixes")) {
    malformed("a delegation needs either paths or path_hash_prefixes");
  }
  if (in.contains("paths")) {
    role.paths = texts_of(in, "paths");
  } else {
    role.path_hash_prefixes = texts_of(in, "path_hash_prefixes");
  }
  return role;
}

void read_delegations(const Json& in, Targets& out) {
  out.delegation_keys = keys_of(object_at(in, "keys"));
  std::set<std::string> names;
  for (const Json& role : array_at(in, "roles", kMaxDelegations)) {
    out.delegations.push_back(delegated_role_of(role));
    if (!names.insert(out.delegations.back().name).second) {
      malformed("a role that is delegated to twice by one delegator");
    }
  }
}

TargetInfo target_of(const std::string& name, const Json& in) {
  TargetInfo target;
  target.name = name;
  target.length = number_at(in, "length", 0);
  target.hashes = hashes_of(member(in, "hashes"));
  target.custom = in.contains("custom") ? canonical(object_at(in, "custom")) : "{}";
  return target;
}

// "1.0", "1.0.31": major version 1 of the specification, numbers only.
bool is_known_specification(std::string_view text) {
  if (!text.starts_with("1.") || text.size() == 2 || text.back() == '.') return false;
  return std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

Envelope envelope_of(const Json& file, std::string_view type) {
  Envelope envelope;
  envelope.signed_part = object_at(file, "signed");
  if (text_at(envelope.signed_part, "_type") != type) {
    malformed("not of the type \"" + std::string(type) + "\"");
  }
  std::set<std::string> signers;
  for (const Json& entry : array_at(file, "signatures", kMaxSignatures)) {
    envelope.signatures.push_back({text_at(entry, "keyid"), text_at(entry, "sig")});
    if (!signers.insert(envelope.signatures.back().keyid).second) {
      malformed("two signatures of one key id");
    }
  }
  envelope.signed_bytes = canonical(envelope.signed_part);
  return envelope;
}

// Runs `read` and turns what it throws into an Error that says of which role.
template <class Read>
auto guarded(std::string_view role, Read read) -> Result<decltype(read())> {
  try {
    return read();
  } catch (const Malformed& problem) {
    return fail(Errc::kMalformed, std::string(role) + ": " + problem.what);
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string(role) + ": " + error.what());
  }
}

Root root_of(const Json& in) {
  Root root;
  static_cast<Header&>(root) = header_of(in);
  if (in.contains("consistent_snapshot")) {
    root.consistent_snapshot = flag_at(in, "consistent_snapshot");
  }
  root.keys = keys_of(object_at(in, "keys"));
  const Json& roles = object_at(in, "roles");
  for (const std::string_view name : {kRoot, kTimestamp, kSnapshot, kTargets}) {
    const std::string key(name);
    root.roles.emplace(key, role_of(object_at(roles, key.c_str())));
  }
  if (in.contains("x-ota-director")) {
    const Json& director = object_at(in, "x-ota-director");
    root.director_keys = keys_of(object_at(director, "keys"));
    root.director = role_of(director);
  }
  return root;
}

}  // namespace

bool is_top_level(std::string_view role) {
  return role == kRoot || role == kTimestamp || role == kSnapshot || role == kTargets;
}

bool DelegatedRole::covers(std::string_view target) const {
  if (!path_hash_prefixes.empty()) {
    const std::string digest = sha256_hex(target);
    return std::ranges::any_of(path_hash_prefixes,
                               [&](const std::string& p) { return digest.starts_with(p); });
  }
  return std::ranges::any_of(paths,
                             [&](const std::string& p) { return pattern_matches(p, target); });
}

Result<Envelope> parse_envelope(std::string_view file, std::string_view type) {
  const auto json = parse_strict(file);
  if (!json) return json.error().within(std::string(type));
  auto envelope = guarded(type, [&] { return envelope_of(*json, type); });
  if (!envelope) return envelope;
  const auto specification =
      guarded(type, [&] { return text_at(envelope->signed_part, "spec_version"); });
  if (!specification) return specification.error();
  if (!is_known_specification(*specification)) {
    return fail(Errc::kUnsupported, std::string(type) + ": specification version \"" +
                                        specification->substr(0, 20) + "\"");
  }
  return envelope;
}

Result<Root> parse_root(const Json& signed_part) {
  return guarded(kRoot, [&] { return root_of(signed_part); });
}

Result<Timestamp> parse_timestamp(const Json& signed_part) {
  return guarded(kTimestamp, [&] {
    Timestamp timestamp;
    static_cast<Header&>(timestamp) = header_of(signed_part);
    timestamp.snapshot = meta_file_of(object_at(object_at(signed_part, "meta"), "snapshot.json"));
    if (signed_part.contains("x-ota-issued")) {
      timestamp.issued = time_of(text_at(signed_part, "x-ota-issued"));
    }
    return timestamp;
  });
}

Result<Snapshot> parse_snapshot(const Json& signed_part) {
  return guarded(kSnapshot, [&] {
    Snapshot snapshot;
    static_cast<Header&>(snapshot) = header_of(signed_part);
    for (const auto& [name, file] : object_at(signed_part, "meta").items())
      snapshot.meta.emplace(name, meta_file_of(file));
    return snapshot;
  });
}

Result<Targets> parse_targets(const Json& signed_part) {
  return guarded(kTargets, [&] {
    Targets targets;
    static_cast<Header&>(targets) = header_of(signed_part);
    for (const auto& [name, target] : object_at(signed_part, "targets").items())
      targets.targets.emplace(name, target_of(name, target));
    if (signed_part.contains("delegations")) {
      read_delegations(object_at(signed_part, "delegations"), targets);
    }
    return targets;
  });
}

Result<void> verify_threshold(const Envelope& envelope, const Role& role, const KeyMap& keys,
                              std::string_view role_name) {
  std::set<std::string> signers;  // by the key itself, not by its id
  for (const Signature& signature : envelope.signatures) {
    if (std::ranges::find(role.keyids, signature.keyid) == role.keyids.end()) continue;
    const auto key = keys.find(signature.keyid);
    if (key == keys.end() || signers.contains(key->second.material())) continue;
    if (key->second.verifies(envelope.signed_bytes, signature.sig)) {
      signers.insert(key->second.material());
    }
  }
  if (signers.size() >= role.threshold) return {};
  return fail(Errc::kSignatures, std::string(role_name) + ": " + std::to_string(signers.size()) +
                                     " of " + std::to_string(role.threshold) +
                                     " signatures that are needed");
}

Result<void> check_announced(std::string_view file, const MetaFile& announced,
                             std::string_view name) {
  if (announced.length && *announced.length != file.size()) {
    return fail(Errc::kMixAndMatch, std::string(name) + ": " + std::to_string(file.size()) +
                                        " bytes, announced are " +
                                        std::to_string(*announced.length));
  }
  if (announced.hashes.empty()) return {};
  HashCheck check(announced.hashes);
  if (!check.possible()) {
    return fail(Errc::kUnsupported, std::string(name) + ": no known hash is announced");
  }
  check.update(file);
  if (!check.matches()) {
    return fail(Errc::kMixAndMatch, std::string(name) + ": other bytes than announced");
  }
  return {};
}

}  // namespace ota::tuf
