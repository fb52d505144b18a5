#include "tests/unit/fleet/small_fleet.h"

using namespace ota;
using test::SmallFleet;

namespace {

const std::string kHash(64, '1');

Result<void> open(SmallFleet& it, const std::string& device, seconds ttl = seconds(3600)) {
  return it.wait([&](fleet::Done done) {
    it.fleet->open_enrolment(device, kHash, it.clock.wall() + ttl, "operator", done);
  });
}

Result<std::string> redeem(SmallFleet& it, const std::string& key = "key-1",
                           const std::string& hash = kHash) {
  const auto answer = it.fleet->redeem_token(hash, key, "10.0.0.7");
  REQUIRE(it.store.flush());
  if (!answer) return answer.error();
  return answer->device;
}

Result<void> enrol(SmallFleet& it, const std::string& serial, const std::string& key) {
  return it.wait([&](fleet::Done done) {
    it.fleet->enrolled({"iot-001"}, serial, key, it.clock.wall() + seconds(999), done);
  });
}

Result<void> renew(SmallFleet& it, const std::string& presented, const std::string& serial) {
  return it.wait([&](fleet::Done done) {
    it.fleet->renewed("iot-001", presented, serial, it.clock.wall() + seconds(999), done);
  });
}

std::string why_refused(const Result<void>& result) {
  return result ? "" : result.error().context;
}

}  // namespace

TEST_CASE("a token opens the door once", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  CHECK(redeem(it).value() == "iot-001");
  const auto again = redeem(it);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == Errc::kDenied);
  it.start();
  CHECK_FALSE(redeem(it).has_value());  // also after a restart
}

TEST_CASE("a revocation between a code's use and its certificate holds", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  const auto admission = it.fleet->redeem_token(kHash, "key-1", "10.0.0.7");
  REQUIRE(admission.has_value());
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator", done); }));
  const auto finish = [&](const fleet::Admission& with) {
    return it.wait([&](fleet::Done done) {
      it.fleet->enrolled(with, "serial-1", "key-1", it.clock.wall() + seconds(999), done);
    });
  };
  const auto late = finish(*admission);
  REQUIRE_FALSE(late);
  CHECK(late.error().code == Errc::kDenied);
  CHECK(why_refused(late) == "iot-001 was revoked while it joined");
  CHECK(it.fleet->detail("iot-001")->row.revoked());
  CHECK_FALSE(it.fleet->detail("iot-001")->row.enrolled());

  REQUIRE(open(it, "iot-001"));  // the operator lets it in again
  const auto anew = it.fleet->redeem_token(kHash, "key-1", "10.0.0.7");
  REQUIRE(anew.has_value());
  CHECK(finish(*anew));
  CHECK(it.fleet->detail("iot-001")->row.enrolled());
}

TEST_CASE("a token that waits outlives a restart, but not its time", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  it.start();
  it.clock.advance(seconds(3600));
  SECTION("tried before the next tick") {}
  SECTION("tried after it") {
    it.tick();
  }
  CHECK_FALSE(redeem(it));
}

TEST_CASE("only devices of the whitelist get a token", "[fleet]") {
  SmallFleet it;
  CHECK_FALSE(open(it, "stranger"));
}

TEST_CASE("guessing is limited for each address, and the log is not flooded", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  const std::string wrong(64, '2');
  for (int i = 0; i < 20; ++i) {
    const auto check = it.fleet->check_token(wrong, "10.0.0.7");
    CHECK_FALSE(check.good);
    CHECK_FALSE(check.wait);
    CHECK(check.refusal.code == Errc::kDenied);
  }
  it.clock.advance(seconds(13));
  for (int i = 0; i < 100; ++i)
    CHECK(it.fleet->check_token(wrong, "10.0.0.7").wait == seconds(48));
  CHECK_FALSE(it.fleet->check_token(wrong, "10.0.0.8").wait);
  REQUIRE(it.store.flush());
  // One for each address: the repeats are told together.
  CHECK(it.store.of_kind("enrol.refused").size() == 2);
  it.clock.advance(seconds(48));
  CHECK_FALSE(it.fleet->check_token(wrong, "10.0.0.7").wait);
  it.tick();
  REQUIRE(it.store.flush());
  const auto told = it.store.of_kind("enrol.refused");
  REQUIRE(told.size() == 3);
  CHECK(told.back().message.ends_with("(20 more suppressed)"));
}

