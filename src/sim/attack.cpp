#include "sim/attack.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/file.h"
#include "sim/lab.h"
#include "tuf/ceremony.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/request.h"

namespace ota::sim {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxFile = 1U << 26;

// The repository as the attacker finds it, with the online keys.
struct Loot {
  tuf::Publisher publisher;
  tuf::Published now;
  std::string role;  // of the device's model

  std::vector<const tuf::Root*> roots() const { return {&now.root}; }
  fs::path file(std::string_view name, std::optional<std::uint64_t> version) const {
    return publisher.files.metadata() / tuf::metadata_path(name, version);
  }
  // The model's list, with an image of the attacker's in it, unsigned.
  tuf::Draft evil_draft() const {
    tuf::Json part = now.json_of(role);
    part["version"] = now.version_of(role) + 1;
    for (auto& [name, target] : part["targets"].items())
      target["hashes"]["sha256"] = std::string(64, 'e');
    return {std::move(part), {}};
  }
  Result<void> announce(const tuf::Draft& draft) const {
    return publisher.publish_targets(now, {{role, draft}}, roots());
  }
};

Result<Loot> take(const Lab& lab) {
  Loot loot{
      tuf::Publisher(lab.firmware(), lab.keys(), lab.clock()), {}, tuf::role_of_model(lab.model())};
  auto now = loot.publisher.files.load();
  if (!now) return now.error();
  loot.now = std::move(*now);
  return loot;
}

// The draft with `count` signatures of the vault's keys, announced by the stolen online keys.
Result<void> announce_signed(const Lab& lab, std::size_t count) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  tuf::Draft draft = loot->evil_draft();
  auto signers = lab.vault("targets");
  if (!signers) return signers.error();
  signers->resize(std::min(signers->size(), count), signers->front());
  auto signatures = tuf::sign_with(*signers, draft.part);
  if (!signatures) return signatures.error();
  draft.signatures = std::move(*signatures);
  return loot->announce(draft);
}

Result<void> unsigned_list(Lab& lab, const std::string&) {
  return announce_signed(lab, 0);
}

Result<void> too_few(Lab& lab, const std::string&) {
  return announce_signed(lab, lab.targets_threshold().needed - 1);
}

Result<void> duplicate_key_id(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  tuf::Draft draft = loot->evil_draft();
  const auto signers = lab.vault("targets");
  if (!signers) return signers.error();
  auto signatures = tuf::sign_with({signers->front()}, draft.part);
  if (!signatures) return signatures.error();
  // The same key as often as there must be signatures, and once more.
  draft.signatures.assign(lab.targets_threshold().needed + 1, signatures->front());
  return loot->announce(draft);
}

// All online keys sign what is not theirs.
Result<void> stolen_keys(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  tuf::Draft draft = loot->evil_draft();
  for (const std::string_view role : {tuf::kTimestamp, tuf::kSnapshot}) {
    const auto signatures = tuf::sign_with(
        loot->publisher.keys.of_role(loot->now.root.roles.find(role)->second), draft.part);
    if (!signatures) return signatures.error();
    for (const tuf::Signature& signature : *signatures)
      draft.put(signature);
  }
  return loot->announce(draft);
}

// The timestamp's key under the names of the keys that should have signed.
Result<void> wrong_roles_key(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  tuf::Draft draft = loot->evil_draft();
  const auto& roles = loot->now.root.roles;
  const auto signatures =
      tuf::sign_with(loot->publisher.keys.of_role(roles.find(tuf::kTimestamp)->second), draft.part);
  if (!signatures) return signatures.error();
  for (const std::string& id : roles.find(tuf::kTargets)->second.keyids)
    draft.put({id, signatures->front().sig});
  return loot->announce(draft);
}

Result<void> write_signed(const Loot& loot, std::string_view role,
                          std::optional<std::uint64_t> version, const tuf::Json& part) {
  const auto draft = loot.publisher.sign(part, {&loot.now.root.roles.find(role)->second});
  if (!draft) return draft.error();
  return loot.publisher.files.write(role, version, draft->file());
}

Result<void> rollback(Lab& lab, const std::string& role) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  const tuf::Published& now = loot->now;
  if (role == tuf::kTimestamp) {
    tuf::Json part = now.timestamp_json;
    part["version"] = 1;
    return write_signed(*loot, tuf::kTimestamp, {}, part);
  }
  if (role == tuf::kSnapshot) {
    tuf::Json part = now.timestamp_json;
    part["version"] = now.timestamp.version + 1;
    part["meta"]["snapshot.json"] = {{"version", 1}};
    return write_signed(*loot, tuf::kTimestamp, {}, part);
  }
  if (role == tuf::kRoot) {
    const auto old = read_file(loot->file(tuf::kRoot, now.root.version), kMaxFile);
    if (!old) return old.error();
    return loot->publisher.files.write(tuf::kRoot, now.root.version + 1, *old);
  }
  // Of targets, or of the model: a new snapshot that lists what was listed before.
  const std::string name = role == tuf::kTargets ? role : loot->role;
  tuf::Json meta = now.snapshot_json.at("meta");
  meta[name + ".json"] = {{"version", now.version_of(name) - 1}};
  return loot->publisher.publish_snapshot(loot->roots(), now.snapshot.version + 1, meta,
                                          now.timestamp.version + 1);
}

Result<void> freeze(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  // What is left of a timestamp that was held back until its time was over.
  tuf::Json part = loot->now.timestamp_json;
  part["version"] = loot->now.timestamp.version + 1;
  part["expires"] = tuf::tuf_time(lab.clock().wall() - std::chrono::seconds(2));
  return write_signed(*loot, tuf::kTimestamp, {}, part);
}

