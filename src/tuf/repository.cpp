#include "tuf/repository.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/digest.h"
#include "base/text.h"
#include "model/event_kind.h"
#include "tuf/change.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/journal.h"
#include "tuf/names.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

// Root and targets, whose keys may be a ceremony away, are renewed this long before they end.
constexpr std::chrono::days kOfflineMargin{30};

constexpr std::size_t kMaxModels = 64;
constexpr std::size_t kMaxModelBytes = 64;

Result<void> check_hardware(const std::vector<std::string>& models) {
  if (models.empty() || models.size() > kMaxModels) {
    return ota::fail(ota::Errc::kInvalid, "an image needs 1 to 64 hardware models");
  }
  for (const std::string& model : models) {
    if (model.empty() || printable(model, kMaxModelBytes) != model ||
        model.find('/') != std::string::npos) {
      return ota::fail(ota::Errc::kInvalid, "hardware model '" + printable(model) + "'");
    }
  }
  return {};
}

struct Copied {
  fs::path path;  // a hidden temporary
  std::uint64_t length = 0;
  std::string sha256;
};

// Copies the image into `folder` while it is hashed, so that what is published is what was hashed.
Result<Copied> copy_in(const FileDescriptor& from, const fs::path& folder) {
  struct stat status {};
  if (::fstat(from.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return ota::fail(ota::Errc::kInvalid, "the image is no regular file");
  }
  std::string name = (folder / ".incoming.XXXXXX").string();
  const FileDescriptor to(::mkostemp(name.data(), O_CLOEXEC));
  if (!to) return fail_errno(errno, "write into " + folder.string());
  Copied copied;
  copied.path = name;
  Sha256 digest;
  const auto copy = [&]() -> Result<void> {
    std::array<char, 65536> chunk{};
    while (true) {
      const ssize_t got =
          ::pread(from.get(), chunk.data(), chunk.size(), static_cast<off_t>(copied.length));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, "read the image");
      if (got == 0) break;
      const std::string_view piece(chunk.data(), static_cast<std::size_t>(got));
      digest.update(as_bytes(piece));
      copied.length += piece.size();
      if (auto put = write_all(to.get(), piece); !put) return put;
    }
    if (copied.length == 0) return ota::fail(ota::Errc::kInvalid, "the image is empty");
    if (::fchmod(to.get(), 0644) != 0 || ::fsync(to.get()) != 0) {
      return fail_errno(errno, "write into " + folder.string());
    }
    return {};
  };
  if (auto done = copy(); !done) {
    ::unlink(name.c_str());
    return done.error();
  }
  copied.sha256 = to_hex(digest.finish());
  return copied;
}

// In the model's folder: the release's own file name, or one made of its version.
std::string target_name(std::string_view model, const model::Release& release) {
  return folder_of_model(model) + "/" +
         (release.target.empty() ? "firmware-" + plain_name(release.version.text()) + ".img"
                                 : release.target);
}

// kExists where the model has this version with other bytes.
Result<void> check_unused(const Targets& role, const std::string& model,
                          const model::Release& release) {
  for (const auto& [name, target] : role.targets) {
    const auto known = firmware_of(target);
    if (known && known->release.version == release.version && known->release.fits(model) &&
        known->release.sha256 != release.sha256) {
      return ota::fail(ota::Errc::kExists,
                       release.version.label() + " is published with other bytes");
    }
  }
  return {};
}

// Adds the model's delegation, signed by whoever signs targets, to the targets part. True where it
// was missing.
Result<bool> delegate_model(const Change& change, Json& targets, const std::string& model) {
  const std::string role = role_of_model(model);
  Json& delegations = targets["delegations"];
  if (delegations.is_null()) delegations = {{"keys", Json::object()}, {"roles", Json::array()}};
  for (const Json& known : delegations.at("roles")) {
    if (known.at("name") == role) return false;
  }
  if (change.judges(kTargets).size() > 1) {
    return ota::fail(ota::Errc::kConflict,
                     "a new root waits for signatures; finish that before a new model");
  }
  const Role& signers = change.now.root.roles.find(kTargets)->second;
  for (const std::string& id : signers.keyids)
    delegations["keys"][id] = change.now.root_json.at("keys").at(id);
  delegations["roles"].push_back({{"name", role},
                                  {"keyids", signers.keyids},
                                  {"threshold", signers.threshold},
                                  {"terminating", true},
                                  {"paths", {folder_of_model(model) + "/*"}}});
  return true;
}