TEST_CASE("a good token is never refused for what others of its address did", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  const std::string wrong(64, '2');
  for (int i = 0; i < 40; ++i)
    static_cast<void>(it.fleet->check_token(wrong, "10.0.0.7"));
  CHECK(it.fleet->check_token(wrong, "10.0.0.7").wait);
  CHECK(it.fleet->check_token(kHash, "10.0.0.7").good);
  // Nor where so many addresses guess that no more of them are counted.
  for (int i = 0; i < 5000; ++i)
    static_cast<void>(it.fleet->check_token(wrong, "2001:db8:" + std::to_string(i) + "::1"));
  CHECK(it.fleet->check_token(wrong, "10.0.0.9").wait);
  CHECK(it.fleet->check_token(kHash, "10.0.0.9").good);
  CHECK(redeem(it));
  CHECK_FALSE(it.fleet->check_token(kHash, "10.0.0.10").good);
}

TEST_CASE("one IPv6 site has one number of guesses", "[fleet]") {
  SmallFleet it;
  const std::string wrong(64, '2');
  for (int i = 0; i < 20; ++i)
    static_cast<void>(it.fleet->check_token(wrong, "2001:db8::" + std::to_string(i)));
  CHECK(it.fleet->check_token(wrong, "2001:db8::99").wait);
  CHECK_FALSE(it.fleet->check_token(wrong, "2001:db8:0:1::1").wait);
}

TEST_CASE("a second key for an enrolled id is refused and named beside the first", "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  REQUIRE(redeem(it, "key-1"));
  REQUIRE(enrol(it, "aa", "key-1"));
  REQUIRE(open(it, "iot-001"));
  const auto second = redeem(it, "key-2");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::kConflict);
  const auto events = it.store.of_kind("enrol.second-key");
  REQUIRE(events.size() == 1);
  CHECK(events[0].data.at("enrolled_key") == "key-1");
  CHECK(events[0].data.at("refused_key") == "key-2");
  it.tick();
  CHECK(it.row("iot-001").second_key_seen());
  CHECK(it.fleet->admit("iot-001", "aa"));  // the first one goes on
}

TEST_CASE("admission names its reason", "[fleet]") {
  SmallFleet it;
  CHECK(why_refused(it.fleet->admit("stranger", "aa")) == "not in the whitelist");
  CHECK(why_refused(it.fleet->admit("iot-001", "aa")) == "not enrolled");
  REQUIRE(enrol(it, "aa", "key-1"));
  CHECK(it.fleet->admit("iot-001", "aa"));
  CHECK(why_refused(it.fleet->admit("iot-001", "bb")) == "another certificate");
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator", done); }));
  CHECK(why_refused(it.fleet->admit("iot-001", "aa")) == "revoked");
  it.start();
  CHECK(why_refused(it.fleet->admit("iot-001", "aa")) == "revoked");
}

TEST_CASE("a revoked device is cut off before the disk has answered", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.fleet->revoke("iot-001", "operator", [](const Result<void>&) {});
  CHECK(it.cut_off == std::vector<std::string>{"iot-001"});
}

TEST_CASE("a device that leaves the whitelist is cut off and its job ends", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  it.run("iot-001", 12, 10);
  const auto job = it.push("iot-001").job_id;
  auto settings = SmallFleet::default_settings();
  settings.whitelist.devices.erase(settings.whitelist.devices.begin());
  it.fleet->apply_settings(std::make_shared<const model::Settings>(settings));
  CHECK(it.cut_off == std::vector<std::string>{"iot-001"});
  CHECK(why_refused(it.fleet->admit("iot-001", "serial-iot-001")) == "not in the whitelist");
  CHECK(it.fleet->job(job)->state == model::JobState::kCancelled);
  CHECK_FALSE(it.row("iot-001").listed());
}

