#include "tuf/repository.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/digest.h"
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/tuf/folder_mirror.h"
#include "tuf/change.h"
#include "tuf/error.h"
#include "tuf/firmware.h"
#include "tuf/names.h"
#include "tuf/request.h"

using namespace ota;
using test::TempFolder;
using tuf::testing::serve_folder;

namespace {

const WallTime kStart = *parse_rfc3339("2026-08-20T12:00:00Z");

std::filesystem::path write_image(const TempFolder& folder, const std::string& name,
                                  const std::string& content) {
  std::ofstream(folder.path() / name) << content;
  return folder.path() / name;
}

model::Release release_of(const char* version, std::vector<std::string> models) {
  model::Release release;
  release.version = *model::Version::parse(version);
  release.hardware = std::move(models);
  release.notes = "a \"quoted\" note with\ta tab";
  return release;
}

struct Fixture {
  TempFolder folder{TempFolder::fast_parent()};
  ManualClock clock{kStart};
  tuf::Repository repository =
      *tuf::Repository::create(folder.path() / "firmware", folder.path() / "keys", clock);

  Result<tuf::Updater> joined() const {
    const auto pinned = tuf::Updater::pin_root(folder.path() / "device", *repository.root());
    if (!pinned) return pinned.error();
    return tuf::Updater::open(folder.path() / "device");
  }
};

}  // namespace

TEST_CASE("an image that changed after it was looked at is not published", "[tuf]") {
  Fixture f;
  const auto image = write_image(f.folder, "image", "looked at");
  const FileDescriptor opened(::open(image.c_str(), O_RDONLY | O_CLOEXEC));
  auto release = release_of("1.0.0", {"rpi4"});
  release.sha256 = sha256_hex("looked at");
  write_image(f.folder, "image", "another one");
  CHECK(f.repository.add(opened, release).error().code == ota::Errc::kConflict);
  CHECK(f.repository.releases()->empty());
  write_image(f.folder, "image", "looked at");
  CHECK(f.repository.add(opened, release).has_value());
}

TEST_CASE("what the repository publishes, a device that joined finds and verifies", "[tuf]") {
  Fixture f;
  const auto image = write_image(f.folder, "image", "firmware bytes");
  const auto added = f.repository.add(image, release_of("2.1.5", {"rpi4", "rpi5"}));
  REQUIRE(added.has_value());
  CHECK(added->target == "rpi4/firmware-2.1.5.img");
  CHECK(added->length == 14);

  auto updater = f.joined();
  REQUIRE(updater.has_value());
  updater->start_refresh(f.clock.wall());
  const auto asked = serve_folder(*updater, f.folder.path() / "firmware/metadata");
  REQUIRE(updater->result().has_value());
  CHECK(asked == std::vector<std::string>{"2.root.json", "timestamp.json", "2.snapshot.json",
                                          "2.targets.json"});
  updater->start_lookup("rpi5/firmware-2.1.5.img");
  CHECK(serve_folder(*updater, f.folder.path() / "firmware/metadata") ==
        std::vector<std::string>{"1.model-rpi5.json"});
  REQUIRE(updater->result().has_value());
  const auto firmware = tuf::firmware_of(updater->target());
  REQUIRE(firmware.has_value());
  CHECK(firmware->release.fits("rpi5"));
  CHECK(firmware->release.sha256 == added->sha256);
  const auto bytes = read_file(f.folder.path() / "firmware/targets" / updater->target_path(), 1000);
  REQUIRE(bytes.has_value());
  tuf::TargetCheck check(updater->target());
  REQUIRE(check.update(*bytes).has_value());
  CHECK(check.finish().has_value());
}

TEST_CASE("a repository is created once and opens again", "[tuf]") {
  Fixture f;
  const auto again =
      tuf::Repository::create(f.folder.path() / "firmware", f.folder.path() / "keys", f.clock);
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error().code == ota::Errc::kExists);
  CHECK(tuf::Repository::open(f.folder.path() / "firmware", f.folder.path() / "keys", f.clock)
            .has_value());
  const auto nothing =
      tuf::Repository::open(f.folder.path() / "none", f.folder.path() / "keys", f.clock);
  REQUIRE_FALSE(nothing.has_value());
  CHECK(nothing.error().code == ota::Errc::kNotFound);
}

