// A name on the disk never stands for bytes that a power loss can take: the file is synced before
// it gets its name, and its folder after.
#include <string>
#include <vector>

#include "agents/slot_store.h"
#include "base/digest.h"
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/disk_calls.h"
#include "tests/support/temp_folder.h"

using namespace ota;

namespace {

// The place of the first call from `from` on that begins so and ends so; -1: none.
int place_of(const std::vector<std::string>& calls, const std::string& begin,
             const std::string& end, std::size_t from = 0) {
  for (std::size_t i = from; i < calls.size(); ++i) {
    if (calls[i].starts_with(begin) && calls[i].ends_with(end)) return static_cast<int>(i);
  }
  return -1;
}

}  // namespace

TEST_CASE("a file that is written durably is synced before it has its name, and its folder after",
          "[durability]") {
  const test::TempFolder folder;
  const auto file = folder.path() / "state.json";
  std::vector<std::string> calls;
  {
    const test::DiskCalls disk;
    REQUIRE(write_file_durably(file, "four"));
    calls = disk.calls();
  }
  const int synced = place_of(calls, "sync " + (folder.path() / ".state.json.").string(), " 4");
  const int named = place_of(calls, "rename ", " " + file.string());
  REQUIRE(synced >= 0);
  REQUIRE(named > synced);
  CHECK(place_of(calls, "sync " + folder.path().string() + " ", "",
                 static_cast<std::size_t>(named)) > named);
}

TEST_CASE("what stands in the image's place is not followed when it is synced", "[durability]") {
  const test::TempFolder folder;
  auto store = agent::SlotStore::open(folder.path() / "slots", {});
  const std::string digest = sha256_hex("image");
  REQUIRE(store->begin(agent::Slot::kB, digest).has_value());
  const auto part = store->partial_path(agent::Slot::kB, digest);
  std::filesystem::remove(part);
  std::filesystem::create_symlink("/etc/hostname", part);
  CHECK(store->commit(agent::Slot::kB, {model::Version(2, 1, 5), digest}).error().code ==
        Errc::kInvalid);
  CHECK_FALSE(std::filesystem::exists(store->image_path(agent::Slot::kB)));
}

TEST_CASE("what is there of a download is synced where that is asked for", "[durability]") {
  const test::TempFolder folder;
  auto store = agent::SlotStore::open(folder.path() / "slots", {});
  REQUIRE(store.has_value());
  auto part = store->begin(agent::Slot::kB, std::string(64, 'a'));
  REQUIRE(part.has_value());
  REQUIRE(part->append("0123456789"));
  const test::DiskCalls disk;
  REQUIRE(part->sync());
  CHECK(place_of(disk.calls(), "sync ", ".part 10") == 0);
}

TEST_CASE("a slot's image is synced whole before it is named, and the slot's folder after",
          "[durability]") {
  const test::TempFolder folder;
  auto store = agent::SlotStore::open(folder.path() / "slots", {});
  REQUIRE(store.has_value());
  const std::string bytes(10'000, 'x');
  const std::string digest = sha256_hex(bytes);
  std::vector<std::string> calls;
  {
    const test::DiskCalls disk;
    auto part = store->begin(agent::Slot::kB, digest);
    REQUIRE(part.has_value());
    REQUIRE(part->append(bytes));
    REQUIRE(store->commit(agent::Slot::kB, {model::Version(2, 1, 5), digest}));
    calls = disk.calls();
  }
  const int synced = place_of(calls, "sync ", digest + ".part 10000");
  const int named = place_of(calls, "rename ", "/image");
  REQUIRE(synced >= 0);
  REQUIRE(named > synced);
  const std::string slot = store->image_path(agent::Slot::kB).parent_path().string();
  CHECK(place_of(calls, "sync " + slot + " ", "", static_cast<std::size_t>(named)) > named);
}