// What was published with the image stays; what is new takes the place of one from the same image.
void add_patches(Firmware& firmware, const std::vector<PatchFile>& files) {
  for (const PatchFile& file : files) {
    if (file.patch.from.empty()) {
      firmware.packed = file.patch;
      continue;
    }
    std::erase_if(firmware.patches,
                  [&](const Patch& known) { return known.from == file.patch.from; });
    firmware.patches.push_back(file.patch);
  }
}

// Lists the release in its model's part.
Result<void> put_target(Json& part, const std::string& model, const model::Release& release,
                        const std::optional<model::Version>& floor,
                        const std::vector<PatchFile>& patches) {
  const auto present = parse_targets(part);
  if (!present) return present.error();
  if (auto clash = check_unused(*present, model, release); !clash) return clash;
  const std::string name = target_name(model, release);
  Firmware own;
  if (const auto known = present->targets.find(name); known != present->targets.end()) {
    auto held = firmware_of(known->second);
    if (!held || held->release.sha256 != release.sha256) {
      return ota::fail(ota::Errc::kExists, name + " is published with other bytes");
    }
    own = std::move(*held);
  }
  if (floor) own.rollback_floor = floor;
  own.release = release;
  own.release.hardware = {model};
  add_patches(own, patches);
  part["targets"][name] = {{"length", release.length},
                           {"hashes", {{"sha256", release.sha256}}},
                           {"custom", Json::parse(custom_of(own))}};
  return {};
}

// One file under as many names as there are models; a copy where the disk knows no links.
Result<void> place_image(const fs::path& image, const fs::path& place) {
  if (auto made = make_directories(place.parent_path()); !made) return made;
  const fs::path temporary = place.parent_path() / (".incoming." + place.filename().string());
  std::error_code error;
  fs::remove(temporary, error);
  fs::create_hard_link(image, temporary, error);
  if (error) {
    error.clear();
    fs::copy_file(image, temporary, fs::copy_options::overwrite_existing, error);
  }
  if (!error) fs::rename(temporary, place, error);
  if (error) return fail_errno(error.value(), "write " + place.string());
  return sync_directory(place.parent_path());
}

}  // namespace

struct Repository::Impl : Publisher {
  Impl(const fs::path& firmware_folder, const fs::path& keys_folder, const Clock& c)
      : Publisher(firmware_folder, keys_folder, c),
        firmware(firmware_folder),
        key_folder(keys_folder) {}

  fs::path firmware;
  fs::path key_folder;

  static const Role& role_of(const Root& root, std::string_view name) {
    return root.roles.find(name)->second;
  }
  Result<void> create() const;
  Result<void> renew_root(const Published& now) const;
  fs::path image_path(const std::string& model, const model::Release& release) const {
    return files.targets() / target_url_path(target_name(model, release), release.sha256);
  }
  fs::path patch_path(const std::string& model, const model::Release& release,
                      const Patch& patch) const {
    return files.targets() /
           target_url_path(patch_name(target_name(model, release), release.sha256, patch),
                           patch.sha256);
  }
  // Publishes what was staged; kThreshold where one of the models waits for signatures.
  static Result<void> finish(Change& change, const std::map<std::string, Json>& models) {
    if (auto done = change.complete(); !done) return done.error();
    for (const auto& [model, part] : models) {
      if (auto waits = change.waiting(role_of_model(model)); !waits) return waits;
    }
    return {};
  }
  Result<void> renew_targets(const Published& now, const std::vector<std::string>& due) const;
  // A journal that cannot be written does not take back what was published.
  void record(const char* step, std::string what, const std::optional<Error>& error) const {
    static_cast<void>(
        Journal(key_folder).add(entry_of(clock->wall(), step, std::move(what), error)));
  }
};

// The same lists, signed for another term.
Result<void> Repository::Impl::renew_targets(const Published& now,
                                             const std::vector<std::string>& due) const {
  std::map<std::string, Draft, std::less<>> files_due;
  for (const std::string& name : due) {
    Json part = now.json_of(name);
    part["version"] = now.version_of(name) + 1;
    part["expires"] = tuf_time(clock->wall() + kTargetsLife);
    const auto delegated = std::ranges::find(now.targets.delegations, name, &DelegatedRole::name);
    const bool top = name == kTargets;
    const Role& role = top ? role_of(now.root, kTargets) : *delegated;
    auto draft = sign(part, {&role});
    if (!draft) return draft.error();
    files_due.emplace(name, std::move(*draft));
  }
  return publish_targets(now, files_due, {&now.root});
}

