#include "tuf/ceremony.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "tuf/error.h"
#include "tuf/publisher.h"
#include "tuf/request.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

constexpr unsigned kMaxKeysOfRole = 16;
constexpr std::size_t kMinPassphraseBytes = 8;

const Role& role_of(const Root& root, std::string_view name) {
  return root.roles.find(name)->second;
}

bool same_role(const Root& a, const Root& b, std::string_view name) {
  return role_of(a, name).threshold == role_of(b, name).threshold &&
         std::ranges::is_permutation(role_of(a, name).keyids, role_of(b, name).keyids);
}

// Keys that no role lists any longer leave the root: a forgotten key is one more to lose.
void drop_unused_keys(Json& root) {
  std::set<std::string> used;
  for (const auto& [name, role] : root.at("roles").items()) {
    for (const Json& id : role.at("keyids"))
      used.insert(id.get<std::string>());
  }
  Json kept = Json::object();
  for (const auto& [id, key] : root.at("keys").items()) {
    if (used.contains(id)) kept[id] = key;
  }
  root["keys"] = std::move(kept);
}

// The state of a ceremony, under the repository's lock.
struct Step {
  Publisher publisher;
  FileLock lock;
  Published now;
  std::optional<Draft> root_draft;
  std::optional<Root> next_root;
  std::optional<Draft> targets_draft;

  const Clock& clock() const { return *publisher.clock; }
  std::vector<const Root*> roots() const {
    std::vector<const Root*> out{&now.root};
    if (next_root) out.push_back(&*next_root);
    return out;
  }
  // A draft whose version is not the next one was overtaken: it can never be published.
  void load_drafts();
  Result<void> stage_root(Json part);
  Result<void> stage_targets();
  Result<Outcome> complete();
  bool root_is_signed() const {
    return next_root && root_draft->check(now.root, kRoot) && root_draft->check(*next_root, kRoot);
  }
  bool published_targets_fit_next_root() const;
  Result<void> install_root();
  Result<void> reload();
  std::vector<std::string> keyids(std::string_view role) const;
};

Result<Step> begin(const fs::path& firmware, const fs::path& keys, const Clock& clock) {
  Publisher publisher(firmware, keys, clock);
  auto lock = publisher.files.lock();
  if (!lock) return lock.error();
  auto now = publisher.files.load();
  if (!now) return now.error();
  Step step{std::move(publisher), std::move(*lock), std::move(*now), {}, {}, {}};
  step.load_drafts();
  return step;
}

void Step::load_drafts() {
  root_draft = publisher.pending(kRoot);
  next_root.reset();
  if (root_draft) {
    auto parsed = parse_root(root_draft->part);
    if (parsed && root_draft->version() == now.root.version + 1) {
      next_root = std::move(*parsed);
    } else {
      root_draft.reset();
    }
  }
  targets_draft = publisher.pending(kTargets);
  if (targets_draft && targets_draft->version() != now.targets.version + 1) targets_draft.reset();
}

Result<void> Step::reload() {
  auto fresh = publisher.files.load();
  if (!fresh) return fresh.error();
  now = std::move(*fresh);
  load_drafts();
  return {};
}

// Whose signatures a draft of the role takes: those of the root in force and of the one to come.
std::vector<std::string> Step::keyids(std::string_view role) const {
  std::vector<std::string> ids;
  for (const Root* root : roots()) {
    for (const std::string& id : role_of(*root, role).keyids) {
      if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
    }
  }
  return ids;
}

Result<void> Step::stage_root(Json part) {
  part["version"] = now.root.version + 1;
  part["expires"] = tuf_time(clock().wall() + kRootLife);
  drop_unused_keys(part);
  auto parsed = parse_root(part);
  if (!parsed) return parsed.error();
  auto draft = publisher.sign(part, {&role_of(now.root, kRoot), &role_of(*parsed, kRoot)});
  if (!draft) return draft.error();
  if (auto kept = publisher.keep_pending(kRoot, *draft); !kept) return kept;
  root_draft = std::move(*draft);
  next_root = std::move(*parsed);
  return {};
}

// The targets again, for the keys of the root to come as well.
Result<void> Step::stage_targets() {
  Json part = publisher.targets_to_change(now);
  part["version"] = now.targets.version + 1;
  part["expires"] = tuf_time(clock().wall() + kTargetsLife);
  std::vector<const Role*> roles;
  for (const Root* root : roots())
    roles.push_back(&role_of(*root, kTargets));
  auto draft = publisher.sign(part, roles);
  if (!draft) return draft.error();
  if (auto kept = publisher.keep_pending(kTargets, *draft); !kept) return kept;
  targets_draft = std::move(*draft);
  return {};
}

