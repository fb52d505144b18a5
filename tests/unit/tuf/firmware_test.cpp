#include "tuf/firmware.h"

#include "base/digest.h"
#include "tests/support/catch.h"
#include "tuf/error.h"
#include "tuf/strict_json.h"

using namespace ota;
using tuf::TargetCheck;
using tuf::TargetInfo;

namespace {

TargetInfo target_of(const std::string& content) {
  return {"image", content.size(), {{"sha256", sha256_hex(content)}}, "{}"};
}

std::string checked(const TargetInfo& target, const std::vector<std::string>& pieces) {
  TargetCheck check(target);
  for (const std::string& piece : pieces) {
    if (auto fed = check.update(piece); !fed) return std::string(tuf::word_of(fed.error().code));
  }
  const auto done = check.finish();
  return done ? "ok" : std::string(tuf::word_of(done.error().code));
}

}  // namespace

TEST_CASE("an image is accepted in any pieces, and only with exactly its bytes", "[tuf]") {
  const TargetInfo target = target_of("firmware");
  CHECK(checked(target, {"firmware"}) == "ok");
  CHECK(checked(target, {"f", "", "irmw", "are"}) == "ok");
  CHECK(checked(target, {"firmwarf"}) == "tuf.arbitrary");
  CHECK(checked(target, {"firmwar"}) == "tuf.arbitrary");
  CHECK(checked(target, {}) == "tuf.arbitrary");
  CHECK(checked(target, {"firmware", "!"}) == "tuf.endless-data");
}

TEST_CASE("all known hashes of an image must match", "[tuf]") {
  TargetInfo target = target_of("firmware");
  target.hashes.emplace_back("sha512", std::string(128, '0'));
  CHECK(checked(target, {"firmware"}) == "tuf.arbitrary");
  target.hashes = {{"blake2", "00"}};
  CHECK(checked(target, {"firmware"}) == "tuf.arbitrary");
}

TEST_CASE("the length of an image is enforced although its hash would tell", "[tuf]") {
  TargetInfo target = target_of("firmware");
  target.length = 100;
  CHECK(checked(target, {"firmware"}) == "tuf.arbitrary");
}

TEST_CASE("a release survives its form in custom data", "[tuf]") {
  tuf::Firmware firmware;
  firmware.release.version = *model::Version::parse("2.2.0-rc.1");
  firmware.release.hardware = {"rpi4", "rpi5"};
  firmware.release.release_class = model::ReleaseClass::kSecurity;
  firmware.release.notes = "fixes";
  firmware.rollback_floor = model::Version(2, 1, 0);
  TargetInfo target = target_of("x");
  target.custom = tuf::custom_of(firmware);
  const auto back = tuf::firmware_of(target);
  REQUIRE(back.has_value());
  CHECK(back->release.version == firmware.release.version);
  CHECK(back->release.hardware == firmware.release.hardware);
  CHECK(back->release.release_class == firmware.release.release_class);
  CHECK(back->rollback_floor == firmware.rollback_floor);
  CHECK(back->release.sha256 == sha256_hex("x"));
}

TEST_CASE("custom data that lacks a member, or has it wrong, is malformed", "[tuf]") {
  for (const char* custom :
       {"{}", "[]", "{\"version\":\"x\",\"hardware\":[\"a\"],\"class\":\"functional\"}",
        "{\"version\":\"1.0.0\",\"hardware\":\"a\",\"class\":\"functional\"}",
        "{\"version\":\"1.0.0\",\"hardware\":[\"a\"],\"class\":\"other\"}",
        "{\"version\":\"1.0.0\",\"hardware\":[\"a\"],\"class\":\"functional\","
        "\"rollback_floor\":7}"}) {
    INFO(custom);
    TargetInfo target = target_of("x");
    target.custom = custom;
    CHECK(tuf::firmware_of(target).error().code == tuf::Errc::kMalformed);
  }
}

