#include "config/folder.h"

#include <sys/stat.h>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::config;

namespace {

class Root {
 public:
  Root() { REQUIRE(write_defaults(folder_.path())); }
  const std::filesystem::path& path() const { return folder_.path(); }
  void edit(const std::string& name, const std::string& text) const {
    REQUIRE(write_file_durably(folder_.path() / "config" / name, text));
  }
  Folder watch() const {
    return Folder(path(), std::make_shared<const model::Settings>(load(path()).value));
  }

 private:
  test::TempFolder folder_;
};

}  // namespace

TEST_CASE("files that say what is in force are no change", "[config]") {
  const Root root;
  Folder folder = root.watch();
  CHECK_FALSE(folder.refresh());
  CHECK_FALSE(folder.looks_changed());
}

TEST_CASE("a good edit is taken", "[config]") {
  const Root root;
  Folder folder = root.watch();
  folder.refresh();
  root.edit("thresholds.json", R"({"cpu_threshold": 70})");
  CHECK(folder.looks_changed());
  CHECK(folder.refresh());
  CHECK(folder.in_force()->thresholds.cpu_threshold == 70);
  CHECK(folder.problems().empty());
}

TEST_CASE("a bad edit leaves the last good one of that file and takes the others", "[config]") {
  const Root root;
  Folder folder = root.watch();
  folder.refresh();
  root.edit("thresholds.json", R"({"cpu_threshold": 70})");
  folder.refresh();
  root.edit("thresholds.json", R"({"cpu_threshold": 700})");
  root.edit("ota_settings.json", R"({"max_retries": 1})");
  CHECK(folder.refresh());
  CHECK(folder.in_force()->thresholds.cpu_threshold == 70);
  CHECK(folder.in_force()->ota.max_retries == 1);
  REQUIRE(folder.problems().size() == 1);
  CHECK(folder.problems()[0].file == "config/thresholds.json");
  CHECK_FALSE(folder.refresh());

  root.edit("thresholds.json", R"({"cpu_threshold": 60})");
  CHECK(folder.refresh());
  CHECK(folder.in_force()->thresholds.cpu_threshold == 60);
  CHECK(folder.problems().empty());
}

TEST_CASE("an undone bad edit clears its problem", "[config]") {
  const Root root;
  Folder folder = root.watch();
  folder.refresh();
  const std::string good = read_file(root.path() / "config/devices.json", 1U << 20).value();
  root.edit("devices.json", "{");
  CHECK(folder.refresh());
  root.edit("devices.json", good);
  CHECK(folder.refresh());
  CHECK(folder.problems().empty());
  CHECK(folder.in_force()->whitelist.devices.size() == 3);
}

TEST_CASE("a file that vanishes leaves its last content in force and is a problem", "[config]") {
  const Root root;
  Folder folder = root.watch();
  folder.refresh();
  std::filesystem::remove(root.path() / "config/devices.json");
  CHECK(folder.refresh());
  CHECK(folder.in_force()->whitelist.devices.size() == 3);
  REQUIRE(folder.problems().size() == 1);
  CHECK(folder.problems()[0].text().find("config/devices.json: the file is missing") == 0);
  CHECK_FALSE(folder.refresh());
  REQUIRE(write_defaults(root.path()));
  CHECK(folder.refresh());
  CHECK(folder.problems().empty());
}

TEST_CASE("loading a folder without files gives defaults and a problem a file", "[config]") {
  const test::TempFolder folder;
  const auto loaded = load(folder.path());
  CHECK(loaded.problems.size() == 4);
  CHECK(loaded.value == model::Settings{});
}

TEST_CASE("a configuration file that is a link or a pipe is refused and not waited for",
          "[config]") {
  const Root root;
  Folder folder = root.watch();
  folder.refresh();
  const auto file = root.path() / "config" / "thresholds.json";
  std::filesystem::rename(file, root.path() / "elsewhere.json");
  std::filesystem::create_symlink(root.path() / "elsewhere.json", file);
  folder.refresh();
  REQUIRE(folder.problems().size() == 1);
  CHECK(folder.problems().front().text().find("link") != std::string::npos);
  std::filesystem::remove(file);
  REQUIRE(::mkfifo(file.c_str(), 0600) == 0);
  folder.refresh();
  REQUIRE(folder.problems().size() == 1);
}
