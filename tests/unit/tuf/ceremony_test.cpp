#include "tuf/ceremony.h"

#include <fstream>

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/tuf/folder_mirror.h"
#include "tuf/director.h"
#include "tuf/error.h"
#include "tuf/publisher.h"
#include "tuf/repository.h"
#include "tuf/signer.h"

using namespace ota;
using test::TempFolder;
using tuf::Ceremony;
using tuf::Signer;

namespace {

namespace fs = std::filesystem;

const std::string kModel = "model-rpi4";

template <class T>
std::string word(const Result<T>& result) {
  return result ? "ok" : std::string(tuf::word_of(result.error().code));
}

struct CeremonyFixture {
  TempFolder folder{TempFolder::fast_parent()};
  ManualClock clock{*parse_rfc3339("2026-08-20T12:00:00Z")};
  fs::path firmware = folder.path() / "firmware";
  fs::path keys = folder.path() / "keys";
  fs::path vault = folder.path() / "vault";
  tuf::Repository repository = *tuf::Repository::create(firmware, keys, clock);
  Ceremony ceremony = *Ceremony::open(firmware, keys, clock);
  tuf::Updater device = joined();

  tuf::Updater joined() {
    REQUIRE(tuf::Updater::pin_root(folder.path() / "device", *repository.root()).has_value());
    return *tuf::Updater::open(folder.path() / "device");
  }
  // What the device, pinned at the very first root, makes of the repository as it is now.
  std::string refreshed() {
    device.start_refresh(clock.wall());
    tuf::testing::serve_folder(device, firmware / "metadata");
    return word(device.result());
  }
  std::string finds(const std::string& target) {
    device.start_lookup(target);
    tuf::testing::serve_folder(device, firmware / "metadata");
    return word(device.result());
  }
  Result<model::Release> add(const char* version) {
    std::ofstream(folder.path() / version) << "image of " << version;
    model::Release release;
    release.version = *model::Version::parse(version);
    release.hardware = {"rpi4"};
    return repository.add(folder.path() / version, release);
  }
  Result<tuf::Outcome> take_offline() {
    return ceremony.take_offline(
        vault, [](const std::string& name) -> Result<std::string> { return "secret of " + name; });
  }
  Signer vault_key(const std::string& name) const {
    return *Signer::from_pem(*read_file(vault / name, 10000), "secret of " + name);
  }
  static Result<std::string> signed_by(const std::string& request, const Signer& signer) {
    const auto read = tuf::read_request(request, std::nullopt);
    if (!read) return read.error();
    return tuf::sign_request(*read, signer);
  }
  // Carries the request to a signer and the signature back.
  Result<tuf::Outcome> sign(const std::string& role, const Signer& signer) {
    const auto request = ceremony.request(role);
    if (!request) return request.error();
    const auto signature = signed_by(*request, signer);
    if (!signature) return signature.error();
    return ceremony.submit(*signature);
  }
};

std::size_t online_keys(const CeremonyFixture& f) {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(f.keys))
    count += entry.path().extension() == ".pem" ? 1 : 0;
  return count;
}

}  // namespace

TEST_CASE("a two-of-three publish: m-1 signatures publish nothing, m do", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.ceremony.rotate({{"root", 2, 3}, {"targets", 2, 3}}).has_value());
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.4.img") == "ok");  // its role went with the targets keys
  REQUIRE(f.take_offline().has_value());
  CHECK(online_keys(f) == 3);  // snapshot, timestamp, director
  CHECK(f.add("2.1.5").error().code == tuf::Errc::kThreshold);
  CHECK(f.repository.releases()->size() == 1);

  REQUIRE(f.ceremony.pending()->size() == 1);
  CHECK(f.ceremony.pending()->front().signatures == 0);
  CHECK(f.ceremony.pending()->front().threshold == 2);
  REQUIRE(f.sign(kModel, f.vault_key("targets-1.pem")).has_value());
  CHECK(f.ceremony.pending()->front().signatures == 1);
  CHECK(f.repository.releases()->size() == 1);
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "tuf.unknown-target");
  // The same key again is no second signature.
  REQUIRE(f.sign(kModel, f.vault_key("targets-1.pem")).has_value());
  CHECK(f.repository.releases()->size() == 1);

  REQUIRE(f.sign(kModel, f.vault_key("targets-3.pem")).has_value());
  CHECK(f.ceremony.pending()->empty());
  CHECK(f.repository.releases()->size() == 2);
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "ok");
}

