// The manual of the configuration and the shipped files, held against the program.
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "config/config.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"

using namespace ota;
using namespace ota::config;

TEST_CASE("the manual lists every key with its range and default, and no other", "[config]") {
  const auto manual = read_file("config/README.md", 1U << 20);
  REQUIRE(manual.has_value());
  std::set<std::string> expected;
  for (const KeyInfo& key : describe_keys())
    expected.insert(key.file + " | `" + key.key + "` | " + key.accepted + " | " + key.default_text);
  std::set<std::string> listed;
  std::string file;
  for (const std::string& line : lines_of(*manual)) {
    if (line.starts_with("## ")) file = line.substr(3);
    if (!line.starts_with("| `")) continue;
    const std::vector<std::string> cells = split(line, '|');
    REQUIRE(cells.size() == 6);
    CHECK(cells[4].size() > 4);  // says what the key is for
    listed.insert(file + " |" + cells[1] + "|" + cells[2] + "|" +
                  cells[3].substr(0, cells[3].size() - 1));
  }
  CHECK(listed == expected);
}

TEST_CASE("the manual lists every action that can have other keys", "[config]") {
  const auto manual = read_file("config/README.md", 1U << 20);
  REQUIRE(manual.has_value());
  for (const std::string_view action : model::kActionNames) {
    CAPTURE(action);
    CHECK(manual->find("  " + std::string(action) + " (") != std::string::npos);
  }
}

TEST_CASE("the shipped files are those that the program writes, and are right", "[config]") {
  const test::TempFolder folder;
  REQUIRE(write_defaults(folder.path()));
  for (const std::string_view name : kFileNames) {
    const auto written = read_file(folder.path() / "config" / name, 1U << 20);
    const auto shipped = read_file(std::filesystem::path("config") / name, 1U << 20);
    REQUIRE(written.has_value());
    REQUIRE(shipped.has_value());
    CHECK(*written == *shipped);
  }
  const auto settings = load(folder.path());
  CHECK(settings.ok());
  CHECK(settings.value.whitelist.devices.size() == 3);
  CHECK(settings.value.console.agents.size() == 3);
  CHECK(settings.value.thresholds == model::Thresholds{});
  CHECK(settings.value.ota == model::OtaSettings{});
  for (const model::LocalAgent& agent : settings.value.console.agents)
    CHECK(settings.value.whitelist.find(agent.id) != nullptr);
}

TEST_CASE("the first run leaves a file that is there as it is", "[config]") {
  const test::TempFolder folder;
  REQUIRE(make_directories(folder.path() / "config"));
  REQUIRE(write_file_durably(folder.path() / "config/thresholds.json", "{}"));
  REQUIRE(write_defaults(folder.path()));
  CHECK(read_file(folder.path() / "config/thresholds.json", 100).value() == "{}");
}
