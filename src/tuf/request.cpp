// Request:   {"format":"ota-request/2","role":"model-rpi4","keyids":[...],"signed":{...},
//             "in_force":{"roots":[{"signed":...,"signatures":...}...],"targets":{...},"role":{...}}}
// Signature: {"format":"ota-signature/1","role":"targets","sha256":"of the canonical bytes",
//             "keyid":"...","sig":"..."}
#include "tuf/request.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/text.h"
#include "tuf/error.h"
#include "tuf/firmware.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxBytes = 16000000;  // two lists of 5 MB, and the roots
constexpr const char* kRequestFormat = "ota-request/2";
constexpr const char* kSignatureFormat = "ota-signature/1";

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words)
    out += (out.empty() ? "" : ", ") + printable(word, 64);
  return out;
}

std::string target_words(const TargetInfo& target) {
  const auto firmware = firmware_of(target);
  if (!firmware) return printable(target.name, 120) + " (not a firmware image)";
  const model::Release& release = firmware->release;
  std::string words = release.version.label() + " for " + joined(release.hardware) + ", " +
                      std::string(to_text(release.release_class)) + ", " +
                      format_bytes(release.length) + ", sha256 " + release.sha256;
  if (firmware->rollback_floor) {
    words += ", no device may go below " + firmware->rollback_floor->label() + " after it";
  }
  if (firmware->packed) words += ", packed " + format_bytes(firmware->packed->length);
  for (const Patch& patch : firmware->patches) {
    words += ", patch from " + patch.from_version.label() + " (" + patch.from.substr(0, 16) +
             "...): " + format_bytes(patch.length) + " of " + format_bytes(release.length);
  }
  return words;
}

// What no line above speaks of is signed as well.
void describe_others(const Json& next, const Json& now, std::initializer_list<const char*> told,
                     std::vector<std::string>& out) {
  const auto differs = [&](const std::string& name) {
    return std::ranges::find(told, name) == told.end() &&
           next.value(name, Json()) != now.value(name, Json());
  };
  std::set<std::string> names;
  for (const Json* part : {&next, &now}) {
    for (const auto& [name, value] : part->items()) {
      if (differs(name)) names.insert(name);
    }
  }
  for (const std::string& name : names)
    out.push_back("CHANGES the member " + printable(name, 64));
}

bool same_target(const TargetInfo& a, const TargetInfo& b) {
  return a.length == b.length && a.hashes == b.hashes && a.custom == b.custom;
}

void describe_targets(const Targets& next, const Targets& now, std::vector<std::string>& out) {
  for (const auto& [name, target] : next.targets) {
    const auto old = now.targets.find(name);
    const char* verb = old == now.targets.end()           ? "ADDS    "
                       : same_target(old->second, target) ? "keeps   "
                                                          : "CHANGES ";
    out.push_back(verb + target_words(target));
  }
  for (const auto& [name, target] : now.targets) {
    if (!next.targets.contains(name)) out.push_back("REMOVES " + target_words(target));
  }
  for (const DelegatedRole& role : next.delegations) {
    const auto old = std::ranges::find(now.delegations, role.name, &DelegatedRole::name);
    const bool same = old != now.delegations.end() && old->paths == role.paths &&
                      old->threshold == role.threshold && old->terminating == role.terminating &&
                      old->path_hash_prefixes == role.path_hash_prefixes &&
                      std::ranges::is_permutation(old->keyids, role.keyids);
    out.push_back((same ? "keeps   " : "DELEGATES ") + joined(role.paths) + " to " +
                  printable(role.name, 64) + ", " + std::to_string(role.threshold) + " of " +
                  std::to_string(role.keyids.size()) + " keys must sign");
  }
  for (const DelegatedRole& role : now.delegations) {
    if (std::ranges::find(next.delegations, role.name, &DelegatedRole::name) ==
        next.delegations.end()) {
      out.push_back("REMOVES the delegation to " + printable(role.name, 64));
    }
  }
}

void describe_root(const Root& next, const Root& now, std::vector<std::string>& out) {
  for (const std::string_view name : {kRoot, kTargets, kSnapshot, kTimestamp}) {
    const Role& role = next.roles.find(name)->second;
    const Role& old = now.roles.find(name)->second;
    const bool same =
        role.threshold == old.threshold && std::ranges::is_permutation(role.keyids, old.keyids);
    out.push_back((same ? "keeps   " : "CHANGES ") + std::string(name) + ": " +
                  std::to_string(role.threshold) + " of " + std::to_string(role.keyids.size()) +
                  " keys must sign");
    if (same) continue;
    for (const std::string& id : role.keyids) {
      if (std::ranges::find(old.keyids, id) == old.keyids.end()) {
        out.push_back("  adds key    " + printable(id.substr(0, 16), 64));
      }
    }
    for (const std::string& id : old.keyids) {
      if (std::ranges::find(role.keyids, id) == role.keyids.end()) {
        out.push_back("  removes key " + printable(id.substr(0, 16), 64));
      }
    }
  }
  if (next.director != now.director) {
    out.push_back("CHANGES director: " + (next.director
                                              ? std::to_string(next.director->threshold) + " of " +
                                                    std::to_string(next.director->keyids.size()) +
                                                    " keys must sign each job"
                                              : std::string("jobs need no signature any more")));
  }
}