TEST_CASE("signing keys are readable by their owner alone", "[tuf]") {
  Fixture f;
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(f.folder.path() / "keys")) {
    struct stat status {};
    REQUIRE(::stat(entry.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777U) == 0600);
    ++count;
  }
  CHECK(count == 5);  // four roles and the director
}

TEST_CASE("a key that others can read is not used", "[tuf]") {
  Fixture f;
  for (const auto& entry : std::filesystem::directory_iterator(f.folder.path() / "keys"))
    ::chmod(entry.path().c_str(), 0644);
  const auto added =
      f.repository.add(write_image(f.folder, "image", "x"), release_of("1.0.0", {"rpi4"}));
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().code == tuf::Errc::kThreshold);
  CHECK(f.repository.releases()->empty());
}

TEST_CASE("one version has one image for a model, and may have others for other models", "[tuf]") {
  Fixture f;
  const auto first = write_image(f.folder, "first", "one");
  const auto second = write_image(f.folder, "second", "two");
  REQUIRE(f.repository.add(first, release_of("2.0.0", {"rpi4"})).has_value());
  CHECK(f.repository.add(first, release_of("2.0.0", {"rpi4"})).has_value());
  const auto clash = f.repository.add(second, release_of("2.0.0", {"rpi5", "rpi4"}));
  REQUIRE_FALSE(clash.has_value());
  CHECK(clash.error().code == ota::Errc::kExists);
  const auto other = f.repository.add(second, release_of("2.0.0", {"rpi5"}));
  REQUIRE(other.has_value());
  CHECK(other->target == "rpi5/firmware-2.0.0.img");
  CHECK(f.repository.releases()->size() == 2);
}

TEST_CASE("releases come newest first, and a removed one is gone with its image", "[tuf]") {
  Fixture f;
  for (const char* version : {"2.1.4", "2.10.0", "2.9.1"}) {
    REQUIRE(f.repository.add(write_image(f.folder, version, version), release_of(version, {"rpi4"}))
                .has_value());
  }
  REQUIRE(f.repository.releases()->front().version == model::Version(2, 10, 0));
  REQUIRE(f.repository.remove(model::Version(2, 10, 0)).has_value());
  CHECK(f.repository.releases()->front().version == model::Version(2, 9, 1));
  CHECK(f.repository.remove(model::Version(2, 10, 0)).error().code == ota::Errc::kNotFound);
  std::size_t images = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(f.folder.path() / "firmware/targets/rpi4")) {
    CHECK(entry.path().string().find("2.10.0") == std::string::npos);
    ++images;
  }
  CHECK(images == 2);
}

TEST_CASE("roles are signed anew before they expire, and not sooner", "[tuf]") {
  Fixture f;
  const auto margin = std::chrono::hours(24);
  CHECK_FALSE(*f.repository.refresh_if_due(margin));
  f.clock.advance(std::chrono::hours(49));
  CHECK(*f.repository.refresh_if_due(margin));
  CHECK_FALSE(*f.repository.refresh_if_due(margin));
  f.clock.advance(std::chrono::hours(24 * 900));  // everything has expired, root too
  CHECK(*f.repository.refresh_if_due(margin));
  auto updater = f.joined();
  REQUIRE(updater.has_value());
  updater->start_refresh(f.clock.wall());
  serve_folder(*updater, f.folder.path() / "firmware/metadata");
  CHECK(updater->result().has_value());
}

TEST_CASE("an image that is missing, empty or a folder is not published", "[tuf]") {
  Fixture f;
  CHECK_FALSE(f.repository.add(f.folder.path() / "none", release_of("1.0.0", {"a"})).has_value());
  CHECK_FALSE(f.repository.add(f.folder.path(), release_of("1.0.0", {"a"})).has_value());
  const auto empty = write_image(f.folder, "empty", "");
  CHECK_FALSE(f.repository.add(empty, release_of("1.0.0", {"a"})).has_value());
  const auto image = write_image(f.folder, "image", "x");
  CHECK_FALSE(f.repository.add(image, release_of("1.0.0", {})).has_value());
  CHECK_FALSE(f.repository.add(image, release_of("1.0.0", {"a/b"})).has_value());
  CHECK(f.repository.releases()->empty());
}

