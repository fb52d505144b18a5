#include "tuf/updater.h"

#include <algorithm>
#include <set>

#include "base/assert.h"
#include "tuf/hash.h"
#include "tuf/names.h"
#include "tuf/trusted_set.h"
#include "tuf/trusted_store.h"

namespace ota::tuf {
namespace {

// The root to start from: the newest trusted one, or where that is damaged the pinned one.
Result<TrustedSet> load_root(const TrustedStore& store, std::uint64_t max_bytes, WallTime now) {
  Error error = fail(Errc::kRootDamaged, "no root.json");
  for (const auto& file : {store.read(kRoot, max_bytes), store.factory_root(max_bytes)}) {
    if (!file) continue;
    auto set = TrustedSet::start(*file, now);
    if (set) return set;
    error = set.error();
  }
  return error;
}

// The hash that names a target's file; empty where none is known or one is not well-formed.
std::string naming_hash(const Hashes& hashes) {
  const std::array<std::pair<std::string_view, std::size_t>, 2> known{
      {{"sha256", 64}, {"sha512", 128}}};
  for (const auto& [algorithm, digits] : known) {
    for (const auto& [name, hex] : hashes) {
      if (name != algorithm) continue;
      const bool lower_hex = std::ranges::all_of(
          hex, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
      return lower_hex && hex.size() == digits ? hex : std::string();
    }
  }
  return {};
}

Error transport_error(const Fetched& fetched, const std::string& path) {
  const std::string what = path + (fetched.detail.empty() ? "" : ": " + fetched.detail);
  switch (fetched.status) {
    case Fetched::Status::kTooLarge:
      return fail(Errc::kEndlessData, what);
    case Fetched::Status::kTooSlow:
      return fail(Errc::kSlowRetrieval, what);
    case Fetched::Status::kNotFound:
      return fail(Errc::kMissing, what);
    case Fetched::Status::kOk:
    case Fetched::Status::kTransportError:
      break;
  }
  return fail(Errc::kUnavailable, what);
}

}  // namespace

// One step is under way at a time; `pending` is the file that it waits for.
struct Updater::Impl {
  enum class Step : std::uint8_t {
    kOver,
    kRootFile,
    kTimestampFile,
    kSnapshotFile,
    kTargetsFile,
    kDelegatedFile
  };

  TrustedStore store;
  UpdaterOptions options;
  Step step = Step::kOver;
  std::optional<Fetch> pending;
  std::optional<FileLock> lock;
  std::optional<TrustedSet> trusted;
  Result<void> outcome = fail(Errc::kNotRefreshed);
  bool refreshed = false;
  std::uint32_t root_steps = 0;
  WallTime given_now;  // what the caller's clock said
  std::optional<WallTime> floor;

  struct Visit {
    std::string role;
    std::string delegator;
  };
  std::string wanted;
  std::vector<Visit> to_visit;  // the next one is the last
  std::set<std::string> visited;
  Visit current;
  std::optional<TargetInfo> found;

  Impl(std::filesystem::path folder, const UpdaterOptions& o)
      : store(std::move(folder), *o.disk), options(o) {}

  void end(Result<void> result) {
    step = Step::kOver;
    pending.reset();
    lock.reset();
    outcome = std::move(result);
  }
  void refuse(Error error) {
    // A clock that is years past all that this device ever learned makes everything look expired.
    if (error.code == Errc::kFreeze && floor && given_now > *floor + options.clock_doubt) {
      Error doubt = fail(Errc::kClockAhead, "now would be " + format_rfc3339(given_now));
      doubt.cause = std::make_shared<const Error>(std::move(error));
      return end(std::move(doubt));
    }
    end(std::move(error));
  }
  bool take_lock() {
    auto held = store.lock(options.lock_patience);
    if (!held) {
      end(held.error());
      return false;
    }
    lock.emplace(std::move(*held));
    return true;
  }

  void start_refresh(WallTime now);
  void start_lookup(const std::string& name);
  void feed(Fetched fetched);