Result<void> fast_forward(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  constexpr std::uint64_t kFar = std::uint64_t{1} << 52U;
  return loot->publisher.publish_snapshot(loot->roots(), kFar, loot->now.snapshot_json.at("meta"),
                                          kFar);
}

Result<void> mix_and_match(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  const std::uint64_t version = loot->now.version_of(loot->role);
  const auto before = read_file(loot->file(loot->role, version - 1), kMaxFile);
  if (!before) return before.error();
  return loot->publisher.files.write(loot->role, version, *before);
}

Result<void> endless_data(Lab& lab, const std::string&) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  const auto file = read_file(loot->file(tuf::kTimestamp, {}), kMaxFile);
  if (!file) return file.error();
  return loot->publisher.files.write(tuf::kTimestamp, {}, *file + std::string(8U << 20, ' '));
}

Result<void> slow_retrieval(Lab& lab, const std::string&) {
  lab.stall();
  return {};
}

// The newest image of the device's model, as it lies at the mirror.
Result<fs::path> newest_image(const Lab& lab) {
  fs::path newest;
  std::error_code error;
  fs::file_time_type time{};
  for (const auto& entry : fs::directory_iterator(
           lab.firmware() / "targets" / tuf::folder_of_model(lab.model()), error)) {
    if (newest.empty() || entry.last_write_time() > time) {
      newest = entry.path();
      time = entry.last_write_time();
    }
  }
  if (newest.empty()) return fail(Errc::kNotFound, "no image of " + lab.model());
  return newest;
}

Result<void> change_image(const Lab& lab, bool (*change)(std::string& bytes)) {
  const auto image = newest_image(lab);
  if (!image) return image.error();
  auto bytes = read_file(*image, kMaxFile);
  if (!bytes) return bytes.error();
  if (!change(*bytes)) return fail(Errc::kInvalid, "an empty image");
  return write_file_durably(*image, *bytes);
}

Result<void> arbitrary_image(Lab& lab, const std::string&) {
  return change_image(lab, [](std::string& bytes) {
    if (bytes.empty()) return false;
    bytes[bytes.size() / 2] ^= 1;
    return true;
  });
}

Result<void> appended_bytes(Lab& lab, const std::string&) {
  return change_image(lab, [](std::string& bytes) {
    bytes += "and more";
    return true;
  });
}

Result<void> lost_targets_keys(Lab& lab, const std::string&) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(lab.vault_folder(), error)) {
    if (entry.path().filename().string().starts_with("targets-")) fs::remove(entry.path(), error);
  }
  if (error) return fail(Errc::kIo, error.message());
  return {};
}

Result<void> hostile_answers(Lab& lab, const std::string&) {
  return lab.answer_hostile();
}

// The root with a key of the attacker's in place of one of those who sign.
Result<tuf::Draft> evil_root(const Loot& loot) {
  const auto own = tuf::Signer::generate();
  if (!own) return own.error();
  tuf::Json part = loot.now.root_json;
  part["version"] = loot.now.root.version + 1;
  part["keys"][own->public_key().id()] = own->public_key().json();
  part["roles"]["root"]["keyids"][0] = own->public_key().id();
  return tuf::Draft{std::move(part), {}};
}

constexpr std::array<Attack, 15> kAttacks{{
    {"arbitrary-image", "puts other bytes in the place of the newest image", &arbitrary_image},
    {"appended-bytes", "appends to the newest image", &appended_bytes},
    {"unsigned", "lists an own image in the model's role without a signature", &unsigned_list},
    {"wrong-roles-key", "signs it with the timestamp's key, under the right names",
     &wrong_roles_key},
    {"too-few", "has it signed by one person less than is asked for", &too_few},
    {"duplicate-key-id", "has one person sign it several times", &duplicate_key_id},
    {"stolen-keys", "signs it with every key that lies on the server", &stolen_keys},
    {"rollback", "takes a role back to an older version", &rollback},
    {"freeze", "goes on serving what has expired", &freeze},
    {"fast-forward", "signs snapshot and timestamp with a version far ahead", &fast_forward},
    {"mix-and-match", "serves an older list under the newer one's name", &mix_and_match},
    {"endless-data", "serves a timestamp of many megabytes", &endless_data},
    {"slow-retrieval", "takes requests and never sends the answer", &slow_retrieval},
    {"hostile-answers", "answers every request with what no honest server sends", &hostile_answers},
    {"lost-targets-keys", "not an attack: every targets key is lost", &lost_targets_keys},
}};

}  // namespace

Result<ForgedRequest> forge_request(const Lab& lab, const std::string& role) {
  const auto loot = take(lab);
  if (!loot) return loot.error();
  const bool root = role == tuf::kRoot;
  const Result<tuf::Draft> draft = root ? evil_root(*loot) : Result<tuf::Draft>(loot->evil_draft());
  if (!draft) return draft.error();
  const std::string name = root ? role : loot->role;
  if (auto kept = loot->publisher.keep_pending(name, *draft); !kept) return kept.error();
  const auto ceremony = tuf::Ceremony::open(lab.firmware(), lab.keys(), lab.clock());
  if (!ceremony) return ceremony.error();
  const auto honest = ceremony->request(name);
  if (!honest) return honest.error();
  auto request = tuf::parse_request(*honest);
  if (!request) return request.error();
  tuf::Json& shown = root ? request->in_force.roots.back() : *request->in_force.role;
  shown["signed"] = draft->part;
  shown["signed"]["version"] = draft->version() - 1;
  return ForgedRequest{name, tuf::write_request(*request)};
}

std::span<const Attack> attacks() {
  return kAttacks;
}

const Attack* find_attack(std::string_view how) {
  const auto found = std::ranges::find(kAttacks, how, &Attack::how);
  return found == kAttacks.end() ? nullptr : &*found;
}

}  // namespace ota::sim
