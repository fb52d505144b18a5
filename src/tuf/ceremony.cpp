#include "tuf/ceremony.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "model/event_kind.h"
#include "tuf/change.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/journal.h"
#include "tuf/request.h"
#include "tuf/signer.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kMaxKeysOfRole = 16;
constexpr std::size_t kMinPassphraseBytes = 8;

// New keys in the store, described in `keys`; their ids.
Result<std::vector<std::string>> make_keys(const Publisher& publisher, Json& keys, unsigned count) {
  std::vector<std::string> ids;
  for (unsigned i = 0; i < count; ++i) {
    const auto signer = Signer::generate();
    if (!signer) return signer.error();
    if (auto put = publisher.keys.put(*signer); !put) return put.error();
    ids.push_back(signer->public_key().id());
    keys[ids.back()] = signer->public_key().json();
  }
  return ids;
}

bool lists_same_keys(const Json& delegation, const Role& role) {
  const auto ids = delegation.at("keyids").get<std::vector<std::string>>();
  return delegation.at("threshold") == role.threshold &&
         std::ranges::is_permutation(ids, role.keyids);
}

// Keys of delegations that none of them names any longer.
void drop_unused_keys(Json& delegations) {
  std::set<std::string> used;
  for (const Json& role : delegations.at("roles")) {
    for (const Json& id : role.at("keyids"))
      used.insert(id.get<std::string>());
  }
  Json kept = Json::object();
  for (const auto& [id, key] : delegations.at("keys").items()) {
    if (used.contains(id)) kept[id] = key;
  }
  delegations["keys"] = std::move(kept);
}

// The parts that a rotation changes, before anything is staged.
struct Rotation {
  Json root;
  Json targets;
  bool root_changes = false;
  bool targets_change = false;
  std::vector<std::string> signed_anew;  // delegated roles whose keys change

  Json* delegation(const std::string& role) {
    if (!targets.contains("delegations")) return nullptr;
    for (Json& known : targets["delegations"]["roles"]) {
      if (known.at("name") == role) return &known;
    }
    return nullptr;
  }
  void delegate(Json& delegation, const std::vector<std::string>& ids, unsigned threshold) {
    delegation["keyids"] = ids;
    delegation["threshold"] = threshold;
    targets_change = true;
    signed_anew.push_back(delegation.at("name").get<std::string>());
  }
  // The models' roles that the targets keys sign go on being signed by them.
  void follow_targets(const Role& before, const std::vector<std::string>& ids, unsigned threshold) {
    targets_change = true;
    if (!targets.contains("delegations")) return;
    for (const std::string& id : ids)
      targets["delegations"]["keys"][id] = root.at("keys").at(id);
    for (Json& known : targets["delegations"]["roles"]) {
      if (lists_same_keys(known, before)) delegate(known, ids, threshold);
    }
  }
};

Result<void> rotate_one(Rotation& rotation, const Change& change, const RoleChange& wanted) {
  if (wanted.threshold < 1 || wanted.threshold > wanted.keys || wanted.keys > kMaxKeysOfRole) {
    return ota::fail(ota::Errc::kInvalid,
                     "the threshold must be 1 to the number of keys, and these at most 16");
  }
  Json* delegation = rotation.delegation(wanted.role);
  if (delegation != nullptr) {
    const auto ids =
        make_keys(change.publisher, rotation.targets["delegations"]["keys"], wanted.keys);
    if (!ids) return ids.error();
    rotation.delegate(*delegation, *ids, wanted.threshold);
    return {};
  }
  if (wanted.role == kDirector) {
    Json director{{"keys", Json::object()}, {"threshold", wanted.threshold}};
    const auto ids = make_keys(change.publisher, director["keys"], wanted.keys);
    if (!ids) return ids.error();
    director["keyids"] = *ids;
    rotation.root["x-ota-director"] = std::move(director);
    rotation.root_changes = true;
    return {};
  }
  if (!is_top_level(wanted.role)) {
    return ota::fail(ota::Errc::kInvalid, "no role is called '" + wanted.role + "'");
  }
  const auto ids = make_keys(change.publisher, rotation.root["keys"], wanted.keys);
  if (!ids) return ids.error();
  rotation.root["roles"][wanted.role] = {{"keyids", *ids}, {"threshold", wanted.threshold}};
  rotation.root_changes = true;
  if (wanted.role == kTargets) {
    rotation.follow_targets(change.now.root.roles.find(kTargets)->second, *ids, wanted.threshold);
  }
  return {};
}

// Writes a key encrypted and proves that the file can replace the one on the server.
Result<void> write_and_prove(const fs::path& path, const Signer& signer,
                             const std::string& passphrase) {
  const auto pem = signer.pem(passphrase);
  if (!pem) return pem.error();
  if (auto written = write_file_durably(path, *pem, 0600); !written) return written;
  constexpr std::size_t kMaxKeyBytes = 16384;
  const auto back = read_file(path, kMaxKeyBytes);
  if (!back) return back.error();
  const auto again = Signer::from_pem(*back, passphrase);
  if (!again) return again.error();
  const auto sig = again->sign("proof");
  if (!sig) return sig.error();
  if (!signer.public_key().verifies("proof", *sig)) {
    return fail(Errc::kKey, path.string() + " does not sign as the key on the server does");
  }
  return {};
}

