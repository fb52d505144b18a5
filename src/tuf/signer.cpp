#include "tuf/signer.h"

#include <algorithm>

#include "base/digest.h"
#include "base/text.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/request.h"
#include "tuf/trusted_set.h"

namespace ota::tuf {
namespace {

constexpr const char* kMemoryFormat = "ota-signer/1";

// The signed files of the request, each verified by the one before.
struct VerifiedInForce {
  Root root;
  Json root_file;  // the newest, with its signatures
  Json part;       // of the role; an empty list where nothing is published in it
  std::uint64_t version = 0;
  std::optional<DelegatedRole> delegation;
  std::map<std::string, std::uint64_t, std::less<>> versions;  // of all that was verified
};

struct VerifiedTargets {
  Json part;
  Targets targets;
};

std::uint64_t version_of_file(const Json& file) {
  return file.at("signed").at("version").get<std::uint64_t>();
}

Result<VerifiedTargets> verified_list(const Json& file, const Role& role, const KeyMap& keys,
                                      std::string_view name) {
  auto envelope = parse_envelope(file.dump(), kTargets);
  if (!envelope) return envelope.error();
  if (auto enough = verify_threshold(*envelope, role, keys, name); !enough) return enough.error();
  auto targets = parse_targets(envelope->signed_part);
  if (!targets) return targets.error();
  return VerifiedTargets{std::move(envelope->signed_part), std::move(*targets)};
}

// From the memory's root on, or from the request's own first one. Older ones than the memory's say
// nothing.
Result<void> follow_roots(const InForce& claimed, const std::optional<SignerMemory>& memory,
                          VerifiedInForce& out) {
  if (claimed.roots.empty()) return fail(Errc::kMalformed, "request file: no root in it");
  out.root_file = memory ? memory->root : claimed.roots.front();
  auto set = TrustedSet::start(out.root_file.dump(), WallTime{});
  if (!set) return set.error();
  for (const Json& file : claimed.roots) {
    if (version_of_file(file) <= set->root().version) continue;
    if (auto next = set->update_root(file.dump()); !next) return next;
    out.root_file = file;
  }
  if (version_of_file(claimed.roots.back()) < set->root().version) {
    return fail(Errc::kRollback, "the request speaks of root version " +
                                     std::to_string(version_of_file(claimed.roots.back())) +
                                     ", and version " + std::to_string(set->root().version) +
                                     " was in force already");
  }
  out.root = set->root();
  return {};
}

Json empty_list() {
  return {{"_type", "targets"},
          {"spec_version", "1.0.34"},
          {"version", 1},
          {"expires", "1970-01-01T00:00:00Z"},
          {"targets", Json::object()}};
}

Result<void> follow_lists(const RequestFile& request, VerifiedInForce& out) {
  if (!request.in_force.targets) return fail(Errc::kMalformed, "request file: no targets in it");
  auto top = verified_list(*request.in_force.targets, out.root.roles.find(kTargets)->second,
                           out.root.keys, kTargets);
  if (!top) return top.error().within("what the request says is in force");
  out.versions[std::string(kTargets)] = top->targets.version;
  if (request.role == kTargets) {
    out.part = std::move(top->part);
    out.version = top->targets.version;
    return {};
  }
  const auto known =
      std::ranges::find(top->targets.delegations, request.role, &DelegatedRole::name);
  if (known != top->targets.delegations.end()) out.delegation = *known;
  out.part = empty_list();
  if (!request.in_force.role) return {};
  if (!out.delegation) return fail(Errc::kSignatures, "nobody delegates to " + request.role);
  auto own = verified_list(*request.in_force.role, *out.delegation, top->targets.delegation_keys,
                           request.role);
  if (!own) return own.error().within("what the request says is in force");
  out.part = std::move(own->part);
  out.version = own->targets.version;
  out.versions[request.role] = out.version;
  return {};
}

Result<VerifiedInForce> verified(const RequestFile& request,
                                 const std::optional<SignerMemory>& memory) {
  VerifiedInForce out;
  if (auto done = follow_roots(request.in_force, memory, out); !done) return done.error();
  out.versions[std::string(kRoot)] = out.root.version;
  if (request.role == kRoot) {
    out.part = out.root_file.at("signed");
    out.version = out.root.version;
  } else if (auto done = follow_lists(request, out); !done) {
    return done.error();
  }
  if (!memory) return out;
  for (const auto& [role, version] : memory->seen) {
    const auto now = out.versions.find(role);
    const bool asked = role == request.role || role == kTargets;
    const std::uint64_t shown = now == out.versions.end() ? 0 : now->second;
    if (asked && request.role != kRoot && shown < version) {
      return fail(Errc::kRollback, "the request shows " + printable(role, 64) + " version " +
                                       std::to_string(shown) + " as in force, and version " +
                                       std::to_string(version) + " was already");
    }
  }
  return out;
}

// A list does not name its role: what is signed for one model must not serve as another's.
Result<void> check_own_names(const RequestFile& request, const VerifiedInForce& now) {
  if (is_top_level(request.role)) return {};
  if (request.part.contains("delegations")) {
    return fail(Errc::kMixAndMatch, "a model's list that delegates");
  }
  const auto list = parse_targets(request.part);
  if (!list) return list.error();
  constexpr std::string_view kModel = "model-";  // role_of_model()
  const std::string folder =
      request.role.starts_with(kModel) ? folder_of_model(request.role.substr(kModel.size())) : "";
  for (const auto& [name, target] : list->targets) {
    const bool own = now.delegation ? now.delegation->covers(name)
                                    : !folder.empty() && name.starts_with(folder + "/");
    if (!own) {
      return fail(Errc::kMixAndMatch, printable(name, 120) + " is not of " + request.role);
    }
  }
  return {};
}

SignerMemory remembered(const SignerMemory& before, const VerifiedInForce& now) {
  SignerMemory after = before;
  after.root = now.root_file;
  for (const auto& [role, version] : now.versions) {
    std::uint64_t& seen = after.seen[role];
    seen = std::max(seen, version);
  }
  return after;
}

Result<SigningRequest> read_checked(const RequestFile& file,
                                    const std::optional<SignerMemory>& memory) {
  const auto now = verified(file, memory);
  if (!now) return now.error();
  auto words = describe_part(file.role, file.part, now->part);
  if (!words) return words.error();
  if (file.part.at("version").get<std::uint64_t>() != now->version + 1) {
    return fail(Errc::kMixAndMatch, "the part to sign is not the next version after " +
                                        std::to_string(now->version) + ", which is in force");
  }
  if (auto own = check_own_names(file, *now); !own) return own.error();
  SigningRequest out{file.role, file.keyids, file.part, std::move(*words), memory.has_value(), {}};
  const std::string digest = sha256_hex(canonical(out.part));
  out.words.push_back("these bytes: sha256 " + digest);
  if (!memory) {
    out.words.emplace_back(
        "comparison NOT verified: this machine has pinned no root, so that what is \"kept\" is the "
        "server's word");
    return out;
  }
  out.words.push_back("compared with " + printable(file.role, 64) + " version " +
                      std::to_string(now->version) +
                      ", verified from the root pinned here (now "
                      "root version " +
                      std::to_string(now->root.version) + ")");
  const auto last = memory->last.find(file.role);
  if (last != memory->last.end() && last->second.version == now->version + 1 &&
      last->second.sha256 != digest) {
    out.words.push_back("you have signed ANOTHER version " + std::to_string(now->version + 1) +
                        " before, sha256 " + last->second.sha256.substr(0, 16) + "...");
  }
  out.after = remembered(*memory, *now);
  out.after->last[file.role] = {now->version + 1, digest};
  return out;
}

}  // namespace

Result<SignerMemory> pin(std::string_view root_file) {
  auto json = parse_strict(root_file);
  if (!json) return json.error().within("root file");
  const auto set = TrustedSet::start(root_file, WallTime{});
  if (!set) return set.error();
  SignerMemory memory;
  memory.root = std::move(*json);
  memory.seen[std::string(kRoot)] = set->root().version;
  return memory;
}

std::vector<std::string> describe_root_of(const SignerMemory& memory) {
  std::vector<std::string> out;
  const auto root = parse_root(memory.root.at("signed"));
  if (!root) return out;
  out.push_back("root version " + std::to_string(root->version) + ", valid until " +
                format_rfc3339(root->expires, Fraction::kNone) + ", sha256 " +
                sha256_hex(canonical(memory.root.at("signed"))));
  for (const std::string_view name : {kRoot, kTargets, kSnapshot, kTimestamp}) {
    const Role& role = root->roles.find(name)->second;
    out.push_back(std::string(name) + ": " + std::to_string(role.threshold) + " of " +
                  std::to_string(role.keyids.size()) + " keys must sign");
    for (const std::string& id : role.keyids)
      out.push_back("  key " + printable(id.substr(0, 16), 64));
  }
  return out;
}

std::string write_memory(const SignerMemory& memory) {
  Json signed_last = Json::object();
  for (const auto& [role, last] : memory.last)
    signed_last[role] = {{"version", last.version}, {"sha256", last.sha256}};
  return Json{{"format", kMemoryFormat},
              {"root", memory.root},
              {"seen", memory.seen},
              {"signed", std::move(signed_last)}}
             .dump(1) +
         "\n";
}

Result<SignerMemory> read_memory(std::string_view document) {
  const auto json = parse_strict(document);
  if (!json) return json.error().within("the signer's memory");
  try {
    if (json->at("format") != kMemoryFormat) {
      return fail(Errc::kUnsupported, "not a signer's memory of this version");
    }
    auto memory = pin(json->at("root").dump());
    if (!memory) return memory.error();
    for (const auto& [role, version] : json->at("seen").items())
      memory->seen[role] = version.get<std::uint64_t>();
    for (const auto& [role, last] : json->at("signed").items()) {
      memory->last[role] = {last.at("version").get<std::uint64_t>(),
                            last.at("sha256").get<std::string>()};
    }
    return memory;
  } catch (const std::exception&) {
    return fail(Errc::kMalformed, "the signer's memory: a member is missing or of another type");
  }
}

Result<SigningRequest> read_request(std::string_view text,
                                    const std::optional<SignerMemory>& memory) {
  const auto file = parse_request(text);
  if (!file) return file.error();
  try {
    return read_checked(*file, memory);
  } catch (const std::exception&) {
    return fail(Errc::kMalformed, "request file: a member is missing or of another type");
  }
}

Result<std::string> sign_request(const SigningRequest& request, const Signer& signer) {
  const std::string& id = signer.public_key().id();
  if (std::ranges::find(request.keyids, id) == request.keyids.end()) {
    return fail(Errc::kKey, "the request does not ask for this key (" + id.substr(0, 16) + ")");
  }
  const std::string bytes = canonical(request.part);
  auto sig = signer.sign(bytes);
  if (!sig) return sig.error();
  return write_signature_file({request.role, sha256_hex(bytes), {id, std::move(*sig)}});
}

}  // namespace ota::tuf
