// An agent's disk: real files in memory, beside which it is noted what was synced and what was not.
//
// A file's bytes last from the sync of the file on, a name (made, replaced or removed) from the sync
// of its folder on. A power cut leaves those, and of the rest whatever the seed says, for each file
// and each folder: all, none, some of it in any order, and a write torn in the middle. POSIX
// promises no more; what file systems give beyond it differs. Afterwards the folder holds what was
// left, as who mounts the disk finds it.
//
// Thread: the world's.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/disk.h"
#include "world/random.h"

namespace ota::world {

class AgentDisk final : public Disk {
 public:
  // Called before and after each change; may throw PowerCut.
  using Step = std::function<void(std::string_view what)>;
  AgentDisk(std::filesystem::path root, Step step);
  ~AgentDisk() override;

  // All that lies there now is durable: somebody else put it there.
  void adopt();
  void power_cut(Random& random);
  // Changes that a power cut would put at risk now.
  std::size_t unsynced() const;

  Result<FileDescriptor> open_to_append(const std::filesystem::path& path, mode_t mode) override;
  Result<FileDescriptor> open_temporary(std::string& name) override;
  Result<void> write(int fd, std::string_view content) override;
  Result<void> truncate(int fd, std::uint64_t size) override;
  Result<void> sync(int fd) override;
  Result<void> sync_file(const std::filesystem::path& path) override;
  Result<void> sync_directory(const std::filesystem::path& folder) override;
  Result<void> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<void> remove(const std::filesystem::path& path) override;
  Result<void> make_link(const std::string& target, const std::filesystem::path& path) override;
  Result<void> make_directory(const std::filesystem::path& folder, mode_t mode) override;

 private:
  struct Node;
  struct Change;
  std::shared_ptr<Node> find(const std::filesystem::path& path) const;  // null: not there
  // Of the folder in which `path` is: what its names are from now on.
  void change(const std::filesystem::path& path, std::vector<Change> names);
  std::shared_ptr<Node> put(const std::filesystem::path& path, std::shared_ptr<Node> node);
  void sync(Node& node);
  static std::shared_ptr<Node> read(const std::filesystem::path& path);
  static std::shared_ptr<Node> left_of(const Node& node, Random& random);
  static void write_out(const Node& node, const std::filesystem::path& path);

  std::filesystem::path root_;
  Step step_;
  std::shared_ptr<Node> tree_;
  std::map<int, std::weak_ptr<Node>> open_;  // by descriptor: the file that it was last opened for
  std::uint64_t temporaries_ = 0;
};

}  // namespace ota::world