struct Move {
  std::string keyid;
  std::string name;
  std::string passphrase;
};

// Which keys go where, with their passphrases; nothing is touched yet.
Result<std::vector<Move>> plan_moves(const Change& change, const fs::path& folder,
                                     const PassphraseSource& passphrase) {
  std::vector<std::pair<std::string, Role>> roles;
  for (const std::string_view role : {kRoot, kTargets})
    roles.emplace_back(role, change.now.root.roles.find(role)->second);
  for (const DelegatedRole& role : change.now.targets.delegations)
    roles.emplace_back(plain_name(role.name), role);
  std::vector<Move> moves;
  for (const auto& [role, holders] : roles) {
    unsigned number = 0;
    for (const std::string& id : holders.keyids) {
      ++number;
      if (!change.publisher.keys.has(id) ||
          std::ranges::find(moves, id, &Move::keyid) != moves.end())
        continue;
      const std::string name = role + "-" + std::to_string(number) + ".pem";
      if (fs::exists(folder / name)) {
        return ota::fail(ota::Errc::kExists, (folder / name).string());
      }
      auto secret = passphrase(name);
      if (!secret) return secret.error();
      if (secret->size() < kMinPassphraseBytes) {
        return ota::fail(ota::Errc::kInvalid, "a passphrase needs at least 8 characters");
      }
      moves.push_back({id, name, std::move(*secret)});
    }
  }
  return moves;
}

}  // namespace

Result<Ceremony> Ceremony::open(const fs::path& firmware, const fs::path& keys,
                                const Clock& clock) {
  if (auto loaded = PublishedFiles(firmware).load(); !loaded) return loaded.error();
  return Ceremony(firmware, keys, clock);
}

Result<Outcome> Ceremony::do_rotate(const std::vector<RoleChange>& changes) {
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  if (change->root_draft) {
    return ota::fail(ota::Errc::kConflict, "a new root waits for signatures; discard it first");
  }
  Rotation rotation{change->now.root_json, change->part_of(kTargets), false, false, {}};
  for (const RoleChange& wanted : changes) {
    if (auto done = rotate_one(rotation, *change, wanted); !done) return done.error();
  }
  if (rotation.root_changes) {
    if (auto staged = change->stage_root(std::move(rotation.root)); !staged) return staged.error();
  }
  if (rotation.targets_change) {
    if (rotation.targets.contains("delegations")) drop_unused_keys(rotation.targets["delegations"]);
    if (auto staged = change->stage(kTargets, std::move(rotation.targets)); !staged) {
      return staged.error();
    }
  }
  for (const std::string& role : rotation.signed_anew) {
    if (auto staged = change->stage(role, change->part_of(role)); !staged) return staged.error();
  }
  return change->complete();
}

Result<Outcome> Ceremony::do_take_offline(const fs::path& folder,
                                          const PassphraseSource& passphrase) {
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  if (change->root_draft || !change->drafts.empty()) {
    return ota::fail(ota::Errc::kConflict, "changes wait for signatures; finish them first");
  }
  if (auto made = make_directories(folder, 0700); !made) return made.error();
  const auto moves = plan_moves(*change, folder, passphrase);
  if (!moves) return moves.error();
  // All are written and proven before the first is erased.
  for (const Move& move : *moves) {
    const auto signer = change->publisher.keys.get(move.keyid);
    if (!signer) return signer.error();
    if (auto done = write_and_prove(folder / move.name, *signer, move.passphrase); !done) {
      return done.error();
    }
  }
  Outcome out;
  for (const Move& move : *moves) {
    if (auto erased = change->publisher.keys.erase(move.keyid); !erased) return erased.error();
    out.push_back("key " + move.keyid.substr(0, 16) + " moved to " + move.name);
  }
  return out;
}

Result<std::vector<PendingRole>> Ceremony::pending() const {
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  std::vector<PendingRole> out;
  const auto report = [&](const std::string& role, const Draft& draft,
                          const Json& published) -> Result<void> {
    auto words = describe_part(role, draft.part, published);
    if (!words) return words.error();
    const Role asked = change->judges(role).back().role;
    const auto counts = std::ranges::count_if(draft.signatures, [&](const Signature& s) {
      return std::ranges::find(asked.keyids, s.keyid) != asked.keyids.end();
    });
    out.push_back({role, draft.version(), static_cast<unsigned>(counts),
                   static_cast<unsigned>(asked.threshold), std::move(*words),
                   sha256_hex(canonical(draft.part))});
    return {};
  };
  if (change->root_draft) {
    auto done = report(std::string(kRoot), *change->root_draft, change->now.root_json);
    if (!done) return done.error();
  }
  for (const auto& [role, draft] : change->drafts) {
    if (auto done = report(role, draft, change->now.json_of(role)); !done) return done.error();
  }
  return out;
}