Result<void> Repository::Impl::renew_root(const Published& now) const {
  Json part = now.root_json;
  part["version"] = now.root.version + 1;
  part["expires"] = tuf_time(clock->wall() + kRootLife);
  const auto draft = sign(part, {&role_of(now.root, kRoot)});
  if (!draft) return draft.error();
  if (auto enough = draft->check(now.root, kRoot); !enough) return enough;
  return files.write(kRoot, draft->version(), draft->file());
}

Result<void> Repository::Impl::create() const {
  const auto make_key = [&]() -> Result<PublicKey> {
    auto signer = Signer::generate();
    if (!signer) return signer.error();
    if (auto put = keys.put(*signer); !put) return put.error();
    return signer->public_key();
  };
  Json part = new_part(kRoot, 1, clock->wall() + kRootLife);
  part["consistent_snapshot"] = true;
  for (const std::string_view role : {kRoot, kTargets, kSnapshot, kTimestamp}) {
    const auto key = make_key();
    if (!key) return key.error();
    part["keys"][key->id()] = key->json();
    part["roles"][std::string(role)] = {{"keyids", {key->id()}}, {"threshold", 1}};
  }
  const auto director = make_key();
  if (!director) return director.error();
  part["x-ota-director"] = {{"keys", {{director->id(), director->json()}}},
                            {"keyids", {director->id()}},
                            {"threshold", 1}};
  const auto root = parse_root(part);
  if (!root) return root.error();
  const auto root_file = sign(part, {&role_of(*root, kRoot)});
  if (!root_file) return root_file.error();
  if (auto written = files.write(kRoot, 1, root_file->file()); !written) return written;
  Json targets = new_part(kTargets, 1, clock->wall() + kTargetsLife);
  targets["targets"] = Json::object();
  const auto draft = sign(targets, {&role_of(*root, kTargets)});
  if (!draft) return draft.error();
  const std::string file = draft->file();
  if (auto written = files.write(kTargets, 1, file); !written) return written;
  return publish_snapshot({&*root}, 1, {{"targets.json", announcement(1, file)}}, 1);
}

