#include "fleet/memory_file.h"

#include <fstream>

#include "tests/support/temp_folder.h"
#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::SmallFleet;

namespace {

struct Saved {
  explicit Saved(SmallFleet& fleet) : it(fleet) {
    std::filesystem::create_directories(folder.path() / "state");
  }
  fleet::MemoryFile file() {
    return fleet::MemoryFile(folder.path(), *it.fleet, it.clock,
                             [this](model::Severity, std::string kind, std::string message) {
                               told.push_back(kind + ": " + message);
                             });
  }
  std::filesystem::path path() const { return folder.path() / "state" / fleet::kDetectorFile; }

  test::TempFolder folder;
  SmallFleet& it;
  std::vector<std::string> told;
};

}  // namespace

TEST_CASE("what was learnt of a device goes on after a restart of the server", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 40);
  Saved saved(it);
  saved.file().save_last();
  const std::string before = it.fleet->keep_detector("iot-001");
  it.start();
  CHECK(it.fleet->learnt_devices().empty());
  saved.file().open();
  CHECK(saved.told.empty());
  CHECK(it.fleet->learnt_devices() == std::vector<std::string>{"iot-001"});
  CHECK(it.fleet->keep_detector("iot-001") == before);
}

TEST_CASE("a snapshot that was cut, damaged or is another program's is ignored with a word",
          "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 40);
  Saved saved(it);
  saved.file().open();
  CHECK(saved.told.empty());  // none is no fault
  saved.file().save_last();
  const auto size = std::filesystem::file_size(saved.path());
  std::filesystem::resize_file(saved.path(), size - 1);
  it.start();
  saved.file().open();
  REQUIRE(saved.told.size() == 1);
  CHECK(saved.told[0].find("the file was cut") != std::string::npos);

  std::filesystem::resize_file(saved.path(), 5);
  it.start();
  saved.file().open();
  REQUIRE(saved.told.size() == 2);
  CHECK(saved.told[1].find("another program's") != std::string::npos);
  CHECK(it.fleet->learnt_devices().empty());
}
