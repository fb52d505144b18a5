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

namespace {

constexpr WallTime kNow(milliseconds(1787000000000));  // what otactl's clock says here

// v2.1.5 with a patch from v2.1.4 that is 40 days old.
struct Aged : Published {
  Aged() {
    REQUIRE(run("firmware add " + path("new") +
                " --version 2.1.5 --hardware rpi4 --hardware rpi5 --patches-from 2.1.4")
                .code == 0);
    age(40);
    old_sha256 = sha256_hex(read_file(path("old"), 1000000).value());
    seen(1, {{"confirmed", {{"version", "2.1.5"}, {"sha256", std::string(64, 'a')}}}});
  }
  void age(int days) const {
    for (const auto& file : files("patch-"))
      std::filesystem::last_write_time(
          file, std::chrono::file_clock::from_sys(kNow - std::chrono::days(days)));
  }
  // The one device's last word, and what it has.
  void seen(int days_ago, const Json& facts) {
    script.answers["GET /v1/devices?limit=1000"] = {
        Json{{"devices",
              {{{"id", "a"},
                {"last_seen", format_rfc3339(kNow - std::chrono::days(days_ago))},
                {"facts", facts}}}}}};
  }
  std::string old_sha256;
};

}  // namespace

TEST_CASE("patches from what no device has any more are taken out, with their files", "[cli]") {
  Aged p;
  SECTION("a device has another image") {}
  SECTION("the device that had it was not heard of for long") {
    p.seen(31, {{"confirmed", {{"version", "2.1.4"}, {"sha256", p.old_sha256}}}});
  }
  const auto pruned = p.run("firmware prune");
  INFO(pruned.err << pruned.out);
  CHECK(pruned.code == 0);
  CHECK(pruned.says("v2.1.5"));
  CHECK(pruned.says("v2.1.4"));
  CHECK(p.script.asked.size() == 1);
  CHECK(p.files("patch-").empty());
  CHECK(p.files("packed-").size() == 2);
  CHECK(p.files("firmware-").size() == 4);
  CHECK(p.run("firmware prune").says("Every patch is from an image"));
  // They can be made again.
  CHECK(p.run("firmware patches 2.1.5 --patches-from 2.1.4").code == 0);
  CHECK(p.files("patch-").size() == 2);
}

TEST_CASE("a patch that somebody may need stays", "[cli]") {
  Aged p;
  std::string line = "firmware prune --yes";
  int code = 0;
  SECTION("a device runs its base") {
    p.seen(29, {{"confirmed", {{"version", "2.1.4"}, {"sha256", p.old_sha256}}}});
  }
  SECTION("a device may go back to it") {
    p.seen(1, {{"previous", {{"version", "2.1.4"}, {"sha256", p.old_sha256}}}});
  }
  SECTION("within the days that are asked for") {
    p.seen(50, {{"confirmed", {{"version", "2.1.4"}, {"sha256", p.old_sha256}}}});
    line += " --days 60";
  }
  SECTION("it has not been there for long") {
    p.age(29);
  }
  SECTION("the console does not answer") {
    p.script.answers.clear();
    code = 1;
  }
  SECTION("the person says no") {
    line = "firmware prune";
    p.script.says = Answer::kNo;
    code = 1;
  }
  SECTION("no number of days") {
    line += " --days 0";
    code = 2;
  }
  const auto pruned = p.run(line);
  INFO(pruned.err << pruned.out);
  CHECK(pruned.code == code);
  CHECK(p.files("patch-").size() == 2);
}

TEST_CASE("with offline keys the files of a patch stay until people have signed without it",
          "[cli]") {
  Aged p;
  const auto keys = p.root() / "state" / "keys";
  const auto vault = p.root() / "vault";
  std::filesystem::rename(keys, vault);
  std::filesystem::create_directories(keys);
  std::filesystem::permissions(keys, std::filesystem::perms::owner_all);
  for (int i = 0; i < 2; ++i) {
    const auto waits = p.run("firmware prune --yes");
    CHECK(waits.code != 0);
    CHECK(waits.err.find("waits for signatures") != std::string::npos);
    CHECK(p.files("patch-").size() == 2);
  }
  // The keys are there again, and sign what waits with the next change.
  for (const auto& entry : std::filesystem::directory_iterator(vault)) {
    if (entry.path().extension() == ".pem")
      std::filesystem::copy(entry.path(), keys / entry.path().filename());
  }
  REQUIRE(p.run("firmware add " + p.path("noise") +
                " --version 2.1.6 --hardware rpi4 --hardware rpi5 --no-patches")
              .code == 0);
  const auto pruned = p.run("firmware prune --yes");
  CHECK(pruned.code == 0);
  CHECK(pruned.says("REMOVED: 2 files that nothing names any more"));
  CHECK(p.files("patch-").empty());
  CHECK(p.files("packed-").size() == 2);
}