TEST_CASE("whoever may write every file of the server cannot publish with m-1 signatures",
          "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.ceremony.rotate({{"targets", 2, 3}}).has_value());
  REQUIRE(f.take_offline().has_value());
  REQUIRE(f.refreshed() == "ok");
  REQUIRE_FALSE(f.add("6.6.6").has_value());
  REQUIRE(f.sign(kModel, f.vault_key("targets-1.pem")).has_value());
  // The draft, announced with the stolen online keys as if it were complete.
  const tuf::Publisher thief(f.firmware, f.keys, f.clock);
  const auto draft = thief.pending(kModel);
  const auto now = thief.files.load();
  REQUIRE(draft.has_value());
  REQUIRE(now.has_value());
  REQUIRE(thief.publish_targets(*now, {{kModel, *draft}}, {&now->root}).has_value());
  CHECK(word(f.repository.releases()) == "tuf.signatures");
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-6.6.6.img") == "tuf.signatures");
  // The same with the list of models, in a snapshot after that one.
  tuf::Published then = *now;
  ++then.snapshot.version;
  ++then.timestamp.version;
  auto targets = now->targets_json;
  targets["version"] = now->targets.version + 1;
  REQUIRE(thief.publish_targets(then, {{"targets", tuf::Draft{targets, {}}}}, {&now->root})
              .has_value());
  CHECK(f.refreshed() != "ok");
  CHECK(f.finds("rpi4/firmware-6.6.6.img") == "tuf.not-refreshed");
}

TEST_CASE("keys are erased from the server only after their files were proven", "[tuf]") {
  CeremonyFixture f;
  const std::size_t before = online_keys(f);
  const auto short_secret = f.ceremony.take_offline(
      f.vault, [](const std::string&) -> Result<std::string> { return "short"; });
  CHECK(short_secret.error().code == Errc::kInvalid);
  const auto given_up =
      f.ceremony.take_offline(f.vault, [](const std::string& name) -> Result<std::string> {
        if (name == "targets-1.pem") return ota::fail(Errc::kDenied, "the operator went away");
        return "long enough a secret";
      });
  CHECK(given_up.error().code == Errc::kDenied);
  CHECK(online_keys(f) == before);
  REQUIRE(f.take_offline().has_value());
  CHECK(online_keys(f) == before - 2);
  for (const auto& role : *f.repository.status())
    CHECK(role.keys_online == (role.role == "snapshot" || role.role == "timestamp"));
  // The files open with their passphrases alone.
  const std::string pem = *read_file(f.vault / "root-1.pem", 10000);
  CHECK(word(Signer::from_pem(pem)) == "tuf.key");
  CHECK(word(Signer::from_pem(pem, "secret of targets-1.pem")) == "tuf.key");
}

TEST_CASE("snapshot and timestamp go on being signed while root and targets keys are away",
          "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.take_offline().has_value());
  for (int day = 0; day < 40; ++day) {
    f.clock.advance(std::chrono::hours(24));
    REQUIRE(f.repository.refresh_if_due(std::chrono::hours(36)).has_value());
    REQUIRE(f.refreshed() == "ok");
  }
  CHECK(f.finds("rpi4/firmware-2.1.4.img") == "ok");
}