TEST_CASE("a renewed certificate replaces the old one when it is first used", "[fleet]") {
  SmallFleet it;
  REQUIRE(enrol(it, "aa", "key-1"));
  REQUIRE(renew(it, "aa", "bb"));
  it.start();
  it.tick();
  CHECK(it.fleet->admit("iot-001", "aa"));  // the answer may have been lost
  CHECK(it.fleet->admit("iot-001", "bb"));
  it.tick();
  CHECK(why_refused(it.fleet->admit("iot-001", "aa")) == "another certificate");
  CHECK(it.fleet->admit("iot-001", "bb"));
}

TEST_CASE("a device keeps its certificate however many answers to its renewals are lost",
          "[fleet]") {
  SmallFleet it;
  REQUIRE(enrol(it, "aa", "key-1"));
  for (const std::string lost : {"bb", "cc"}) {
    REQUIRE(renew(it, "aa", lost));
    it.tick();
    REQUIRE(it.fleet->admit("iot-001", "aa"));
  }
  CHECK(why_refused(it.fleet->admit("iot-001", "bb")) == "another certificate");
  REQUIRE(renew(it, "aa", "dd"));
  CHECK(it.fleet->admit("iot-001", "dd"));
  it.tick();
  CHECK(why_refused(it.fleet->admit("iot-001", "aa")) == "another certificate");
}

TEST_CASE("a certificate that was revoked stays out, whatever lets the device in again",
          "[fleet]") {
  SmallFleet it;
  REQUIRE(open(it, "iot-001"));
  REQUIRE(redeem(it).has_value());
  REQUIRE(enrol(it, "serial-1", "key-1").has_value());
  REQUIRE(renew(it, "serial-1", "serial-2").has_value());
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator", done); }));
  // A renewal that was under way while it was revoked.
  CHECK(renew(it, "serial-2", "serial-3").error().code == Errc::kDenied);
  SECTION("a token for DDI") {
    REQUIRE(it.wait([&](fleet::Done done) {
      it.fleet->ddi_set_token("iot-001", sha256_hex("token"), "operator:ann", done);
    }));
  }
  SECTION("also after a restart") {
    REQUIRE(it.wait([&](fleet::Done done) {
      it.fleet->ddi_set_token("iot-001", sha256_hex("token"), "operator:ann", done);
    }));
    it.start();
  }
  for (const char* serial : {"serial-1", "serial-2", "serial-3"})
    CHECK_FALSE(it.fleet->admit("iot-001", serial).has_value());
}

TEST_CASE("a revocation withdraws the device's open codes, and nobody else's", "[fleet]") {
  SmallFleet it;
  const std::string other_hash(64, '2');
  REQUIRE(open(it, "iot-001"));
  REQUIRE(it.wait([&](fleet::Done done) {
    it.fleet->open_enrolment("iot-002", other_hash, it.clock.wall() + seconds(999), "operator",
                             done);
  }));
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator", done); }));
  CHECK_FALSE(redeem(it));
  it.start();
  CHECK_FALSE(redeem(it));
  CHECK(redeem(it, "key-2", other_hash).value() == "iot-002");
}

TEST_CASE("a new key under an old name starts with no trusted image", "[fleet]") {
  SmallFleet it;
  it.enrol("iot-001");
  CHECK(it.fleet->detail("iot-001")->record->facts.confirmed);
  REQUIRE(it.wait([&](fleet::Done done) { it.fleet->revoke("iot-001", "operator", done); }));
  REQUIRE(open(it, "iot-001"));
  const auto admission = it.fleet->redeem_token(kHash, "another key", "10.0.0.7");
  REQUIRE(admission.has_value());
  REQUIRE(it.wait([&](fleet::Done done) {
    it.fleet->enrolled(*admission, "cc", "another key", it.clock.wall() + seconds(999), done);
  }));
  CHECK_FALSE(it.fleet->detail("iot-001")->record->facts.confirmed);
  CHECK(it.fleet->detail("iot-001")->record->trusted.empty());
}