Result<std::string> Ceremony::request(std::string_view role) const {
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  const auto known = change->drafts.find(role);
  const bool root = role == kRoot;
  if (root ? !change->root_draft : known == change->drafts.end()) {
    return ota::fail(ota::Errc::kNotFound, "nothing waits for signatures of " + std::string(role));
  }
  std::vector<std::string> ids;
  for (const Judge& judge : change->judges(role)) {
    for (const std::string& id : judge.role.keyids) {
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }
  RequestFile file{
      std::string(role), std::move(ids), root ? change->root_draft->part : known->second.part, {}};
  const PublishedFiles& files = change->publisher.files;
  auto roots = files.roots(change->now.root.version);
  if (!roots) return roots.error();
  file.in_force.roots = std::move(*roots);
  if (!root) {
    auto targets = files.envelope(kTargets, change->now.targets.version);
    if (!targets) return targets.error();
    file.in_force.targets = std::move(*targets);
  }
  if (!is_top_level(role) && change->now.version_of(role) > 0) {
    auto own = files.envelope(role, change->now.version_of(role));
    if (!own) return own.error();
    file.in_force.role = std::move(*own);
  }
  return write_request(file);
}

Result<Outcome> Ceremony::do_submit(std::string_view signature_file) {
  const auto file = parse_signature_file(signature_file);
  if (!file) return file.error();
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  const bool root = file->role == kRoot;
  const auto known = change->drafts.find(file->role);
  if (root ? !change->root_draft : known == change->drafts.end()) {
    return ota::fail(ota::Errc::kNotFound, "nothing waits for signatures of " + file->role);
  }
  Draft& draft = root ? *change->root_draft : known->second;
  const std::string bytes = canonical(draft.part);
  if (file->sha256 != sha256_hex(bytes)) {
    return ota::fail(ota::Errc::kConflict, "the signature is for another draft of " + file->role);
  }
  const bool valid = std::ranges::any_of(change->judges(file->role), [&](const Judge& judge) {
    const auto key = judge.keys.find(file->signature.keyid);
    return std::ranges::find(judge.role.keyids, file->signature.keyid) != judge.role.keyids.end() &&
           key != judge.keys.end() && key->second.verifies(bytes, file->signature.sig);
  });
  if (!valid) return fail(Errc::kSignatures, "not a valid signature of a key of " + file->role);
  draft.put(file->signature);
  if (auto kept = change->publisher.keep_pending(file->role, draft); !kept) return kept.error();
  return change->complete();
}

Result<Outcome> Ceremony::do_discard(std::string_view role) {
  auto change = Change::begin(firmware_, keys_, *clock_);
  if (!change) return change.error();
  const bool there = role == kRoot ? change->root_draft.has_value() : change->drafts.contains(role);
  if (!there) return ota::fail(ota::Errc::kNotFound, "no draft of " + std::string(role));
  change->publisher.drop_pending(role);
  return Outcome{"the draft of " + std::string(role) + " is discarded"};
}

Result<Outcome> Ceremony::do_sign(const std::string& role, const std::string& sha256,
                                  const Result<Signer>& signer) {
  if (!signer) return signer.error();
  const auto asked = request(role);
  if (!asked) return asked.error();
  const auto read = read_request(*asked, std::nullopt);
  if (!read) return read.error();
  const auto signature = sign_request(*read, *signer);
  if (!signature) return signature.error();
  const auto file = parse_signature_file(*signature);
  if (!file) return file.error();
  if (file->sha256 != sha256) {
    return ota::fail(ota::Errc::kConflict, "the change is another by now; read it again");
  }
  return do_submit(*signature);
}

Result<Outcome> Ceremony::recorded(const char* step, Result<Outcome> outcome) const {
  JournalEntry entry{clock_->wall(), step, local_actor(), !outcome, {}};
  entry.words = outcome ? *outcome : Outcome{outcome.error().text()};
  const auto written = Journal(keys_).add(entry);
  if (!written && outcome) {
    outcome->push_back("this step is not in the journal: " + written.error().text());
  }
  return outcome;
}

Result<Outcome> Ceremony::rotate(const std::vector<RoleChange>& changes) {
  return recorded(model::event_kind::kKeysRotate, do_rotate(changes));
}
Result<Outcome> Ceremony::take_offline(const fs::path& folder, const PassphraseSource& passphrase) {
  return recorded(model::event_kind::kKeysTakeOffline, do_take_offline(folder, passphrase));
}
Result<Outcome> Ceremony::submit(std::string_view signature_file) {
  return recorded(model::event_kind::kKeysSubmit, do_submit(signature_file));
}
Result<Outcome> Ceremony::discard(std::string_view role) {
  return recorded(model::event_kind::kKeysDiscard, do_discard(role));
}
Result<Outcome> Ceremony::sign(const std::string& role, const std::string& sha256,
                               const Result<Signer>& signer) {
  return recorded(model::event_kind::kKeysSign, do_sign(role, sha256, signer));
}

}  // namespace ota::tuf