bool Step::published_targets_fit_next_root() const {
  const auto path =
      publisher.files.metadata() / (std::to_string(now.targets.version) + ".targets.json");
  constexpr std::size_t kMaxBytes = 5000000;
  const auto file = read_file(path, kMaxBytes);
  if (!file) return false;
  const auto envelope = parse_envelope(*file, kTargets);
  return envelope &&
         verify_threshold(*envelope, role_of(*next_root, kTargets), next_root->keys, kTargets);
}

// Snapshot and timestamp are signed for both roots first, so that a device accepts them whichever
// root it has; the root follows, and the keys that it dropped are erased last.
Result<void> Step::install_root() {
  const Root next = *next_root;
  const std::vector<const Root*> both{&now.root, &next};
  if (!same_role(now.root, next, kSnapshot) || !same_role(now.root, next, kTimestamp)) {
    auto renewed = publisher.publish_snapshot(
        both, now.snapshot.version + 1, now.snapshot_json.at("meta"), now.timestamp.version + 1);
    if (!renewed) return renewed;
    ++now.snapshot.version;
    ++now.timestamp.version;
  }
  if (auto written = publisher.files.write(kRoot, root_draft->version(), root_draft->file());
      !written) {
    return written;
  }
  publisher.drop_pending(kRoot);
  std::set<std::string> kept;
  for (const auto& [name, role] : next.roles)
    kept.insert(role.keyids.begin(), role.keyids.end());
  for (const auto& [name, role] : now.root.roles) {
    for (const std::string& id : role.keyids) {
      if (kept.contains(id) || !publisher.keys.has(id)) continue;
      if (auto erased = publisher.keys.erase(id); !erased) return erased;
    }
  }
  now.root = next;
  now.root_json = root_draft->part;
  root_draft.reset();
  next_root.reset();
  return {};
}

// Publishes whatever has its signatures now.
Result<Outcome> Step::complete() {
  Outcome out;
  const bool new_targets_keys = next_root && !same_role(now.root, *next_root, kTargets);
  const auto publish_targets = [&](const std::vector<const Root*>& roots) -> Result<void> {
    const std::uint64_t version = targets_draft->version();
    auto done = publisher.publish_targets_file(now, version, targets_draft->file(), roots);
    if (!done) return done;
    publisher.drop_pending(kTargets);
    out.push_back("targets version " + std::to_string(version) + " is published");
    return reload();
  };
  if (targets_draft && targets_draft->check(now.root, kTargets) &&
      (!new_targets_keys || targets_draft->check(*next_root, kTargets))) {
    if (auto done = publish_targets({&now.root}); !done) return done.error();
  }
  if (root_is_signed()) {
    const bool fits = published_targets_fit_next_root();
    if (fits || (targets_draft && targets_draft->check(*next_root, kTargets))) {
      const std::uint64_t version = root_draft->version();
      if (auto done = install_root(); !done) return done.error();
      out.push_back("root version " + std::to_string(version) + " is published");
      // Where the old targets keys are lost, nothing that they signed can follow: devices wait
      // between these two writes, and no longer.
      if (auto done = fits ? reload() : publish_targets({&now.root}); !done) return done.error();
    }
  }
  for (const std::string_view role : {kRoot, kTargets}) {
    const auto& draft = role == kRoot ? root_draft : targets_draft;
    if (draft) {
      out.push_back(std::string(role) + " version " + std::to_string(draft->version()) +
                    " waits for signatures");
    }
  }
  return out;
}

Result<std::vector<std::string>> make_keys(const Publisher& publisher, Json& root, unsigned count) {
  std::vector<std::string> ids;
  for (unsigned i = 0; i < count; ++i) {
    const auto signer = Signer::generate();
    if (!signer) return signer.error();
    if (auto put = publisher.keys.put(*signer); !put) return put.error();
    ids.push_back(signer->public_key().id());
    root["keys"][ids.back()] = signer->public_key().json();
  }
  return ids;
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

}  // namespace

Result<Ceremony> Ceremony::open(const fs::path& firmware, const fs::path& keys,
                                const Clock& clock) {
  if (auto loaded = PublishedFiles(firmware).load(); !loaded) return loaded.error();
  return Ceremony(firmware, keys, clock);
}

Result<Outcome> Ceremony::rotate(const std::vector<RoleChange>& changes) {
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  if (step->root_draft) {
    return ota::fail(ota::Errc::kConflict, "a new root waits for signatures; discard it first");
  }
  Json part = step->now.root_json;
  bool targets_change = false;
  for (const RoleChange& change : changes) {
    if (!is_top_level(change.role)) {
      return ota::fail(ota::Errc::kInvalid, "no role is called '" + change.role + "'");
    }
    if (change.threshold < 1 || change.threshold > change.keys || change.keys > kMaxKeysOfRole) {
      return ota::fail(ota::Errc::kInvalid,
                       "the threshold must be 1 to the number of keys, and "
                       "these at most 16");
    }
    const auto ids = make_keys(step->publisher, part, change.keys);
    if (!ids) return ids.error();
    part["roles"][change.role] = {{"keyids", *ids}, {"threshold", change.threshold}};
    targets_change = targets_change || change.role == kTargets;
  }
  if (auto staged = step->stage_root(std::move(part)); !staged) return staged.error();
  if (targets_change) {
    if (auto staged = step->stage_targets(); !staged) return staged.error();
  }
  return step->complete();
}

