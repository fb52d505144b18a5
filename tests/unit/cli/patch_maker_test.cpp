#include "cli/patch_maker.h"

#include <fstream>

#include "base/digest.h"
#include "delta/patch_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/fake_server.h"
#include "tests/unit/delta/patches.h"
#include "tuf/repository.h"

using namespace ota;
using namespace ota::cli;
using cli::test::otactl;
using cli::test::Script;

namespace {

// A root whose repository has v2.1.4 for "rpi4" and "rpi5".
struct Published {
  Published() {
    std::filesystem::create_directories(root() / "config");
    std::ofstream(root() / "config" / "console.json") << "{}";
    write("old", ota::test::program_like(200000, 1));
    Bytes image = ota::test::program_like(200000, 1);
    image[1000] = 9;
    write("new", image);
    write("noise", ota::test::noise(200000, 3));
    REQUIRE(run("firmware add " + path("old") +
                " --version 2.1.4 --hardware rpi4 --hardware rpi5 --no-patches")
                .code == 0);
  }
  const std::filesystem::path& root() const { return folder.path(); }
  std::string path(const std::string& name) const { return root() / name; }
  std::filesystem::path base(const std::string& name) const {
    return name.empty() ? std::filesystem::path() : root() / name;
  }
  void write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(path(name), std::ios::binary) << as_text(bytes);
  }
  cli::test::Ran run(const std::string& line) {
    return otactl("--root " + root().string() + " " + line, script);
  }
  std::vector<std::filesystem::path> files(const std::string& like) const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(root() / "firmware" / "targets")) {
      if (entry.path().filename().string().find(like) != std::string::npos)
        out.push_back(entry.path());
    }
    return out;
  }

  ota::test::TempFolder folder{ota::test::TempFolder::fast_parent()};
  ManualClock clock{*parse_rfc3339("2026-08-20T12:00:00Z")};
  tuf::Repository repository =
      *tuf::Repository::create(root() / "firmware", root() / "state" / "keys", clock);
  Script script;
};

}  // namespace

TEST_CASE("firmware add packs the image and makes the patches that are asked for", "[cli]") {
  Published p;
  const auto added = p.run("firmware add " + p.path("new") +
                           " --version 2.1.5 --hardware rpi4 --patches-from 2.1.4");
  INFO(added.err);
  REQUIRE(added.code == 0);
  CHECK(added.says("packed "));
  CHECK(added.says("patch from v2.1.4: "));
  REQUIRE(p.files("packed-").size() == 1);
  REQUIRE(p.files("patch-").size() == 1);
  CHECK(p.files(".patches.").empty());
  for (const auto& [base, name] : {std::pair("", "packed-"), std::pair("old", "patch-")}) {
    REQUIRE(delta::apply_patch(p.base(base), p.files(name).front(), p.path("out")).has_value());
    CHECK(delta::file_digest(p.path("out")).value() == delta::file_digest(p.path("new")).value());
  }
}

TEST_CASE("without a word of the operator, patches are from what most devices confirm", "[cli]") {
  Published p;
  const auto device = [](const std::string& id, const Json& version, const std::string& model) {
    return Json{{"id", id}, {"version", version}, {"hardware", model}};
  };
  p.script.answers["GET /v1/devices?limit=1000"] = {Json{
      {"devices",
       {device("a", "2.1.4", "rpi5"), device("b", "2.1.4", "rpi5"), device("c", "1.0.0", "rpi5"),
        device("d", "2.1.4", "other"), device("e", nullptr, "rpi5")}}}};
  const auto added = p.run("firmware add " + p.path("new") + " --version 2.1.5 --hardware rpi5");
  INFO(added.err);
  REQUIRE(added.code == 0);
  CHECK(added.says("patch from v2.1.4: "));
  CHECK(p.files("patch-").size() == 1);
  // What an older release would need a patch back from is none of its bases.
  const auto older = p.run("firmware add " + p.path("noise") + " --version 2.1.3 --hardware rpi5");
  CHECK(older.code == 0);
  CHECK_FALSE(older.says("patch from"));
}

TEST_CASE("what is not worth it is not published, and why is said", "[cli]") {
  Published p;
  const auto added = p.run("firmware add " + p.path("noise") +
                           " --version 2.1.5 --hardware rpi4 --patches-from 2.1.4");
  REQUIRE(added.code == 0);
  CHECK(added.says("no packed image: it would be "));
  CHECK(added.says("no patch from v2.1.4: it would be "));
  CHECK(p.files("packed-").empty());
  CHECK(p.files("patch-").empty());
}

TEST_CASE("a base that is not published, or not to be had, is said", "[cli]") {
  Published p;
  const std::string line = "firmware add " + p.path("new") + " --version 2.1.5 --hardware rpi4";
  const auto none = p.run(line + " --patches-from 2.1.3");
  CHECK(none.code == 1);
  CHECK(none.err.find("2.1.3") != std::string::npos);
  CHECK(p.run(line + " --patches-from x").code == 2);
  CHECK(p.run(line + " --patches-from 2.1.4 --no-patches").code == 2);
  CHECK(p.run(line + " --patch-memory 1").code == 2);
  // Somebody has changed the file that was published.
  for (const auto& file : p.files("firmware-2.1.4"))
    std::ofstream(file, std::ios::binary) << "other";
  const auto changed = p.run(line + " --patches-from 2.1.4");
  CHECK(changed.code == 0);
  CHECK(changed.says("is not what was published"));
  CHECK(p.files("patch-").empty());
}

TEST_CASE("firmware patches adds patches to a release that is published", "[cli]") {
  Published p;
  REQUIRE(p.run("firmware add " + p.path("new") +
                " --version 2.1.5 --hardware rpi4 --hardware rpi5 --no-patches")
              .code == 0);
  CHECK(p.files("packed-").empty());
  const auto made = p.run("firmware patches 2.1.5 --patches-from 2.1.4");
  INFO(made.err);
  REQUIRE(made.code == 0);
  CHECK(made.says("patch from v2.1.4: "));
  CHECK(p.files("packed-").size() == 2);
  CHECK(p.files("patch-").size() == 2);
  CHECK(p.run("firmware patches 9.9.9").code == 1);
}
