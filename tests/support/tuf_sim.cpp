#include "tests/support/tuf_sim.h"

#include <algorithm>

#include "base/assert.h"
#include "base/digest.h"
#include "base/file.h"
#include "tuf/error.h"
#include "tuf/names.h"
#include "tuf/published.h"

namespace ota::tuf::testing {
namespace {

Json new_part(const std::string& type) {
  return {{"_type", type},
          {"spec_version", "1.0.31"},
          {"version", 1},
          {"expires", tuf_time(kNow + std::chrono::hours(24 * 30))}};
}

bool is_online(const std::string& role) {
  return role == "timestamp" || role == "snapshot";
}

}  // namespace

Sim::Sim() {
  for (const char* role : {"root", "timestamp", "snapshot", "targets"})
    parts[role] = new_part(role);
  Json& root = part("root");
  root["consistent_snapshot"] = true;
  root["keys"] = Json::object();
  for (const char* role : {"root", "timestamp", "snapshot", "targets"}) {
    root["roles"][role] = {{"keyids", Json::array()}, {"threshold", 1}};
    add_key(role, *Signer::generate());
  }
  part("targets")["targets"] = Json::object();
  put("root");
  part("snapshot")["version"] = 0;
  part("timestamp")["version"] = 0;
  publish();
}

void Sim::expire_at(const std::string& role, WallTime time) {
  part(role)["expires"] = tuf_time(time);
}

void Sim::add_key(const std::string& role, const Signer& signer) {
  const PublicKey& key = signer.public_key();
  part("root")["keys"][key.id()] = key.json();
  part("root")["roles"][role]["keyids"].push_back(key.id());
  signers[role].push_back(signer);
}

void Sim::rotate(const std::string& role) {
  part("root")["roles"][role]["keyids"] = Json::array();
  signers[role].clear();
  add_key(role, *Signer::generate());
}

void Sim::publish_root(const std::vector<Signer>& by) {
  bump("root");
  std::vector<Signer> all = by;
  for (const Signer& signer : signers["root"])
    all.push_back(signer);
  files[path_of("root")] = signed_file(part("root"), *sign_with(all, part("root")));
}

Json& Sim::delegate(const std::string& delegator, const std::string& role,
                    std::vector<std::string> paths, bool terminating) {
  if (!parts.contains(role)) {
    parts[role] = new_part("targets");
    part(role)["targets"] = Json::object();
    signers[role].push_back(*Signer::generate());
  }
  Json& delegations = part(delegator)["delegations"];
  if (delegations.is_null()) delegations = {{"keys", Json::object()}, {"roles", Json::array()}};
  Json entry{{"name", role},
             {"keyids", Json::array()},
             {"threshold", 1},
             {"terminating", terminating},
             {"paths", std::move(paths)}};
  for (const Signer& signer : signers[role]) {
    delegations["keys"][signer.public_key().id()] = signer.public_key().json();
    entry["keyids"].push_back(signer.public_key().id());
  }
  delegations["roles"].push_back(std::move(entry));
  return delegations["roles"].back();
}

void Sim::add_target(const std::string& role, const std::string& name, const std::string& content) {
  const std::string hash = sha256_hex(content);
  part(role)["targets"][name] = {{"length", content.size()}, {"hashes", {{"sha256", hash}}}};
  targets[target_url_path(name, hash)] = content;
}

std::string Sim::signed_by_role(const std::string& role) const {
  return sign_part(role, parts.at(role));
}

std::string Sim::sign_part(const std::string& role, const Json& changed,
                           const std::vector<Signer>& by) const {
  return signed_file(changed, *sign_with(by.empty() ? signers.at(role) : by, changed));
}

std::string Sim::path_of(const std::string& role) const {
  const bool versioned = role == "root" || (role != "timestamp" &&
                                            parts.at("root").value("consistent_snapshot", false));
  return versioned ? metadata_path(role, version(role)) : metadata_path(role, {});
}

void Sim::put(const std::string& role) {
  files[path_of(role)] = signed_by_role(role);
}

Json Sim::announcement(const std::string& role) const {
  Json out{{"version", version(role)}};
  if (announce) {
    const std::string& file = files.at(path_of(role));
    out["length"] = file.size();
    out["hashes"] = {{"sha256", sha256_hex(file)}};
  }
  return out;
}

void Sim::publish() {
  for (const auto& [role, unused] : parts) {
    if (role != "root" && !is_online(role)) put(role);
  }
  publish_snapshot();
}

void Sim::publish_snapshot() {
  Json meta = Json::object();
  for (const auto& [role, unused] : parts) {
    if (role != "root" && !is_online(role)) meta[role + ".json"] = announcement(role);
  }
  part("snapshot")["meta"] = std::move(meta);
  bump("snapshot");
  put("snapshot");
  publish_timestamp();
}

void Sim::publish_timestamp() {
  part("timestamp")["meta"] = {{"snapshot.json", announcement("snapshot")}};
  bump("timestamp");
  put("timestamp");
}

Device::Device(const Sim& sim, const UpdaterOptions& options) : sim_(&sim), options_(options) {
  const auto pinned = Updater::pin_root(folder(), sim.files.at("1.root.json"));
  OTA_ASSERT(pinned.has_value());
  restart();
}

void Device::restart() {
  auto opened = Updater::open(folder(), options_);
  OTA_ASSERT(opened.has_value());
  updater_.emplace(std::move(*opened));
}

void Device::serve() {
  asked.clear();
  while (const auto fetch = updater_->next()) {
    asked.push_back(fetch->path);
    std::optional<Fetched> answer = interfere ? interfere(*fetch) : std::nullopt;
    if (!answer) {
      const auto found = sim_->files.find(fetch->path);
      answer = found == sim_->files.end() ? Fetched{Fetched::Status::kNotFound, {}, {}}
                                          : Fetched{Fetched::Status::kOk, found->second, {}};
    }
    updater_->feed(std::move(*answer));
  }
}

Result<void> Device::refresh(WallTime now) {
  updater_->start_refresh(now);
  serve();
  return updater_->result();
}
Result<void> Device::lookup(const std::string& target) {
  updater_->start_lookup(target);
  serve();
  return updater_->result();
}

const Signer& rsa_signer() {
  static const Signer signer = *Signer::generate(KeyKind::kRsa);
  return signer;
}

std::string word(const Result<void>& result) {
  return result ? "ok" : std::string(word_of(result.error().code));
}
std::string Device::refresh_word(WallTime now) {
  return word(refresh(now));
}
std::string Device::lookup_word(const std::string& target) {
  return word(lookup(target));
}

std::string Device::file(const std::string& role) const {
  constexpr std::size_t kMax = 10000000;
  const auto content = read_file(folder() / stored_name(role), kMax);
  return content ? *content : std::string();
}

std::vector<std::string> Device::trusted() const {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (entry.path().extension() != ".json") continue;
    const std::string role = entry.path().stem().string();
    const auto json = parse_strict(file(role));
    out.push_back(role + " " + (json ? (*json)["signed"]["version"].dump() : "damaged"));
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace ota::tuf::testing