TEST_CASE("stolen online keys are replaced by a root that the offline keys sign", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.take_offline().has_value());
  REQUIRE(f.refreshed() == "ok");
  const auto waiting = f.ceremony.rotate({{"snapshot", 1, 1}, {"timestamp", 1, 1}});
  REQUIRE(waiting.has_value());
  CHECK(waiting->front() == "root version 2 waits for signatures");
  CHECK(f.refreshed() == "ok");  // the last good repository is in place
  const auto words = f.ceremony.pending()->front().words;
  CHECK(std::ranges::count_if(words, [](const auto& w) { return w.starts_with("CHANGES"); }) == 2);
  REQUIRE(f.sign("root", f.vault_key("root-1.pem")).has_value());
  CHECK(f.refreshed() == "ok");
  CHECK(online_keys(f) == 3);  // the stolen ones are gone
  f.clock.advance(std::chrono::hours(60));
  CHECK(*f.repository.refresh_if_due(std::chrono::hours(24)));
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.4.img") == "ok");
}

TEST_CASE("every root of a long history leads a device that was away to the present", "[tuf]") {
  CeremonyFixture f;
  for (int round = 0; round < 5; ++round) {
    REQUIRE(
        f.ceremony
            .rotate({{"root", 1, 2}, {"targets", 1, 1}, {"snapshot", 1, 1}, {"timestamp", 1, 1}})
            .has_value());
  }
  REQUIRE(f.add("3.0.0").has_value());
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-3.0.0.img") == "ok");
  CHECK(online_keys(f) == 6);  // two of root, one of each other role, the director's
}

TEST_CASE("lost targets keys are recovered from by the root keys", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.take_offline().has_value());
  REQUIRE(f.refreshed() == "ok");
  fs::remove(f.vault / "targets-1.pem");
  REQUIRE(f.ceremony.rotate({{"targets", 1, 1}}).has_value());
  CHECK(f.refreshed() == "ok");
  const auto done = f.sign("root", f.vault_key("root-1.pem"));
  REQUIRE(done.has_value());
  CHECK(*done == tuf::Outcome{"root version 2 is published", "model-rpi4 version 2 is published",
                              "targets version 3 is published"});
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.4.img") == "ok");
  REQUIRE(f.add("2.1.5").has_value());
}

TEST_CASE("what is signed is shown in words made from the very bytes", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.take_offline().has_value());
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  REQUIRE_FALSE(f.add("2.1.6").has_value());  // builds on the draft
  REQUIRE_FALSE(f.repository.remove(model::Version(2, 1, 4)).has_value());
  const auto read = tuf::read_request(*f.ceremony.request(kModel), std::nullopt);
  REQUIRE(read.has_value());
  const auto* words = &read->words;
  REQUIRE(words->size() == 6);
  CHECK(words->at(4).starts_with("these bytes: sha256 "));
  CHECK(words->at(5).starts_with("comparison NOT verified"));
  CHECK(words->at(0).starts_with("model-rpi4 version 2, valid until 2027-08-20"));
  CHECK(words->at(1).starts_with("ADDS    v2.1.5 for rpi4, functional, 14 B, sha256 "));
  CHECK(words->at(2).starts_with("ADDS    v2.1.6"));
  CHECK(words->at(3).starts_with("REMOVES v2.1.4"));
  REQUIRE(f.sign(kModel, f.vault_key("targets-1.pem")).has_value());
  CHECK(f.repository.releases()->size() == 2);
}

TEST_CASE("requests and signatures that do not fit are refused by name", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.take_offline().has_value());
  CHECK(f.ceremony.request(kModel).error().code == Errc::kNotFound);
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  const std::string request = *f.ceremony.request(kModel);
  CHECK(word(f.signed_by(request, f.vault_key("root-1.pem"))) == "tuf.key");
  CHECK(word(f.signed_by("{}", f.vault_key("targets-1.pem"))) == "tuf.malformed");
  CHECK(word(f.signed_by("", f.vault_key("targets-1.pem"))) == "tuf.malformed");
  CHECK(word(tuf::read_request(std::string(20000000, ' '), std::nullopt)) == "tuf.endless-data");

  const std::string signature = *f.signed_by(request, f.vault_key("targets-1.pem"));
  auto forged = *tuf::parse_strict(signature);
  forged["sig"] = std::string(128, 'a');
  CHECK(word(f.ceremony.submit(forged.dump())) == "tuf.signatures");
  forged = *tuf::parse_strict(signature);
  forged["role"] = "timestamp";
  CHECK(f.ceremony.submit(forged.dump()).error().code == Errc::kNotFound);
  CHECK(word(f.ceremony.submit("[]")) == "tuf.malformed");
  REQUIRE_FALSE(f.add("2.1.6").has_value());  // the draft moved on
  CHECK(f.ceremony.submit(signature).error().code == Errc::kConflict);
  CHECK(f.repository.releases()->size() == 1);
  REQUIRE(f.ceremony.discard(kModel).has_value());
  CHECK(f.ceremony.pending()->empty());
  CHECK(f.refreshed() == "ok");
}

