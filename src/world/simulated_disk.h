// A disk under SQLite that is nowhere: files in memory that know what was synced and what was not.
//
// A power cut leaves what was synced, and of the writes after that whatever the seed says: all,
// none, some of them in any order, and one torn in the middle. A kill leaves all that was written.
// Either way the files that were open are useless from then on, whatever is still done with them.
//
// Thread: the world's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "world/random.h"

namespace ota::world {

class SimulatedDisk {
 public:
  // `name`: of SQLite's file layer; no two of a process may have the same.
  explicit SimulatedDisk(std::string name);
  ~SimulatedDisk();
  SimulatedDisk(const SimulatedDisk&) = delete;
  SimulatedDisk& operator=(const SimulatedDisk&) = delete;

  const std::string& name() const { return name_; }
  void kill();
  void power_cut(Random& random);
  // From now on no write fits, or every one does.
  void set_full(bool full) { full_ = full; }
  bool full() const { return full_; }
  std::uint64_t syncs() const { return syncs_; }
  // Writes that a power cut would put at risk now.
  std::size_t unsynced() const;

  struct Write {
    std::uint64_t offset = 0;
    std::string bytes{};
    bool truncation = false;  // to `offset`
  };
  struct File {
    std::string content;  // as the programs see it
    std::string durable;
    std::vector<Write> unsynced;
    // What connections share of it:
    std::vector<std::unique_ptr<char[]>> memory;
    const void* reserved = nullptr;
    const void* exclusive = nullptr;
    int readers = 0;
    struct Lock {
      int readers = 0;
      const void* writer = nullptr;
    };
    Lock locks[8]{};
  };
  // For the layer itself.
  std::shared_ptr<File> open(const std::string& path, bool create);
  void remove(const std::string& path) { files_.erase(path); }
  bool exists(const std::string& path) const { return files_.contains(path); }
  std::uint64_t life() const { return life_; }
  void count_sync() { ++syncs_; }

 private:
  struct Layer;
  std::string name_;
  std::unique_ptr<Layer> layer_;
  std::map<std::string, std::shared_ptr<File>> files_;
  std::uint64_t life_ = 0;  // handles of an earlier one are dead
  std::uint64_t syncs_ = 0;
  bool full_ = false;
};

}  // namespace ota::world
