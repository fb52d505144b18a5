#include "world/agent_disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/assert.h"

namespace ota::world {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kFileMode = 0600;
constexpr mode_t kFolderMode = 0700;

enum class Fate : std::uint8_t { kNone, kAll, kSome };  // of what was not synced

Fate draw_fate(Random& random) {
  return static_cast<Fate>(random.below(3));
}

bool survives(Fate fate, Random& random) {
  return fate == Fate::kAll || (fate == Fate::kSome && random.chance(0.5));
}

}  // namespace

struct AgentDisk::Change {
  std::string name;
  std::shared_ptr<Node> node;  // null: the name is gone
};

struct AgentDisk::Node {
  enum class Kind : std::uint8_t { kFile, kFolder, kLink };
  struct Write {
    std::uint64_t offset = 0;
    std::string bytes{};
    bool truncation = false;  // to `offset`
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  Kind kind = Kind::kFile;
  std::string target;  // a link's
  // A file's:
  std::uint64_t size = 0;
  std::string durable;
  std::vector<Write> writes;  // not synced
  // A folder's:
  Names names;
  Names durable_names;
  std::vector<std::vector<Change>> changes;  // not synced; each whole or not at all

  std::size_t unsynced() const {
    std::size_t count = writes.size() + changes.size();
    for (const auto& [name, node] : names)
      count += node->unsynced();
    return count;
  }
  static void carry_out(std::string& content, const Write& write) {
    if (write.truncation) return content.resize(write.offset);
    if (content.size() < write.offset + write.bytes.size())
      content.resize(write.offset + write.bytes.size());
    content.replace(write.offset, write.bytes.size(), write.bytes);
  }
  static void carry_out(Names& names, const std::vector<Change>& changes) {
    for (const Change& one : changes) {
      if (one.node) {
        names[one.name] = one.node;
      } else {
        names.erase(one.name);
      }
    }
  }
};

AgentDisk::AgentDisk(fs::path root, Step step) : root_(std::move(root)), step_(std::move(step)) {
  adopt();
}

AgentDisk::~AgentDisk() = default;

std::size_t AgentDisk::unsynced() const {
  return tree_->unsynced();
}

std::shared_ptr<AgentDisk::Node> AgentDisk::read(const fs::path& path) {
  auto node = std::make_shared<Node>();
  std::error_code ignored;
  if (fs::is_symlink(path, ignored)) {
    node->kind = Node::Kind::kLink;
    node->target = fs::read_symlink(path, ignored).string();
  } else if (fs::is_directory(path, ignored)) {
    node->kind = Node::Kind::kFolder;
    for (const auto& entry : fs::directory_iterator(path, ignored))
      node->names[entry.path().filename().string()] = read(entry.path());
    node->durable_names = node->names;
  } else {
    auto content = read_file(path, std::numeric_limits<std::uint32_t>::max());
    if (content) node->durable = std::move(*content);
    node->size = node->durable.size();
  }
  return node;
}

void AgentDisk::adopt() {
  std::error_code ignored;
  fs::create_directories(root_, ignored);
  tree_ = read(root_);
  open_.clear();
}

std::shared_ptr<AgentDisk::Node> AgentDisk::find(const fs::path& path) const {
  auto node = tree_;
  for (const fs::path& part : path.lexically_relative(root_)) {
    if (part == ".") continue;
    const auto found = node->names.find(part.string());
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

void AgentDisk::change(const fs::path& path, std::vector<Change> names) {
  const auto folder = find(path.parent_path());
  OTA_ASSERT(folder != nullptr);
  Node::carry_out(folder->names, names);
  folder->changes.push_back(std::move(names));
}

std::shared_ptr<AgentDisk::Node> AgentDisk::put(const fs::path& path, std::shared_ptr<Node> node) {
  change(path, {{path.filename().string(), node}});
  return node;
}

Result<FileDescriptor> AgentDisk::open_to_append(const fs::path& path, mode_t mode) {
  step_("before opening a file");
  auto fd = Disk::open_to_append(path, mode);
  if (!fd) return fd;
  auto node = find(path);
  if (!node) node = put(path, std::make_shared<Node>());
  open_[fd->get()] = node;
  step_("a file opened");
  return fd;
}

// Its name is no random one: what is drawn in a world comes from its seed.
Result<FileDescriptor> AgentDisk::open_temporary(std::string& name) {
  step_("before making a file");
  name += std::to_string(++temporaries_);
  FileDescriptor fd(::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
  if (!fd) return fail_errno(errno, "make " + name);
  open_[fd.get()] = put(name, std::make_shared<Node>());
  step_("a file made");
  return fd;
}

Result<void> AgentDisk::write(int fd, std::string_view content) {
  step_("before writing");
  if (auto written = Disk::write(fd, content); !written) return written;
  if (const auto node = open_[fd].lock()) {
    node->writes.push_back({node->size, std::string(content), false});
    node->size += content.size();
  }
  step_("written");
  return {};
}

Result<void> AgentDisk::truncate(int fd, std::uint64_t size) {
  step_("before truncating");
  if (auto done = Disk::truncate(fd, size); !done) return done;
  if (const auto node = open_[fd].lock()) {
    node->writes.push_back({size, {}, true});
    node->size = size;
  }
  step_("truncated");
  return {};
}

void AgentDisk::sync(Node& node) {
  for (const auto& one : std::exchange(node.writes, {}))
    Node::carry_out(node.durable, one);
  for (const auto& one : std::exchange(node.changes, {}))
    Node::carry_out(node.durable_names, one);
}

Result<void> AgentDisk::sync(int fd) {
  step_("before syncing");
  if (const auto node = open_[fd].lock()) sync(*node);
  step_("synced");
  return {};
}

Result<void> AgentDisk::sync_file(const fs::path& path) {
  step_("before syncing");
  if (auto synced = Disk::sync_file(path); !synced) return synced;
  if (const auto node = find(path)) sync(*node);
  step_("synced");
  return {};
}

Result<void> AgentDisk::sync_directory(const fs::path& folder) {
  step_("before syncing a folder");
  if (auto synced = Disk::sync_directory(folder); !synced) return synced;
  if (const auto node = find(folder)) sync(*node);
  step_("a folder synced");
  return {};
}

Result<void> AgentDisk::rename(const fs::path& from, const fs::path& to) {
  step_("before renaming");
  OTA_ASSERT(from.parent_path() == to.parent_path());
  if (auto done = Disk::rename(from, to); !done) return done;
  change(to, {{to.filename().string(), find(from)}, {from.filename().string(), nullptr}});
  step_("renamed");
  return {};
}

Result<void> AgentDisk::remove(const fs::path& path) {
  step_("before removing");
  if (auto done = Disk::remove(path); !done) return done;
  if (find(path)) put(path, nullptr);
  step_("removed");
  return {};
}

Result<void> AgentDisk::make_link(const std::string& target, const fs::path& path) {
  step_("before linking");
  if (auto done = Disk::make_link(target, path); !done) return done;
  const auto node = put(path, std::make_shared<Node>());
  node->kind = Node::Kind::kLink;
  node->target = target;
  step_("linked");
  return {};
}

Result<void> AgentDisk::make_directory(const fs::path& folder, mode_t mode) {
  step_("before making a folder");
  if (auto done = Disk::make_directory(folder, mode); !done) return done;
  if (!find(folder)) put(folder, std::make_shared<Node>())->kind = Node::Kind::kFolder;
  step_("a folder made");
  return {};
}

std::shared_ptr<AgentDisk::Node> AgentDisk::left_of(const Node& node, Random& random) {
  auto left = std::make_shared<Node>();
  left->kind = node.kind;
  left->target = node.target;
  left->durable = node.durable;
  const Fate fate = draw_fate(random);
  for (Node::Write one : node.writes) {
    if (!survives(fate, random)) continue;
    if (fate == Fate::kSome && !one.truncation && random.chance(0.2))
      one.bytes.resize(random.below(one.bytes.size() + 1));  // torn
    Node::carry_out(left->durable, one);
  }
  left->size = left->durable.size();
  auto names = node.durable_names;
  for (const auto& one : node.changes) {
    if (survives(fate, random)) Node::carry_out(names, one);
  }
  for (const auto& [name, child] : names)
    left->names[name] = left_of(*child, random);
  left->durable_names = left->names;
  return left;
}

void AgentDisk::write_out(const Node& node, const fs::path& path) {
  switch (node.kind) {
    case Node::Kind::kLink:
      (void)!::symlink(node.target.c_str(), path.c_str());
      break;
    case Node::Kind::kFolder:
      (void)::mkdir(path.c_str(), kFolderMode);
      for (const auto& [name, child] : node.names)
        write_out(*child, path / name);
      break;
    case Node::Kind::kFile: {
      const FileDescriptor fd(
          ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode));
      (void)write_all(fd.get(), node.durable);
      break;
    }
  }
}

void AgentDisk::power_cut(Random& random) {
  open_.clear();
  if (unsynced() == 0) return;
  tree_ = left_of(*tree_, random);
  std::error_code ignored;
  fs::remove_all(root_, ignored);
  write_out(*tree_, root_);
}

}  // namespace ota::world
