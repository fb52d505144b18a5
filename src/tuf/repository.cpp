#include "tuf/repository.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/digest.h"
#include "base/text.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/publisher.h"

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

// Only characters that stand for themselves in URLs and file names.
std::string plain(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-';
    if (!fine) c = '_';
  }
  return out;
}

bool share_a_model(const model::Release& a, const model::Release& b) {
  return std::ranges::any_of(a.hardware, [&](const std::string& m) { return b.fits(m); });
}

struct Copied {
  fs::path path;  // a hidden temporary
  std::uint64_t length = 0;
  std::string sha256;
};

// Copies `image` into `folder` while it is hashed, so that what is published is what was hashed.
Result<Copied> copy_in(const fs::path& image, const fs::path& folder) {
  const FileDescriptor from(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) return fail_errno(errno, "read " + image.string());
  struct stat status {};
  if (::fstat(from.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return ota::fail(ota::Errc::kInvalid, image.string() + " is no regular file");
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
      const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return fail_errno(errno, "read " + image.string());
      if (got == 0) break;
      const std::string_view piece(chunk.data(), static_cast<std::size_t>(got));
      digest.update(as_bytes(piece));
      copied.length += piece.size();
      if (auto put = write_all(to.get(), piece); !put) return put;
    }
    if (copied.length == 0) return ota::fail(ota::Errc::kInvalid, image.string() + " is empty");
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

}  // namespace

struct Repository::Impl : Publisher {
  using Publisher::Publisher;

  static const Role& role_of(const Root& root, std::string_view name) {
    return root.roles.find(name)->second;
  }
  Result<void> create() const;
  Result<void> renew_root(const Published& now) const;
};

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
  for (const auto& [name, target] : now->targets.targets) {
    auto firmware = firmware_of(target);
    if (!firmware) return firmware.error();
    out.push_back(std::move(firmware->release));
  }
  std::ranges::stable_sort(out, [](const auto& a, const auto& b) { return a.version > b.version; });
  return out;
}

Result<model::Release> Repository::add(const fs::path& image, model::Release release,
                                       std::optional<model::Version> rollback_floor) {
  if (auto fine = check_hardware(release.hardware); !fine) return fine.error();
  if (rollback_floor && *rollback_floor > release.version) {
    return ota::fail(ota::Errc::kInvalid, "a release below its own floor " +
                                              rollback_floor->label() + " could not be installed");
  }
  release.notes = printable(release.notes);
  const auto lock = impl_->files.lock();
  if (!lock) return lock.error();
  const auto now = impl_->files.load();
  if (!now) return now.error();
  Json targets = impl_->targets_to_change(*now);
  const auto present = parse_targets(targets);
  if (!present) return present.error();
  const auto copied = copy_in(image, impl_->files.targets());
  if (!copied) return copied.error();
  struct RemoveLeftover {
    fs::path path;
    ~RemoveLeftover() { ::unlink(path.c_str()); }
  } const leftover{copied->path};

  release.length = copied->length;
  release.sha256 = copied->sha256;
  release.target = "firmware-" + plain(release.version.text()) + ".img";
  for (const auto& [name, target] : present->targets) {
    const auto other = firmware_of(target);
    if (!other || other->release.version != release.version) continue;
    if (other->release.sha256 == release.sha256) {
      release.target = name;
      if (!rollback_floor) rollback_floor = other->rollback_floor;
      for (const std::string& model : other->release.hardware) {
        if (!release.fits(model)) release.hardware.push_back(model);
      }
    } else if (share_a_model(other->release, release)) {
      return ota::fail(ota::Errc::kExists,
                       release.version.label() + " is published with other bytes");
    } else if (release.target == name) {
      release.target = "firmware-" + plain(release.version.text()) + "-" +
                       plain(release.hardware.front()) + ".img";
    }
  }
  const fs::path place = impl_->files.targets() / target_url_path(release.target, release.sha256);
  if (::rename(copied->path.c_str(), place.c_str()) != 0) {
    return fail_errno(errno, "write " + place.string());
  }
  if (auto synced = sync_directory(impl_->files.targets()); !synced) return synced.error();
  targets["targets"][release.target] = {
      {"length", release.length},
      {"hashes", {{"sha256", release.sha256}}},
      {"custom", Json::parse(custom_of({release, rollback_floor}))}};
  if (auto done = impl_->change_targets(*now, std::move(targets)); !done) return done.error();
  return release;
}

Result<void> Repository::remove(const model::Version& version) {
  const auto lock = impl_->files.lock();
  if (!lock) return lock.error();
  const auto now = impl_->files.load();
  if (!now) return now.error();
  Json targets = impl_->targets_to_change(*now);
  const auto present = parse_targets(targets);
  if (!present) return present.error();
  std::vector<fs::path> images;
  for (const auto& [name, target] : present->targets) {
    const auto firmware = firmware_of(target);
    if (!firmware || firmware->release.version != version) continue;
    targets["targets"].erase(name);
    images.push_back(impl_->files.targets() / target_url_path(name, firmware->release.sha256));
  }
  if (images.empty()) return ota::fail(ota::Errc::kNotFound, version.label());
  if (auto done = impl_->change_targets(*now, std::move(targets)); !done) return done;
  for (const fs::path& path : images)
    ::unlink(path.c_str());
  return {};
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
  if (due(now->targets, offline_margin) && online(kTargets)) {
    if (auto done = impl_->change_targets(*now, now->targets_json); !done) return done.error();
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
  return out;
}

Result<std::string> Repository::root() const {
  auto now = impl_->files.load();
  if (!now) return now.error();
  return std::move(now->root_file);
}

}  // namespace ota::tuf