// An envelope may be absent; it must not be anything else than an object.
std::optional<Json> envelope_in(const Json& in, const char* key) {
  if (!in.contains(key)) return std::nullopt;
  if (!in[key].is_object()) throw std::invalid_argument(std::string(key) + " is no signed file");
  return in[key];
}

RequestFile request_of(const Json& json) {
  RequestFile request;
  request.role = json.at("role").get<std::string>();
  request.keyids = json.at("keyids").get<std::vector<std::string>>();
  request.part = json.at("signed");
  const Json& in_force = json.at("in_force");
  request.in_force.roots = in_force.at("roots").get<std::vector<Json>>();
  request.in_force.targets = envelope_in(in_force, "targets");
  request.in_force.role = envelope_in(in_force, "role");
  return request;
}

}  // namespace

Result<std::vector<std::string>> describe_part(std::string_view role, const Json& next,
                                               const Json& now) {
  std::vector<std::string> out;
  const auto header = [&](const Header& head) {
    out.push_back(printable(role, 64) + " version " + std::to_string(head.version) +
                  ", valid until " + format_rfc3339(head.expires, Fraction::kNone));
  };
  if (role != kRoot) {
    if (role == kSnapshot || role == kTimestamp) {
      return fail(Errc::kUnsupported, "snapshot and timestamp are not signed by hand");
    }
    const auto parsed = parse_targets(next);
    if (!parsed) return parsed.error();
    const auto published = parse_targets(now);
    if (!published) return published.error();
    header(*parsed);
    describe_targets(*parsed, *published, out);
    describe_others(next, now, {"version", "expires", "targets", "delegations"}, out);
    return out;
  }
  const auto parsed = parse_root(next);
  if (!parsed) return parsed.error();
  const auto published = parse_root(now);
  if (!published) return published.error();
  header(*parsed);
  describe_root(*parsed, *published, out);
  describe_others(next, now, {"version", "expires", "keys", "roles", "x-ota-director"}, out);
  return out;
}

std::string write_request(const RequestFile& request) {
  Json in_force{{"roots", request.in_force.roots}};
  if (request.in_force.targets) in_force["targets"] = *request.in_force.targets;
  if (request.in_force.role) in_force["role"] = *request.in_force.role;
  return Json{{"format", kRequestFormat},
              {"role", request.role},
              {"keyids", request.keyids},
              {"signed", request.part},
              {"in_force", std::move(in_force)}}
             .dump(1) +
         "\n";
}

Result<RequestFile> parse_request(std::string_view text) {
  if (text.size() > kMaxBytes) return fail(Errc::kEndlessData, "request file");
  const auto json = parse_strict(text);
  if (!json) return json.error().within("request file");
  try {
    if (json->at("format") != kRequestFormat) {
      return fail(Errc::kUnsupported,
                  "not a request file of this version; let the server write it anew");
    }
    RequestFile request = request_of(*json);
    if (request.part.at("_type") != (request.role == kRoot ? kRoot : kTargets)) {
      return fail(Errc::kMalformed, "request file: the part to sign is of another role");
    }
    return request;
  } catch (const std::exception&) {
    return fail(Errc::kMalformed, "request file: a member is missing or of another type");
  }
}

std::string write_signature_file(const SignatureFile& file) {
  return Json{{"format", kSignatureFormat},
              {"role", file.role},
              {"sha256", file.sha256},
              {"keyid", file.signature.keyid},
              {"sig", file.signature.sig}}
             .dump(1) +
         "\n";
}

Result<SignatureFile> parse_signature_file(std::string_view text) {
  constexpr std::size_t kMaxSignatureBytes = 65536;
  if (text.size() > kMaxSignatureBytes) return fail(Errc::kEndlessData, "signature file");
  const auto json = parse_strict(text);
  if (!json) return json.error().within("signature file");
  try {
    if (json->at("format") != kSignatureFormat) {
      return fail(Errc::kUnsupported, "not a signature file of this version");
    }
    return SignatureFile{
        json->at("role").get<std::string>(),
        json->at("sha256").get<std::string>(),
        {json->at("keyid").get<std::string>(), json->at("sig").get<std::string>()}};
  } catch (const std::exception&) {
    return fail(Errc::kMalformed, "signature file: a member is missing or of another type");
  }
}

}  // namespace ota::tuf
