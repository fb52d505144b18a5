#include "tuf/firmware.h"

#include "base/digest.h"
#include "tests/support/catch.h"
#include "tuf/error.h"

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
