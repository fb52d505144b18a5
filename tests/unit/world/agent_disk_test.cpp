#include "world/agent_disk.h"

#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

namespace ota::world {
namespace {

namespace fs = std::filesystem;

// What is left of a file after a cut, over many seeds; "-" where it is not there.
template <class Change>
std::set<std::string> left_after(const Change& change) {
  std::set<std::string> left;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const test::TempFolder folder(test::TempFolder::fast_parent());
    AgentDisk disk(folder.path() / "d", [](std::string_view) {});
    change(disk, folder.path() / "d");
    Random random(seed);
    disk.power_cut(random);
    const auto text = read_file(folder.path() / "d" / "state" / "file", 100);
    left.insert(text ? *text : "-");
  }
  return left;
}

void make_state(AgentDisk& disk, const fs::path& root) {
  REQUIRE(make_directories(disk, root / "state", 0700));
}

TEST_CASE("what an agent wrote durably outlives every power cut, in folders that it made",
          "[world]") {
  CHECK(left_after([](AgentDisk& disk, const fs::path& root) {
          make_state(disk, root);
          REQUIRE(write_file_durably(disk, root / "state" / "file", "old"));
          REQUIRE(write_file_durably(disk, root / "state" / "file", "new"));
        }) == std::set<std::string>{"new"});
}

TEST_CASE("without a sync of its bytes a file is lost, emptied or torn by a power cut", "[world]") {
  const auto left = left_after([](AgentDisk& disk, const fs::path& root) {
    make_state(disk, root);
    REQUIRE(write_file_durably(disk, root / "state" / "file", "old"));
    std::string name = (root / "state" / ".file").string();
    const auto fd = disk.open_temporary(name);
    REQUIRE(fd.has_value());
    REQUIRE(disk.write(fd->get(), "new"));
    REQUIRE(disk.rename(name, root / "state" / "file"));
    REQUIRE(disk.sync_directory(root / "state"));
  });
  CHECK(left.contains(""));
  CHECK(left.contains("new"));
  CHECK(left.contains("ne"));
  CHECK_FALSE(left.contains("old"));
}

TEST_CASE("without a sync of its folder a name is taken back by a power cut", "[world]") {
  const auto replaced = left_after([](AgentDisk& disk, const fs::path& root) {
    make_state(disk, root);
    REQUIRE(write_file_durably(disk, root / "state" / "file", "old"));
    REQUIRE(disk.remove(root / "state" / "file"));
  });
  CHECK(replaced == std::set<std::string>{"-", "old"});
  const auto folder = left_after([](AgentDisk& disk, const fs::path& root) {
    REQUIRE(disk.make_directory(root / "state", 0700));
    REQUIRE(write_file_durably(disk, root / "state" / "file", "new"));
  });
  CHECK(folder == std::set<std::string>{"-", "new"});
}

TEST_CASE("a power cut leaves what lay on an agent's disk before, links and folders too",
          "[world]") {
  const test::TempFolder folder(test::TempFolder::fast_parent());
  const fs::path root = folder.path() / "d";
  fs::create_directories(root / "slots" / "a");
  fs::create_symlink("a", root / "slots" / "current");
  REQUIRE(write_file_durably(root / "slots" / "a" / "image", "bytes"));
  AgentDisk disk(root, [](std::string_view) {});
  CHECK(disk.unsynced() == 0);
  REQUIRE(disk.remove(root / "slots" / "b"));  // not there
  const auto fd = disk.open_to_append(root / "slots" / "a" / "more", 0600);
  REQUIRE(fd.has_value());
  CHECK(disk.unsynced() == 1);
  Random random(1);
  disk.power_cut(random);
  CHECK(fs::read_symlink(root / "slots" / "current") == "a");
  CHECK(read_file(root / "slots" / "a" / "image", 100).value() == "bytes");
  CHECK(disk.unsynced() == 0);
}

}  // namespace
}  // namespace ota::world