namespace {

tuf::Patch patch_from(const std::string& base) {
  return {base.empty() ? "" : sha256_hex(base),
          base.empty() ? model::Version() : model::Version(2, 1, 4), 1234,
          sha256_hex("file " + base), sha256_hex("head " + base)};
}

tuf::Firmware patched_firmware() {
  tuf::Firmware firmware;
  firmware.release.version = model::Version(2, 1, 5);
  firmware.release.hardware = {"rpi4"};
  firmware.packed = patch_from("");
  firmware.patches = {patch_from("a"), patch_from("b")};
  return firmware;
}

}  // namespace

TEST_CASE("a packed image and patches survive their form in custom data", "[tuf]") {
  const tuf::Firmware firmware = patched_firmware();
  TargetInfo target = target_of("x");
  target.custom = tuf::custom_of(firmware);
  const auto back = tuf::firmware_of(target);
  REQUIRE(back.has_value());
  CHECK(back->packed == firmware.packed);
  CHECK(back->patches == firmware.patches);
}

TEST_CASE("what agents from before patches read stands beside what they do not know", "[tuf]") {
  tuf::Firmware firmware = patched_firmware();
  firmware.rollback_floor = model::Version(2, 0, 0);
  auto custom = tuf::Json::parse(tuf::custom_of(firmware));
  CHECK(custom.erase("packed") == 1);
  CHECK(custom.erase("patches") == 1);
  CHECK(custom == tuf::Json::parse(R"({"version":"2.1.5","hardware":["rpi4"],"class":"functional",
                                       "notes":"","rollback_floor":"2.0.0"})"));
}

TEST_CASE("a patch of a format that is not known is none, and the image stays installable",
          "[tuf]") {
  auto custom = tuf::Json::parse(tuf::custom_of(patched_firmware()));
  custom["packed"] = {{"format", 2}, {"something", "else"}};
  custom["patches"][0] = {{"format", 2}};
  TargetInfo target = target_of("x");
  target.custom = custom.dump();
  const auto firmware = tuf::firmware_of(target);
  REQUIRE(firmware.has_value());
  CHECK_FALSE(firmware->packed);
  CHECK(firmware->patches == std::vector{patch_from("b")});
}

TEST_CASE("a patch that lacks a member, or has it wrong, is malformed", "[tuf]") {
  const auto good = tuf::Json::parse(tuf::custom_of(patched_firmware()));
  const auto refused = [&](auto&& spoil) {
    auto custom = good;
    spoil(custom);
    TargetInfo target = target_of("x");
    target.custom = custom.dump();
    const auto read = tuf::firmware_of(target);
    INFO(target.custom);
    REQUIRE(read.has_error());
    CHECK(read.error().code == tuf::Errc::kMalformed);
  };
  for (const char* key : {"format", "length", "sha256", "head"}) {
    refused([&](auto& custom) { custom["packed"].erase(key); });
    refused([&](auto& custom) { custom["patches"][1].erase(key); });
    refused([&](auto& custom) { custom["patches"][1][key] = "x"; });
  }
  refused([](auto& custom) { custom["patches"][0].erase("from"); });
  refused([](auto& custom) { custom["patches"][0].erase("from_version"); });
  refused([](auto& custom) { custom["patches"][0]["from"] = std::string(64, 'A'); });
  refused([](auto& custom) { custom["packed"]["from"] = std::string(64, 'a'); });
  refused([](auto& custom) {
    custom["packed"]["from_version"] = "1.0.0";
    custom["packed"]["from"] = std::string(64, 'a');
  });
  refused([](auto& custom) { custom["packed"] = 1; });
  refused([](auto& custom) { custom["patches"] = custom["packed"]; });
  refused([](auto& custom) {
    for (int i = 0; i < 64; ++i)
      custom["patches"].push_back(custom["patches"][0]);
  });
}

TEST_CASE("a patch's file is named after what it is from and for", "[tuf]") {
  const std::string image(64, 'e');
  CHECK(tuf::patch_name("rpi4/firmware-2.1.5.img", image, patch_from("")) ==
        "rpi4/packed-eeeeeeeeeeeeeeee");
  CHECK(tuf::patch_name("fw.img", image, patch_from("a")) ==
        "patch-" + sha256_hex("a").substr(0, 16) + "-eeeeeeeeeeeeeeee");
}