Result<Outcome> Ceremony::take_offline(const fs::path& folder, const PassphraseSource& passphrase) {
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  if (step->root_draft || step->targets_draft) {
    return ota::fail(ota::Errc::kConflict, "changes wait for signatures; finish them first");
  }
  if (auto made = make_directories(folder, 0700); !made) return made.error();
  struct Move {
    std::string keyid;
    std::string name;
    std::string passphrase;
  };
  std::vector<Move> moves;
  for (const std::string_view role : {kRoot, kTargets}) {
    unsigned number = 0;
    for (const std::string& id : role_of(step->now.root, role).keyids) {
      ++number;
      if (!step->publisher.keys.has(id)) continue;
      const std::string name = std::string(role) + "-" + std::to_string(number) + ".pem";
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
  // All are written and proven before the first is erased.
  for (const Move& move : moves) {
    const auto signer = step->publisher.keys.get(move.keyid);
    if (!signer) return signer.error();
    if (auto done = write_and_prove(folder / move.name, *signer, move.passphrase); !done) {
      return done.error();
    }
  }
  Outcome out;
  for (const Move& move : moves) {
    if (auto erased = step->publisher.keys.erase(move.keyid); !erased) return erased.error();
    out.push_back("key " + move.keyid.substr(0, 16) + " moved to " + move.name);
  }
  return out;
}

Result<std::vector<PendingRole>> Ceremony::pending() const {
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  std::vector<PendingRole> out;
  const auto report = [&](std::string_view role, const std::optional<Draft>& draft,
                          const Json& published) -> Result<void> {
    if (!draft) return {};
    auto words = describe_part(role, draft->part, published);
    if (!words) return words.error();
    const Root& judge = step->next_root ? *step->next_root : step->now.root;
    const Role& asked = role_of(judge, role);
    const auto counts = std::ranges::count_if(draft->signatures, [&](const Signature& s) {
      return std::ranges::find(asked.keyids, s.keyid) != asked.keyids.end();
    });
    out.push_back({std::string(role), draft->version(), static_cast<unsigned>(counts),
                   static_cast<unsigned>(asked.threshold), std::move(*words)});
    return {};
  };
  if (auto done = report(kRoot, step->root_draft, step->now.root_json); !done) return done.error();
  if (auto done = report(kTargets, step->targets_draft, step->now.targets_json); !done) {
    return done.error();
  }
  return out;
}

Result<std::string> Ceremony::request(std::string_view role) const {
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  const bool root = role == kRoot;
  const auto& draft = root ? step->root_draft : step->targets_draft;
  if (!draft || !(root || role == kTargets)) {
    return ota::fail(ota::Errc::kNotFound, "nothing waits for signatures of " + std::string(role));
  }
  return write_request(role, step->keyids(role), draft->part,
                       root ? step->now.root_json : step->now.targets_json);
}

Result<Outcome> Ceremony::submit(std::string_view signature_file) {
  const auto file = parse_signature_file(signature_file);
  if (!file) return file.error();
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  auto& draft = file->role == kRoot ? step->root_draft : step->targets_draft;
  if (!draft || (file->role != kRoot && file->role != kTargets)) {
    return ota::fail(ota::Errc::kNotFound, "nothing waits for signatures of " + file->role);
  }
  const std::string bytes = canonical(draft->part);
  if (file->sha256 != sha256_hex(bytes)) {
    return ota::fail(ota::Errc::kConflict, "the signature is for another draft of " + file->role);
  }
  const auto ids = step->keyids(file->role);
  bool valid = false;
  for (const Root* root : step->roots()) {
    const auto key = root->keys.find(file->signature.keyid);
    valid = valid || (key != root->keys.end() && key->second.verifies(bytes, file->signature.sig));
  }
  if (!valid || std::ranges::find(ids, file->signature.keyid) == ids.end()) {
    return fail(Errc::kSignatures, "not a valid signature of a key of " + file->role);
  }
  draft->put(file->signature);
  if (auto kept = step->publisher.keep_pending(file->role, *draft); !kept) return kept.error();
  return step->complete();
}

Result<Outcome> Ceremony::discard(std::string_view role) {
  auto step = begin(firmware_, keys_, *clock_);
  if (!step) return step.error();
  if (role != kRoot && role != kTargets) {
    return ota::fail(ota::Errc::kInvalid, "drafts are of root or targets");
  }
  step->publisher.drop_pending(role);
  return Outcome{"the draft of " + std::string(role) + " is discarded"};
}

}  // namespace ota::tuf
