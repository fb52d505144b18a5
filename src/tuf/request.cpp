// Request and signature files: what travels between the server and a signer without a network.
//
// Request:   {"format":"ota-request/1","role":"targets","keyids":[...],"signed":{...},
//             "published":{...}}      "published" is the part that is in force, for the comparison
// Signature: {"format":"ota-signature/1","role":"targets","sha256":"of the canonical bytes",
//             "keyid":"...","sig":"..."}
#include "tuf/request.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/text.h"
#include "tuf/ceremony.h"
#include "tuf/error.h"
#include "tuf/firmware.h"

namespace ota::tuf {
namespace {

constexpr std::size_t kMaxBytes = 12000000;

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
  return words;
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
                      old->threshold == role.threshold &&
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
        out.push_back("  adds key    " + id.substr(0, 16));
      }
    }
    for (const std::string& id : old.keyids) {
      if (std::ranges::find(role.keyids, id) == role.keyids.end()) {
        out.push_back("  removes key " + id.substr(0, 16));
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

struct Request {
  std::string role;
  std::vector<std::string> keyids;
  Json part;
  Json published;
};

Result<Request> parse_request(std::string_view text) {
  if (text.size() > kMaxBytes) return fail(Errc::kEndlessData, "request file");
  const auto json = parse_strict(text);
  if (!json) return json.error().within("request file");
  Request request;
  try {
    if (json->at("format") != "ota-request/1") {
      return fail(Errc::kUnsupported, "not a request file of this version");
    }
    request.role = json->at("role").get<std::string>();
    request.keyids = json->at("keyids").get<std::vector<std::string>>();
    request.part = json->at("signed");
    request.published = json->at("published");
    if (request.part.at("_type") != (request.role == kRoot ? kRoot : kTargets)) {
      return fail(Errc::kMalformed, "request file: the part to sign is of another role");
    }
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("request file: ") + error.what());
  }
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
    return out;
  }
  const auto parsed = parse_root(next);
  if (!parsed) return parsed.error();
  const auto published = parse_root(now);
  if (!published) return published.error();
  header(*parsed);
  describe_root(*parsed, *published, out);
  return out;
}

std::string write_request(std::string_view role, const std::vector<std::string>& keyids,
                          const Json& next, const Json& now) {
  return Json{{"format", "ota-request/1"},
              {"role", std::string(role)},
              {"keyids", keyids},
              {"signed", next},
              {"published", now}}
             .dump(1) +
         "\n";
}

Result<SignatureFile> parse_signature_file(std::string_view text) {
  constexpr std::size_t kMaxSignatureBytes = 65536;
  if (text.size() > kMaxSignatureBytes) return fail(Errc::kEndlessData, "signature file");
  const auto json = parse_strict(text);
  if (!json) return json.error().within("signature file");
  try {
    if (json->at("format") != "ota-signature/1") {
      return fail(Errc::kUnsupported, "not a signature file of this version");
    }
    return SignatureFile{
        json->at("role").get<std::string>(),
        json->at("sha256").get<std::string>(),
        {json->at("keyid").get<std::string>(), json->at("sig").get<std::string>()}};
  } catch (const std::exception& error) {
    return fail(Errc::kMalformed, std::string("signature file: ") + error.what());
  }
}

Result<std::vector<std::string>> describe_request(std::string_view request) {
  const auto parsed = parse_request(request);
  if (!parsed) return parsed.error();
  return describe_part(parsed->role, parsed->part, parsed->published);
}

Result<std::string> sign_request(std::string_view request, const Signer& signer) {
  const auto parsed = parse_request(request);
  if (!parsed) return parsed.error();
  // What cannot be put into words is not signed.
  if (auto words = describe_part(parsed->role, parsed->part, parsed->published); !words) {
    return words.error();
  }
  const std::string& id = signer.public_key().id();
  if (std::ranges::find(parsed->keyids, id) == parsed->keyids.end()) {
    return fail(Errc::kKey, "the request does not ask for this key (" + id.substr(0, 16) + ")");
  }
  const std::string bytes = canonical(parsed->part);
  const auto sig = signer.sign(bytes);
  if (!sig) return sig.error();
  return Json{{"format", "ota-signature/1"},
              {"role", parsed->role},
              {"sha256", sha256_hex(bytes)},
              {"keyid", id},
              {"sig", *sig}}
             .dump(1) +
         "\n";
}

}  // namespace ota::tuf