TEST_CASE("the image is not for this hardware, or below the floor: each has its own code",
          "[tuf]") {
  const model::Release release = release_of("2.1.5", {"rpi4"});
  CHECK(tuf::check_firmware(release, "rpi4", model::Version(2, 1, 5)).has_value());
  CHECK(tuf::check_firmware(release, "x86", {}).error().code == tuf::Errc::kWrongSoftware);
  CHECK(tuf::check_firmware(release, "rpi4", model::Version(2, 2, 0)).error().code ==
        tuf::Errc::kFirmwareRollback);
}

TEST_CASE("a signed floor goes with a release, and never above the release itself", "[tuf]") {
  Fixture f;
  const auto image = write_image(f.folder, "image", "x");
  const model::Version floor(2, 1, 0);
  CHECK(f.repository.add(image, release_of("2.0.0", {"rpi4"}), floor).error().code ==
        ota::Errc::kInvalid);
  const auto added = f.repository.add(image, release_of("2.1.5", {"rpi4"}), floor);
  REQUIRE(added.has_value());
  // Publishing the same image again keeps it.
  REQUIRE(f.repository.add(image, release_of("2.1.5", {"rpi4"})).has_value());
  auto updater = f.joined();
  updater->start_refresh(f.clock.wall());
  serve_folder(*updater, f.folder.path() / "firmware/metadata");
  updater->start_lookup(added->target);
  serve_folder(*updater, f.folder.path() / "firmware/metadata");
  REQUIRE(updater->result().has_value());
  CHECK(tuf::firmware_of(updater->target())->rollback_floor == floor);
}

TEST_CASE("each model has a role and a folder of its own, and no role signs for another", "[tuf]") {
  Fixture f;
  const auto image = write_image(f.folder, "image", "x");
  REQUIRE(f.repository.add(image, release_of("2.1.5", {"rpi4", "r pi", "r_pi", ".."})).has_value());
  CHECK(f.repository.releases()->size() == 4);
  std::vector<std::string> roles;
  for (const auto& role : *f.repository.status())
    roles.push_back(role.role);
  CHECK(roles == std::vector<std::string>{"root", "targets", "snapshot", "timestamp", "model-rpi4",
                                          "model-r pi", "model-r_pi", "model-.."});
  auto updater = f.joined();
  updater->start_refresh(f.clock.wall());
  serve_folder(*updater, f.folder.path() / "firmware/metadata");
  for (const auto& release : *f.repository.releases()) {
    INFO(release.target);
    updater->start_lookup(release.target);
    serve_folder(*updater, f.folder.path() / "firmware/metadata");
    REQUIRE(updater->result().has_value());
    CHECK(tuf::firmware_of(updater->target())->release.hardware == release.hardware);
    CHECK(std::filesystem::exists(f.folder.path() / "firmware/targets" / updater->target_path()));
  }
  // A second release of a known model changes its role alone.
  REQUIRE(f.repository.add(image, release_of("2.1.6", {"rpi4"})).has_value());
  CHECK(f.repository.status()->at(1).version == 2);
  CHECK(f.repository.status()->at(4).version == 2);
  CHECK(f.repository.status()->at(5).version == 1);
}

TEST_CASE("targets that an older program listed beside the models' roles stay published", "[tuf]") {
  Fixture f;
  {
    auto change =
        tuf::Change::begin(f.folder.path() / "firmware", f.folder.path() / "keys", f.clock);
    auto part = change->part_of("targets");
    tuf::Firmware firmware;
    firmware.release = release_of("2.0.0", {"rpi4"});
    firmware.release.notes = "old";
    part["targets"]["firmware-2.0.0.img"] = {{"length", 1},
                                             {"hashes", {{"sha256", std::string(64, 'a')}}},
                                             {"custom", tuf::Json::parse(custom_of(firmware))}};
    REQUIRE(change->stage("targets", part).has_value());
    REQUIRE(change->complete().has_value());
  }
  const auto image = write_image(f.folder, "image", "x");
  CHECK(f.repository.add(image, release_of("2.0.0", {"rpi4"})).error().code == ota::Errc::kExists);
  REQUIRE(f.repository.add(image, release_of("2.1.0", {"rpi4"})).has_value());
  CHECK(f.repository.releases()->size() == 2);
  REQUIRE(f.repository.remove(model::Version(2, 0, 0)).has_value());
  CHECK(f.repository.releases()->size() == 1);
}

