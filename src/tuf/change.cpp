#include "tuf/change.h"

#include <algorithm>

#include "tuf/error.h"
#include "tuf/names.h"

namespace ota::tuf {
namespace fs = std::filesystem;
namespace {

const Role& role_of(const Root& root, std::string_view name) {
  return root.roles.find(name)->second;
}

bool same_role(const Root& a, const Root& b, std::string_view name) {
  return role_of(a, name).threshold == role_of(b, name).threshold &&
         std::ranges::is_permutation(role_of(a, name).keyids, role_of(b, name).keyids);
}

// Keys that no role lists any longer leave the root: a forgotten key is one more to lose.
void drop_unused_root_keys(Json& root) {
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

const DelegatedRole* delegation(const Targets& tree, std::string_view role) {
  const auto found = std::ranges::find(tree.delegations, role, &DelegatedRole::name);
  return found == tree.delegations.end() ? nullptr : &*found;
}

}  // namespace

bool Judge::accepts(const Draft& draft, std::string_view name) const {
  Envelope envelope;
  envelope.signed_bytes = canonical(draft.part);
  envelope.signatures = draft.signatures;
  return verify_threshold(envelope, role, keys, name).has_value();
}

Result<Change> Change::begin(const fs::path& firmware, const fs::path& keys, const Clock& clock) {
  Publisher publisher(firmware, keys, clock);
  auto lock = publisher.files.lock();
  if (!lock) return lock.error();
  auto now = publisher.files.load();
  if (!now) return now.error();
  Change change(std::move(publisher), std::move(*lock), std::move(*now));
  change.load_drafts();
  return change;
}

// A draft whose version is not the next one was overtaken: it can never be published.
void Change::load_drafts() {
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
  drafts.clear();
  const auto load = [this](const std::string& role) {
    auto draft = publisher.pending(role);
    if (draft && draft->version() == now.version_of(role) + 1)
      drafts.insert_or_assign(role, std::move(*draft));
  };
  load(std::string(kTargets));
  if (const auto tree = targets_to_be()) {
    for (const DelegatedRole& role : tree->delegations)
      load(role.name);
  }
}

Result<void> Change::reload() {
  auto fresh = publisher.files.load();
  if (!fresh) return fresh.error();
  now = std::move(*fresh);
  load_drafts();
  return {};
}

std::vector<const Root*> Change::roots() const {
  std::vector<const Root*> out{&now.root};
  if (next_root) out.push_back(&*next_root);
  return out;
}

Json Change::part_of(std::string_view role) const {
  if (const auto draft = drafts.find(role); draft != drafts.end()) return draft->second.part;
  if (role == kTargets) return now.targets_json;
  if (const auto known = now.delegated.find(role); known != now.delegated.end())
    return known->second.json;
  Json part = new_part(kTargets, 1, publisher.clock->wall() + kTargetsLife);
  part["targets"] = Json::object();
  return part;
}

Result<Targets> Change::targets_to_be() const {
  return parse_targets(part_of(kTargets));
}

std::vector<Judge> Change::judges(std::string_view role) const {
  std::vector<Judge> out;
  if (is_top_level(role)) {
    for (const Root* root : roots())
      out.push_back({role_of(*root, role), root->keys});
    return out;
  }
  const auto add = [&](const Targets& tree) {
    if (const DelegatedRole* found = delegation(tree, role))
      out.push_back({*found, tree.delegation_keys});
  };
  add(now.targets);
  if (drafts.contains(kTargets)) {
    if (const auto tree = targets_to_be()) add(*tree);
  }
  return out;
}

Result<void> Change::stage_root(Json part) {
  part["version"] = now.root.version + 1;
  part["expires"] = tuf_time(publisher.clock->wall() + kRootLife);
  drop_unused_root_keys(part);
  auto parsed = parse_root(part);
  if (!parsed) return parsed.error();
  auto draft = publisher.sign(part, {&role_of(now.root, kRoot), &role_of(*parsed, kRoot)});
  if (!draft) return draft.error();
  if (auto kept = publisher.keep_pending(kRoot, *draft); !kept) return kept;
  root_draft = std::move(*draft);
  next_root = std::move(*parsed);
  return {};
}

Result<void> Change::stage(std::string_view role, Json part) {
  part["version"] = now.version_of(role) + 1;
  part["expires"] = tuf_time(publisher.clock->wall() + kTargetsLife);
  const std::vector<Judge> deciding = judges(role);
  std::vector<const Role*> roles;
  roles.reserve(deciding.size());
  for (const Judge& judge : deciding)
    roles.push_back(&judge.role);
  auto draft = publisher.sign(part, roles);
  if (!draft) return draft.error();
  if (auto kept = publisher.keep_pending(role, *draft); !kept) return kept;
  drafts.insert_or_assign(std::string(role), std::move(*draft));
  return {};
}

Result<void> Change::waiting(std::string_view role) const {
  const auto draft = drafts.find(role);
  if (draft == drafts.end()) return {};
  for (const Judge& judge : judges(role)) {
    Envelope envelope;
    envelope.signed_bytes = canonical(draft->second.part);
    envelope.signatures = draft->second.signatures;
    auto enough = verify_threshold(envelope, judge.role, judge.keys, role);
    if (!enough) {
      return fail(Errc::kThreshold, enough.error().context + "; the change waits for signatures");
    }
  }
  return fail(Errc::kThreshold, std::string(role) + " waits for what belongs to it");
}

bool Change::root_is_signed() const {
  return next_root && root_draft->check(now.root, kRoot) && root_draft->check(*next_root, kRoot);
}

bool Change::published_fits(std::string_view role, const Judge& judge) const {
  const auto file = publisher.files.file(role, now.version_of(role));
  if (!file) return false;
  const auto envelope = parse_envelope(*file, kTargets);
  return envelope && verify_threshold(*envelope, judge.role, judge.keys, role);
}

// The delegated roles' drafts that `tree` accepts; nothing where a delegated role would be left
// without a file that its delegation accepts.
std::optional<Change::Drafts> Change::ready_under(const Targets& tree) const {
  Drafts out;
  for (const DelegatedRole& role : tree.delegations) {
    const Judge judge{role, tree.delegation_keys};
    const auto draft = drafts.find(role.name);
    const bool published = now.delegated.contains(role.name);
    if (draft != drafts.end() && judge.accepts(draft->second, role.name)) {
      out.insert(*draft);
    } else if (published ? !published_fits(role.name, judge) : draft != drafts.end()) {
      return std::nullopt;
    }
  }
  return out;
}

Change::Drafts Change::ready(const std::vector<const Root*>& judging) const {
  const auto top = drafts.find(kTargets);
  const bool accepted = top != drafts.end() && std::ranges::all_of(judging, [&](const Root* root) {
                          return top->second.check(*root, kTargets).has_value();
                        });
  if (accepted) {
    const auto tree = parse_targets(top->second.part);
    auto out = tree ? ready_under(*tree) : std::nullopt;
    if (out) {
      out->insert(*top);
      return std::move(*out);
    }
  }
  // Without it: what the published targets accept, each for itself.
  Drafts out;
  for (const DelegatedRole& role : now.targets.delegations) {
    const auto draft = drafts.find(role.name);
    if (draft != drafts.end() &&
        Judge{role, now.targets.delegation_keys}.accepts(draft->second, role.name)) {
      out.insert(*draft);
    }
  }
  return out;
}

Result<void> Change::publish(const Drafts& files, Outcome& out) {
  if (files.empty()) return {};
  if (auto done = publisher.publish_targets(now, files, {&now.root}); !done) return done;
  for (const auto& [role, draft] : files) {
    publisher.drop_pending(role);
    out.push_back(role + " version " + std::to_string(draft.version()) + " is published");
  }
  return reload();
}

// Snapshot and timestamp are signed for both roots first, so that a device accepts them whichever
// root it has; the root follows.
Result<void> Change::install_root() {
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
  now.root = next;
  now.root_json = root_draft->part;
  root_draft.reset();
  next_root.reset();
  return {};
}

std::set<std::string> Change::used_keys() const {
  std::set<std::string> used;
  const auto add = [&](const Role& role) { used.insert(role.keyids.begin(), role.keyids.end()); };
  for (const auto& [name, role] : now.root.roles)
    add(role);
  if (now.root.director) add(*now.root.director);
  for (const DelegatedRole& role : now.targets.delegations)
    add(role);
  return used;
}

Result<Outcome> Change::complete() {
  Outcome out;
  const std::set<std::string> before = used_keys();
  const bool new_targets_keys = next_root && !same_role(now.root, *next_root, kTargets);
  const std::vector<const Root*> judging =
      new_targets_keys ? roots() : std::vector<const Root*>{&now.root};
  if (auto done = publish(ready(judging), out); !done) return done.error();
  if (root_is_signed()) {
    const bool fits = published_fits(kTargets, {role_of(*next_root, kTargets), next_root->keys});
    const Drafts with_targets = fits ? Drafts{} : ready({&*next_root});
    if (fits || with_targets.contains(kTargets)) {
      const std::uint64_t version = root_draft->version();
      if (auto done = install_root(); !done) return done.error();
      out.push_back("root version " + std::to_string(version) + " is published");
      // Where the old targets keys are lost, nothing that they signed can follow: devices wait
      // between these two writes, and no longer.
      if (auto done = fits ? reload() : publish(with_targets, out); !done) return done.error();
    }
  }
  const std::set<std::string> after = used_keys();
  for (const std::string& id : before) {
    if (after.contains(id) || !publisher.keys.has(id)) continue;
    if (auto erased = publisher.keys.erase(id); !erased) return erased.error();
  }
  const auto waits = [&](const std::string& role, const Draft& draft) {
    out.push_back(role + " version " + std::to_string(draft.version()) + " waits for signatures");
  };
  if (root_draft) waits(std::string(kRoot), *root_draft);
  for (const auto& [role, draft] : drafts)
    waits(role, draft);
  return out;
}

}  // namespace ota::tuf