TEST_CASE("thresholds that nobody can meet and unknown roles are refused", "[tuf]") {
  CeremonyFixture f;
  for (const tuf::RoleChange& change : std::vector<tuf::RoleChange>{
           {"root", 0, 1}, {"root", 3, 2}, {"targets", 1, 17}, {"nobody", 1, 1}}) {
    CHECK(f.ceremony.rotate({change}).error().code == Errc::kInvalid);
  }
  CHECK(f.refreshed() == "ok");
}

TEST_CASE("a new model waits until its delegation and its role are both signed", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.take_offline().has_value());
  CHECK(f.add("2.1.5").error().code == tuf::Errc::kThreshold);
  const auto pending = f.ceremony.pending();
  REQUIRE(pending->size() == 2);
  CHECK(pending->at(0).role == kModel);
  CHECK(pending->at(1).words.back() == "DELEGATES rpi4/* to model-rpi4, 1 of 1 keys must sign");
  REQUIRE(f.sign("targets", f.vault_key("targets-1.pem")).has_value());
  CHECK(f.ceremony.pending()->size() == 2);
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "tuf.unknown-target");
  REQUIRE(f.sign(kModel, f.vault_key("targets-1.pem")).has_value());
  CHECK(f.ceremony.pending()->empty());
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "ok");
}

TEST_CASE("a model's role can have keys of its own, which sign for it alone", "[tuf]") {
  CeremonyFixture f;
  REQUIRE(f.add("2.1.4").has_value());
  REQUIRE(f.ceremony.rotate({{kModel, 2, 2}}).has_value());
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.4.img") == "ok");
  REQUIRE(f.take_offline().has_value());
  CHECK(fs::exists(f.vault / "model-rpi4-2.pem"));
  REQUIRE_FALSE(f.add("2.1.5").has_value());
  CHECK(f.sign(kModel, f.vault_key("targets-1.pem")).error().code == tuf::Errc::kKey);
  REQUIRE(f.sign(kModel, f.vault_key("model-rpi4-1.pem")).has_value());
  REQUIRE(f.sign(kModel, f.vault_key("model-rpi4-2.pem")).has_value());
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "ok");
  // New targets keys leave it alone.
  REQUIRE(f.ceremony.rotate({{"targets", 1, 1}}).has_value());
  CHECK(f.ceremony.pending()->front().role == "root");
  CHECK(f.refreshed() == "ok");
  CHECK(f.finds("rpi4/firmware-2.1.5.img") == "ok");
}

TEST_CASE("a stolen director's key is replaced by the root keys, and erased", "[tuf]") {
  CeremonyFixture f;
  const auto before = *tuf::Director::open(f.firmware, f.keys);
  const tuf::DirectedJob job{"job-000001",
                             "iot-001",
                             std::string(64, 'a'),
                             model::Version(2, 1, 5),
                             f.clock.wall() + std::chrono::hours(1),
                             std::string(32, '1')};
  const auto checked = [&](const tuf::Director& director) {
    return word(
        tuf::check_word(f.folder.path() / "device", *director.sign(job), job, f.clock.wall()));
  };
  CHECK(checked(before) == "ok");
  REQUIRE(f.ceremony.rotate({{"director", 1, 1}}).has_value());
  CHECK(online_keys(f) == 5);
  REQUIRE(f.refreshed() == "ok");
  CHECK(checked(before) == "tuf.unsigned-job");
  CHECK(checked(*tuf::Director::open(f.firmware, f.keys)) == "ok");
}