namespace {

tuf::PatchFile patch_file(const TempFolder& folder, const std::string& base,
                          const std::string& image) {
  const std::string content = "patch from " + base;
  tuf::PatchFile out;
  static int made = 0;  // what was handed over is not written to again
  out.file = write_image(folder, "patch-" + std::to_string(++made), content);
  out.patch = {base.empty() ? "" : sha256_hex(base),
               {},
               content.size(),
               sha256_hex(content),
               sha256_hex("head")};
  out.makes = sha256_hex(image);
  return out;
}

}  // namespace

TEST_CASE("patches are signed and lie beside their image, and go with it", "[tuf]") {
  Fixture f;
  const auto image = write_image(f.folder, "image", "new");
  const auto release = release_of("2.1.5", {"rpi4", "rpi5"});
  const auto files = [&] {
    std::size_t count = 0;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(f.folder.path() / "firmware" / "targets"))
      count += entry.is_regular_file() ? 1 : 0;
    return count;
  };
  const auto known = [&] {
    const auto pinned = tuf::Updater::pin_root(f.folder.path() / "device", *f.repository.root());
    REQUIRE(pinned.has_value());
    auto updater = tuf::Updater::open(f.folder.path() / "device").value();
    updater.start_refresh(f.clock.wall());
    serve_folder(updater, f.folder.path() / "firmware/metadata");
    updater.start_lookup("rpi5/firmware-2.1.5.img");
    serve_folder(updater, f.folder.path() / "firmware/metadata");
    REQUIRE(updater.result().has_value());
    std::filesystem::remove_all(f.folder.path() / "device");
    return tuf::firmware_of(updater.target()).value();
  };
  REQUIRE(f.repository.add(image, release, {}, {patch_file(f.folder, "", "new")}).has_value());
  CHECK(files() == 4);
  CHECK(known().packed->sha256 == sha256_hex("patch from "));
  CHECK(known().patches.empty());
  // Later ones are added to it, and adding the image again takes none away.
  REQUIRE(f.repository.add(image, release, {}, {patch_file(f.folder, "old", "new")}).has_value());
  REQUIRE(f.repository.add(image, release, {}, {patch_file(f.folder, "old", "new")}).has_value());
  REQUIRE(f.repository.add(image, release).has_value());
  CHECK(files() == 6);
  const tuf::Firmware firmware = known();
  CHECK(firmware.packed.has_value());
  REQUIRE(firmware.patches.size() == 1);
  const tuf::Patch& patch = firmware.patches[0];
  CHECK(read_file(f.folder.path() / "firmware" / "targets" /
                      tuf::target_url_path(tuf::patch_name("rpi5/firmware-2.1.5.img",
                                                           firmware.release.sha256, patch),
                                           patch.sha256),
                  100)
            .value() == "patch from old");
  CHECK(f.repository.add(image, release, {}, {patch_file(f.folder, "old", "other")}).error().code ==
        ota::Errc::kConflict);
  REQUIRE(f.repository.remove(release.version).has_value());
  CHECK(files() == 0);
}

TEST_CASE("a signer reads of the packed image and of each patch", "[tuf]") {
  tuf::Firmware firmware;
  firmware.release = release_of("2.1.5", {"rpi4"});
  firmware.release.notes.clear();
  firmware.packed = tuf::Patch{"", {}, 3072, sha256_hex("p"), sha256_hex("h")};
  firmware.patches = {
      {std::string(64, 'a'), model::Version(2, 1, 4), 1024, sha256_hex("q"), sha256_hex("i")}};
  tuf::Json now = tuf::new_part(tuf::kTargets, 1, kStart);
  now["targets"] = tuf::Json::object();
  tuf::Json next = now;
  next["targets"]["rpi4/x"] = {{"length", 8192},
                               {"hashes", {{"sha256", sha256_hex("x")}}},
                               {"custom", tuf::Json::parse(tuf::custom_of(firmware))}};
  const auto words = tuf::describe_part("model-rpi4", next, now);
  REQUIRE(words.has_value());
  const auto has = [&](const std::string& text) {
    return std::ranges::any_of(
        *words, [&](const auto& line) { return line.find(text) != std::string::npos; });
  };
  CHECK(has(", packed 3.0 KiB, patch from v2.1.4 (aaaaaaaaaaaaaaaa...): 1.0 KiB of 8.0 KiB"));
}