Repository::Repository(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Repository::Repository(Repository&&) noexcept = default;
Repository& Repository::operator=(Repository&&) noexcept = default;
Repository::~Repository() = default;

Result<Repository> Repository::open(const fs::path& firmware, const fs::path& keys,
                                    const Clock& clock) {
  auto impl = std::make_unique<Impl>(firmware, keys, clock);
  if (auto loaded = impl->files.load(); !loaded) return loaded.error();
  return Repository(std::move(impl));
}

Result<Repository> Repository::create(const fs::path& firmware, const fs::path& keys,
                                      const Clock& clock) {
  auto impl = std::make_unique<Impl>(firmware, keys, clock);
  const auto lock = impl->files.lock();
  if (!lock) return lock.error();
  // The timestamp is what makes a repository: a root without one is a creation that was cut off.
  if (fs::exists(impl->files.metadata() / metadata_path(kTimestamp, {}))) {
    return ota::fail(ota::Errc::kExists, "a repository in " + firmware.string());
  }
  if (auto made = impl->create(); !made) return made.error();
  return Repository(std::move(impl));
}

Result<std::vector<model::Release>> Repository::releases() const {
  const auto now = impl_->files.load();
  if (!now) return now.error();
  std::vector<model::Release> out;
  const auto collect = [&](const Targets& role) -> Result<void> {
    for (const auto& [name, target] : role.targets) {
      auto firmware = firmware_of(target);
      if (!firmware) return firmware.error();
      firmware->release.rollback_floor = firmware->rollback_floor;
      out.push_back(with_shorter_files(std::move(*firmware)));
    }
    return {};
  };
  if (auto done = collect(now->targets); !done) return done.error();
  for (const auto& [name, role] : now->delegated) {
    if (auto done = collect(role.targets); !done) return done.error();
  }
  std::ranges::stable_sort(out, [](const auto& a, const auto& b) { return a.version > b.version; });
  return out;
}

Result<model::Release> Repository::do_add(const FileDescriptor& image, model::Release release,
                                          std::optional<model::Version> rollback_floor,
                                          const std::vector<PatchFile>& patches) {
  if (auto fine = check_hardware(release.hardware); !fine) return fine.error();
  if (rollback_floor && *rollback_floor > release.version) {
    return ota::fail(ota::Errc::kInvalid, "a release below its own floor " +
                                              rollback_floor->label() + " could not be installed");
  }
  if (release.target.find('/') != std::string::npos) {
    return ota::fail(ota::Errc::kInvalid, "a file name with '/': " + printable(release.target));
  }
  release.notes = printable(release.notes);
  auto change = Change::begin(impl_->firmware, impl_->key_folder, *impl_->clock);
  if (!change) return change.error();
  const auto copied = copy_in(image, impl_->files.targets());
  if (!copied) return copied.error();
  struct RemoveLeftover {
    fs::path path;
    ~RemoveLeftover() { ::unlink(path.c_str()); }
  } const leftover{copied->path};
  if (!release.sha256.empty() && release.sha256 != copied->sha256) {
    return ota::fail(ota::Errc::kConflict, "the image was changed while it was looked at");
  }
  release.length = copied->length;
  release.sha256 = copied->sha256;
  for (const PatchFile& patch : patches) {
    if (patch.makes != release.sha256)
      return ota::fail(ota::Errc::kConflict, "a patch for another image: " + patch.file.string());
  }

  Json targets = change->part_of(kTargets);
  std::map<std::string, Json> parts;  // by model
  bool delegates = false;
  for (const std::string& model : release.hardware) {
    if (auto clash = check_unused(change->now.targets, model, release); !clash) {
      return clash.error();
    }
    const auto delegated = delegate_model(*change, targets, model);
    if (!delegated) return delegated.error();
    delegates = delegates || *delegated;
    Json part = change->part_of(role_of_model(model));
    if (auto put = put_target(part, model, release, rollback_floor, patches); !put)
      return put.error();
    parts.emplace(model, std::move(part));
  }
  for (const std::string& model : release.hardware) {
    if (auto put = place_image(copied->path, impl_->image_path(model, release)); !put) {
      return put.error();
    }
    for (const PatchFile& patch : patches) {
      const fs::path place = impl_->patch_path(model, release, patch.patch);
      if (auto put = place_image(patch.file, place); !put) return put.error();
    }
  }
  if (delegates) {
    if (auto staged = change->stage(kTargets, std::move(targets)); !staged) return staged.error();
  }
  for (auto& [model, part] : parts) {
    if (auto staged = change->stage(role_of_model(model), std::move(part)); !staged) {
      return staged.error();
    }
  }
  if (auto done = impl_->finish(*change, parts); !done) return done.error();
  release.target = target_name(release.hardware.front(), release);
  return release;
}

Result<void> Repository::do_remove(const model::Version& version) {
  auto change = Change::begin(impl_->firmware, impl_->key_folder, *impl_->clock);
  if (!change) return change.error();
  const auto tree = change->targets_to_be();
  if (!tree) return tree.error();
  std::vector<std::string> roles{std::string(kTargets)};
  for (const DelegatedRole& role : tree->delegations)
    roles.push_back(role.name);
  std::vector<fs::path> images;
  std::map<std::string, Json> parts;  // by role
  for (const std::string& role : roles) {
    Json part = change->part_of(role);
    const auto present = parse_targets(part);
    if (!present) return present.error();
    const std::size_t before = images.size();
    for (const auto& [name, target] : present->targets) {
      const auto firmware = firmware_of(target);
      if (!firmware || firmware->release.version != version) continue;
      part["targets"].erase(name);
      // clang 14 captures no structured binding.
      const auto path_of = [&, &listed = name](const Patch& patch) {
        return impl_->files.targets() /
               target_url_path(patch_name(listed, firmware->release.sha256, patch), patch.sha256);
      };
      images.push_back(impl_->files.targets() / target_url_path(name, firmware->release.sha256));
      if (firmware->packed) images.push_back(path_of(*firmware->packed));
      for (const Patch& patch : firmware->patches)
        images.push_back(path_of(patch));
    }
    if (images.size() > before) parts.emplace(role, std::move(part));
  }
  if (images.empty()) return ota::fail(ota::Errc::kNotFound, version.label());
  for (const auto& [role, part] : parts) {
    if (auto staged = change->stage(role, part); !staged) return staged;
  }
  if (auto done = change->complete(); !done) return done.error();
  for (const auto& [role, part] : parts) {
    if (auto waits = change->waiting(role); !waits) return waits;
  }
  for (const fs::path& path : images)
    ::unlink(path.c_str());
  return {};
}

Result<model::Release> Repository::add(const fs::path& image, model::Release release,
                                       std::optional<model::Version> rollback_floor,
                                       const std::vector<PatchFile>& patches) {
  // Without waiting for the other end of a pipe that is none of ours.
  const FileDescriptor opened(::open(image.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!opened) {
    const Error error = fail_errno(errno, "read " + image.string());
    impl_->record(model::event_kind::kFirmwareAdd, release.version.label(), error);
    return error;
  }
  release.sha256.clear();
  return add(opened, std::move(release), std::move(rollback_floor), patches);
}

Result<model::Release> Repository::add(const FileDescriptor& image, model::Release release,
                                       std::optional<model::Version> rollback_floor,
                                       const std::vector<PatchFile>& patches) {
  std::string models;
  for (const std::string& model : release.hardware)
    models += (models.empty() ? "" : ", ") + model;
  const std::string what = release.version.label() + " for " + models;
  auto added = do_add(image, std::move(release), std::move(rollback_floor), patches);
  impl_->record(model::event_kind::kFirmwareAdd,
                what + (added ? " is published, sha256 " + added->sha256 : ""),
                added ? std::optional<Error>() : added.error());
  return added;
}

fs::path Repository::image_of(const model::Release& release) const {
  return impl_->files.targets() / target_url_path(release.target, release.sha256);
}

Result<void> Repository::remove(const model::Version& version) {
  auto removed = do_remove(version);
  impl_->record(model::event_kind::kFirmwareRemove,
                version.label() + (removed ? " is no longer published" : ""),
                removed ? std::optional<Error>() : removed.error());
  return removed;
}

Result<bool> Repository::refresh_if_due(std::chrono::seconds margin) {
  const auto lock = impl_->files.lock();
  if (!lock) return lock.error();
  auto now = impl_->files.load();
  if (!now) return now.error();
  const WallTime time = impl_->clock->wall();
  const auto due = [&](const Header& role, std::chrono::seconds before) {
    return role.expires - time <= before;
  };
  const auto online = [&](std::string_view name) {
    const Role& role = Impl::role_of(now->root, name);
    return impl_->online_keys(role) >= role.threshold;
  };
  const std::chrono::seconds offline_margin =
      std::max<std::chrono::seconds>(margin, kOfflineMargin);
  bool signed_anew = false;
  if (due(now->root, offline_margin) && online(kRoot)) {
    if (auto done = impl_->renew_root(*now); !done) return done.error();
    signed_anew = true;
  }
  std::vector<std::string> lists;
  if (due(now->targets, offline_margin) && online(kTargets)) lists.emplace_back(kTargets);
  for (const DelegatedRole& role : now->targets.delegations) {
    const auto known = now->delegated.find(role.name);
    if (known != now->delegated.end() && due(known->second.targets, offline_margin) &&
        impl_->online_keys(role) >= role.threshold) {
      lists.push_back(role.name);
    }
  }
  if (!lists.empty()) {
    if (auto done = impl_->renew_targets(*now, lists); !done) return done.error();
    return true;
  }
  if (due(now->snapshot, margin)) {
    auto done = impl_->publish_snapshot({&now->root}, now->snapshot.version + 1,
                                        now->snapshot_json.at("meta"), now->timestamp.version + 1);
    if (!done) return done.error();
    return true;
  }
  if (due(now->timestamp, margin)) {
    auto done = impl_->publish_timestamp({&now->root}, now->timestamp.version + 1,
                                         now->timestamp_json.at("meta").at("snapshot.json"));
    if (!done) return done.error();
    return true;
  }
  return signed_anew;
}

Result<std::vector<RoleStatus>> Repository::status() const {
  const auto now = impl_->files.load();
  if (!now) return now.error();
  const std::array<std::pair<std::string_view, const Header*>, 4> roles{
      {{kRoot, &now->root},
       {kTargets, &now->targets},
       {kSnapshot, &now->snapshot},
       {kTimestamp, &now->timestamp}}};
  std::vector<RoleStatus> out;
  for (const auto& [name, head] : roles) {
    const Role& role = Impl::role_of(now->root, name);
    out.push_back({std::string(name), head->version, head->expires,
                   static_cast<unsigned>(role.threshold), static_cast<unsigned>(role.keyids.size()),
                   impl_->online_keys(role) >= role.threshold});
  }
  for (const DelegatedRole& role : now->targets.delegations) {
    const auto known = now->delegated.find(role.name);
    if (known == now->delegated.end()) continue;
    const Targets& head = known->second.targets;
    out.push_back({role.name, head.version, head.expires, static_cast<unsigned>(role.threshold),
                   static_cast<unsigned>(role.keyids.size()),
                   impl_->online_keys(role) >= role.threshold});
  }
  return out;
}

Result<std::string> Repository::root() const {
  auto now = impl_->files.load();
  if (!now) return now.error();
  return std::move(now->root_file);
}

}  // namespace ota::tuf
