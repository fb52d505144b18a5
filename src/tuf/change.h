// A change of the repository while it is made: what is published, which drafts wait for signatures,
// and what can be published by now.
//
//   begin -> part_of, stage (any number) -> complete
//
// A draft is published only when all that must accept it do: the root in force, the root to come
// where that changes the targets keys, and for a delegated role its delegation. Files that belong
// together (a new delegation and its role's first file) are published by one snapshot. Until then
// the last good repository stays in place, whatever happens in between. A new root is installed
// only when the published targets verify under it.
//
// Thread: one; it holds the repository's lock. Calls block on files.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tuf/ceremony.h"
#include "tuf/publisher.h"

namespace ota::tuf {

// Who decides on a role's file.
struct Judge {
  Role role;
  KeyMap keys;
  bool accepts(const Draft& draft, std::string_view name) const;
};

class Change {
 public:
  static Result<Change> begin(const std::filesystem::path& firmware,
                              const std::filesystem::path& keys, const Clock& clock);

  Publisher publisher;
  FileLock lock;
  Published now;
  std::optional<Draft> root_draft;
  std::optional<Root> next_root;
  std::map<std::string, Draft, std::less<>> drafts;  // of targets and of delegated roles

  // What the next version of targets or of a delegated role starts from: the draft that waits, else
  // what is published, else an empty list.
  Json part_of(std::string_view role) const;
  // The targets as they will be: the draft, else what is published.
  Result<Targets> targets_to_be() const;
  // Whose signatures a draft of the role takes; the last one is of what will be.
  std::vector<Judge> judges(std::string_view role) const;

  // Signs the next version with the keys at hand and keeps it as a draft.
  Result<void> stage_root(Json part);
  Result<void> stage(std::string_view role, Json part);
  // Publishes whatever has its signatures now, and erases keys here that nothing names any more.
  Result<Outcome> complete();
  // Why the role's draft still waits; nothing where it does not.
  Result<void> waiting(std::string_view role) const;

 private:
  using Drafts = std::map<std::string, Draft, std::less<>>;

  Change(Publisher p, FileLock l, Published n)
      : publisher(std::move(p)), lock(std::move(l)), now(std::move(n)) {}
  void load_drafts();
  Result<void> reload();
  std::vector<const Root*> roots() const;
  bool root_is_signed() const;
  bool published_fits(std::string_view role, const Judge& judge) const;
  std::optional<Drafts> ready_under(const Targets& tree) const;
  Drafts ready(const std::vector<const Root*>& judging) const;
  Result<void> publish(const Drafts& ready, Outcome& out);
  Result<void> install_root();
  std::set<std::string> used_keys() const;
};

}  // namespace ota::tuf