  void ask(Step next_step, std::string_view role, std::optional<std::uint64_t> version,
           std::uint64_t max_bytes) {
    step = next_step;
    pending = Fetch{metadata_path(role, version), max_bytes};
  }
  void ask_root() {
    ask(Step::kRootFile, kRoot, trusted->root().version + 1, options.max_root_bytes);
  }
  // A file that the trusted metadata announces: no more bytes than announced, or than the limit.
  void ask_announced(Step next_step, std::string_view role, const MetaFile& meta,
                     std::uint64_t limit) {
    std::optional<std::uint64_t> version;
    if (trusted->root().consistent_snapshot) version = meta.version;
    ask(next_step, role, version, std::min(limit, meta.length.value_or(limit)));
  }

  void take_root(const std::string& file);
  void close_roots();
  void take_timestamp(const std::string& file);
  void begin_snapshot();
  void take_snapshot(const std::string& file);
  void begin_targets();
  void take_targets(const std::string& file);
  void complete_refresh();
  void raise_floor();
  void visit_next();
  bool look_into_current();
  void finish_lookup(const TargetInfo& target);
  void take_delegated(const std::string& file);
};

void Updater::Impl::start_refresh(WallTime now) {
  refreshed = false;
  root_steps = 0;
  found.reset();
  given_now = now;
  if (!take_lock()) return;
  floor = options.clock_floor;
  if (floor) floor = std::max(*floor, store.clock_floor().value_or(*floor));
  auto set = load_root(store, options.max_root_bytes, std::max(now, floor.value_or(now)));
  if (!set) return end(set.error());
  trusted.emplace(std::move(*set));
  ask_root();
}

void Updater::Impl::feed(Fetched fetched) {
  OTA_ASSERT(pending.has_value());
  const Fetch asked = std::move(*pending);
  pending.reset();
  if (fetched.status == Fetched::Status::kNotFound && step == Step::kRootFile) return close_roots();
  if (fetched.status == Fetched::Status::kOk && fetched.body.size() > asked.max_bytes) {
    fetched.status = Fetched::Status::kTooLarge;
    fetched.detail = "more than " + std::to_string(asked.max_bytes) + " bytes";
  }
  if (fetched.status != Fetched::Status::kOk) return refuse(transport_error(fetched, asked.path));
  switch (step) {
    case Step::kRootFile:
      return take_root(fetched.body);
    case Step::kTimestampFile:
      return take_timestamp(fetched.body);
    case Step::kSnapshotFile:
      return take_snapshot(fetched.body);
    case Step::kTargetsFile:
      return take_targets(fetched.body);
    case Step::kDelegatedFile:
      return take_delegated(fetched.body);
    case Step::kOver:
      return;
  }
}

void Updater::Impl::take_root(const std::string& file) {
  if (auto newer = trusted->update_root(file); !newer) return refuse(newer.error());
  // Each root is stored before the next is asked for (TUF 5.3.8), so that steps are never repeated.
  if (auto stored = store.write(kRoot, file); !stored) return refuse(stored.error());
  if (++root_steps >= options.max_root_steps) {
    return refuse(fail(Errc::kTooManyRoots, std::to_string(root_steps) + " in one refresh"));
  }
  ask_root();
}

void Updater::Impl::close_roots() {
  if (auto fresh = trusted->close_roots(); !fresh) return refuse(fresh.error());
  if (trusted->online_keys_changed()) {
    for (const std::string_view role : {kTimestamp, kSnapshot}) {
      if (auto removed = store.remove(role); !removed) return refuse(removed.error());
    }
  }
  if (const auto local = store.read(kTimestamp, options.max_timestamp_bytes)) {
    trusted->load_timestamp(*local);
  }
  ask(Step::kTimestampFile, kTimestamp, std::nullopt, options.max_timestamp_bytes);
}

void Updater::Impl::take_timestamp(const std::string& file) {
  const auto newer = trusted->update_timestamp(file);
  if (!newer) return refuse(newer.error());
  if (*newer == TrustedSet::Newer::kYes) {
    if (auto stored = store.write(kTimestamp, file); !stored) return refuse(stored.error());
  }
  // Also where the timestamp is the old one: an earlier run may have ended before the rest was
  // complete.
  begin_snapshot();
}

void Updater::Impl::begin_snapshot() {
  const auto local = store.read(kSnapshot, options.max_snapshot_bytes);
  if (local && trusted->load_snapshot(*local)) return begin_targets();
  ask_announced(Step::kSnapshotFile, kSnapshot, trusted->timestamp()->snapshot,
                options.max_snapshot_bytes);
}

void Updater::Impl::take_snapshot(const std::string& file) {
  if (auto valid = trusted->update_snapshot(file); !valid) return refuse(valid.error());
  if (auto stored = store.write(kSnapshot, file); !stored) return refuse(stored.error());
  begin_targets();
}

void Updater::Impl::begin_targets() {
  const MetaFile* meta = trusted->announced(kTargets);
  if (meta == nullptr) {
    return refuse(fail(Errc::kMixAndMatch, "the snapshot does not list targets.json"));
  }
  const auto local = store.read(kTargets, options.max_targets_bytes);
  if (local && trusted->update_targets(*local)) return complete_refresh();
  ask_announced(Step::kTargetsFile, kTargets, *meta, options.max_targets_bytes);
}

void Updater::Impl::take_targets(const std::string& file) {
  if (auto valid = trusted->update_targets(file); !valid) return refuse(valid.error());
  if (auto stored = store.write(kTargets, file); !stored) return refuse(stored.error());
  complete_refresh();
}

void Updater::Impl::complete_refresh() {
  raise_floor();
  refreshed = true;
  end({});
}

// What was signed at a time proves that this time has passed. A stolen timestamp key could claim a
// far future: the floor never goes past an expiry that the other, offline roles set, so new
// metadata of theirs always recovers from it. The refresh does not depend on this write.
void Updater::Impl::raise_floor() {
  const auto& issued = trusted->timestamp()->issued;
  if (!floor || !issued) return;
  const WallTime proven =
      std::min({*issued, trusted->root().expires, trusted->timestamp()->expires,
                trusted->snapshot()->expires, trusted->targets().find(kTargets)->second.expires}) -
      milliseconds(1);
  constexpr std::chrono::hours kStep{1};  // spares the flash
  if (proven >= *floor + kStep && store.write_clock_floor(proven)) floor = proven;
}

void Updater::Impl::start_lookup(const std::string& name) {
  found.reset();
  if (!refreshed) return end(fail(Errc::kNotRefreshed, name));
  if (!take_lock()) return;
  wanted = name;
  visited.clear();
  to_visit.assign(1, Visit{std::string(kTargets), ""});
  visit_next();
}

// Goes on until a role must be fetched, the target is found, or no role is left.
void Updater::Impl::visit_next() {
  while (!to_visit.empty()) {
    current = std::move(to_visit.back());
    to_visit.pop_back();
    if (!visited.insert(current.role).second) continue;
    if (current.role != kTargets) {
      if (visited.size() > options.max_delegations + std::size_t{1}) {
        return refuse(fail(Errc::kTooManyRoles, "while looking for " + wanted));
      }
      const MetaFile* meta = trusted->announced(current.role);
      if (meta == nullptr) {
        return refuse(fail(Errc::kMixAndMatch, current.role + " is not listed by the snapshot"));
      }
      // What lies on disk was verified for some delegator, at some time: verify it for this one.
      const auto local = store.read(current.role, options.max_targets_bytes);
      if (!local || !trusted->update_delegated(*local, current.role, current.delegator)) {
        return ask_announced(Step::kDelegatedFile, current.role, *meta, options.max_targets_bytes);
      }
    }
    if (look_into_current()) return;
  }
  end(fail(Errc::kUnknownTarget, wanted));
}

void Updater::Impl::take_delegated(const std::string& file) {
  if (auto valid = trusted->update_delegated(file, current.role, current.delegator); !valid) {
    return refuse(valid.error());
  }
  if (auto stored = store.write(current.role, file); !stored) return refuse(stored.error());
  if (!look_into_current()) visit_next();
}

// True where the search is over. Otherwise the role's own delegations come next, in their order.
bool Updater::Impl::look_into_current() {
  const Targets& role = trusted->targets().find(current.role)->second;
  if (const auto target = role.targets.find(wanted); target != role.targets.end()) {
    finish_lookup(target->second);
    return true;
  }
  std::vector<Visit> children;
  for (const DelegatedRole& child : role.delegations) {
    if (!child.covers(wanted)) continue;
    children.push_back({child.name, current.role});
    if (child.terminating) {
      to_visit.clear();
      break;
    }
  }
  std::ranges::move(children.rbegin(), children.rend(), std::back_inserter(to_visit));
  return false;
}

void Updater::Impl::finish_lookup(const TargetInfo& target) {
  if (naming_hash(target.hashes).empty()) {
    return refuse(fail(Errc::kUnsupported, wanted + ": no hash that is known and well-formed"));
  }
  found = target;
  end({});
}

Updater::Updater(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Updater::Updater(Updater&&) noexcept = default;
Updater& Updater::operator=(Updater&&) noexcept = default;
Updater::~Updater() = default;

Result<Updater> Updater::open(const std::filesystem::path& folder, const UpdaterOptions& options) {
  auto impl = std::make_unique<Impl>(folder, options);
  const auto root = load_root(impl->store, impl->options.max_root_bytes, WallTime{});
  if (!root) return root.error();
  return Updater(std::move(impl));
}

Result<void> Updater::pin_root(const std::filesystem::path& folder, std::string_view root,
                               Disk& disk) {
  const std::uint64_t max_bytes = UpdaterOptions{}.max_root_bytes;
  if (root.size() > max_bytes) return fail(Errc::kEndlessData, "root to pin");
  if (auto valid = TrustedSet::start(root, WallTime{}); !valid) {
    return valid.error().within("root to pin");
  }
  if (auto made = make_directories(disk, folder); !made) return made.error();
  const TrustedStore store(folder, disk);
  const auto present = store.read(kRoot, max_bytes);
  if (present && *present != root && TrustedSet::start(*present, WallTime{})) {
    return ota::fail(ota::Errc::kExists, "a trusted root in " + folder.string());
  }
  if (auto kept = store.write_factory_root(root); !kept) return kept.error();
  return store.write(kRoot, root);
}

void Updater::start_refresh(WallTime now) {
  impl_->start_refresh(now);
}
void Updater::start_lookup(const std::string& target_name) {
  impl_->start_lookup(target_name);
}
std::optional<Fetch> Updater::next() {
  return impl_->pending;
}
void Updater::feed(Fetched fetched) {
  impl_->feed(std::move(fetched));
}
Result<void> Updater::result() const {
  return impl_->outcome;
}
const TargetInfo& Updater::target() const {
  OTA_ASSERT(impl_->found.has_value());
  return *impl_->found;
}
std::string Updater::target_path() const {
  const TargetInfo& info = target();
  const bool prefixed = impl_->trusted->root().consistent_snapshot;
  return target_url_path(info.name, prefixed ? naming_hash(info.hashes) : std::string());
}
std::vector<TargetInfo> Updater::known_targets() const {
  std::vector<TargetInfo> known;
  if (!impl_->refreshed) return known;
  for (const auto& [role, targets] : impl_->trusted->targets()) {
    for (const auto& [name, target] : targets.targets)
      known.push_back(target);
  }
  return known;
}
WallTime Updater::timestamp_expires() const {
  if (!impl_->trusted || !impl_->trusted->timestamp()) return {};
  return impl_->trusted->timestamp()->expires;
}
std::optional<Error> Updater::clock_doubt() const {
  if (impl_->floor && impl_->given_now < *impl_->floor) {
    return fail(Errc::kClockBehind, "it says " + format_rfc3339(impl_->given_now) + ", known is " +
                                        format_rfc3339(*impl_->floor));
  }
  if (!impl_->outcome && impl_->outcome.error().code == Errc::kClockAhead) {
    return impl_->outcome.error();
  }
  return std::nullopt;
}

}  // namespace ota::tuf
