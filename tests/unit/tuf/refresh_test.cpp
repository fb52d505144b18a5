// The detailed workflow of TUF 1.0.34 section 5 as a whole: what is asked for in which order, what
// is stored, what is refused under which name.
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using namespace ota::tuf::testing;
using tuf::Fetched;

namespace {
using Names = std::vector<std::string>;
const WallTime kLater = kNow + std::chrono::hours(24);
}  // namespace

TEST_CASE("a first refresh asks for exactly four files in order", "[tuf]") {
  const Sim sim;
  Device device(sim);
  CHECK(device.refresh_word() == "ok");
  CHECK(device.asked ==
        Names{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"});
  CHECK(device.trusted() == Names{"root 1", "snapshot 1", "targets 1", "timestamp 1"});
}

TEST_CASE("where nothing changed, only a newer root and the timestamp are asked for", "[tuf]") {
  const Sim sim;
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.refresh_word() == "ok");
  CHECK(device.asked == Names{"2.root.json", "timestamp.json"});
  device.restart();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.asked == Names{"2.root.json", "timestamp.json"});
}

TEST_CASE("trusted files are stored byte for byte as received", "[tuf]") {
  Sim sim;
  sim.files["timestamp.json"] += " \n\n  ";  // signed is the content, not the blanks
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.file("timestamp") == sim.files["timestamp.json"]);
  CHECK(device.file("root") == sim.files["1.root.json"]);
  CHECK(device.file("targets") == sim.files["1.targets.json"]);
}

TEST_CASE("unknown members anywhere are signed content and no reason to refuse", "[tuf]") {
  Sim sim;
  for (auto& [role, part] : sim.parts) {
    part["x-unknown"] = {{"deep", {1, -2, nullptr, true}}, {"text", "zeile\nzwei \"\\ \xc3\xa4"}};
  }
  sim.publish_root();
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  CHECK(device.refresh_word() == "ok");
}

TEST_CASE("without consistent snapshots only the root has a version in its name", "[tuf]") {
  Sim sim;
  sim.part("root")["consistent_snapshot"] = false;
  sim.publish_root();
  sim.add_target("targets", "dir/image", "bytes");
  sim.publish();
  Device device(sim);
  CHECK(device.refresh_word() == "ok");
  CHECK(device.asked ==
        Names{"2.root.json", "3.root.json", "timestamp.json", "snapshot.json", "targets.json"});
  REQUIRE(device.lookup_word("dir/image") == "ok");
  CHECK(device.updater().target_path() == "dir/image");
}

TEST_CASE("the factory root that is damaged, unsigned or missing ends with its own code", "[tuf]") {
  const test::TempFolder folder;
  CHECK(word(tuf::Updater::pin_root(folder.path(), "{}")) == "tuf.root-damaged");
  CHECK(tuf::Updater::open(folder.path()).error().code == tuf::Errc::kRootDamaged);
  Sim sim;
  sim.signers["root"] = {*tuf::Signer::generate()};
  CHECK(word(tuf::Updater::pin_root(folder.path(), sim.signed_by_role("root"))) ==
        "tuf.root-damaged");
}

TEST_CASE("a damaged trusted root falls back to the pinned one and catches up", "[tuf]") {
  Sim sim;
  Device device(sim);
  sim.publish_root();
  REQUIRE(device.refresh_word() == "ok");
  REQUIRE(device.trusted().front() == "root 2");
  for (const char* damage : {"", "{", "{\"signed\":{},\"signatures\":[]}"}) {
    REQUIRE(write_file_durably(device.folder() / "root.json", damage).has_value());
    device.restart();
    CHECK(device.refresh_word() == "ok");
    CHECK(device.trusted().front() == "root 2");
  }
}

TEST_CASE("another root is not pinned over one that is trusted", "[tuf]") {
  const Sim sim;
  const Sim other;
  Device device(sim);
  CHECK(tuf::Updater::pin_root(device.folder(), sim.files.at("1.root.json")).has_value());
  const auto pinned = tuf::Updater::pin_root(device.folder(), other.files.at("1.root.json"));
  REQUIRE_FALSE(pinned.has_value());
  CHECK(pinned.error().code == ota::Errc::kExists);
}

TEST_CASE("each role's rollback is refused as such and what was trusted stays", "[tuf]") {
  Sim sim;
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  const Names before = device.trusted();
  SECTION("timestamp") {
    sim.part("timestamp")["version"] = 1;
    sim.put("timestamp");
  }
  SECTION("the snapshot that the timestamp announces") {
    sim.part("snapshot")["version"] = 1;
    sim.put("snapshot");
    sim.publish_timestamp();
  }
  SECTION("the targets that the snapshot announces") {
    sim.part("targets")["version"] = 1;
    sim.publish();
  }
  SECTION("a role that vanishes from the snapshot") {
    sim.delegate("targets", "A", {"*"});
    sim.bump("targets");
    sim.publish();
    REQUIRE(device.refresh_word() == "ok");
    sim.parts.erase("A");
    sim.publish();
    CHECK(device.refresh_word() == "tuf.rollback");
    return;
  }
  CHECK(device.refresh_word() == "tuf.rollback");
  const Names after = device.trusted();
  CHECK(after.at(0) == before.at(0));
  CHECK(after.at(1) == before.at(1));
  CHECK(after.at(2) == before.at(2));
}

TEST_CASE("expired metadata of each role is a freeze and is not stored", "[tuf]") {
  for (const std::string role : {"root", "timestamp", "snapshot", "targets"}) {
    INFO(role);
    Sim sim;
    Device device(sim);
    sim.expire_at(role, kNow);  // expired means now >= expires
    if (role == "root") {
      sim.publish_root();
    } else {
      if (role == "targets") sim.bump("targets");
      sim.publish();
    }
    CHECK(device.refresh_word() == "tuf.freeze");
    if (role != "root") {
      CHECK(device.file(role).empty());
    } else {
      CHECK(device.trusted() == Names{"root 2"});
      CHECK(device.asked == Names{"2.root.json", "3.root.json"});
    }
    CHECK(device.refresh_word(kNow - seconds(1)) == "ok");
  }
}

TEST_CASE("an expired root on the way does not matter, only the last one does", "[tuf]") {
  Sim sim;
  sim.expire_at("root", kNow - seconds(5));
  sim.publish_root();
  Device device(sim);
  sim.expire_at("root", kLater);
  sim.publish_root();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.trusted().front() == "root 3");
}

TEST_CASE("expired local files are still the base of the rollback checks", "[tuf]") {
  Sim sim;
  sim.part("timestamp")["version"] = 7;
  sim.bump("targets");
  sim.part("snapshot")["version"] = 6;
  sim.publish();  // snapshot 7, timestamp 8
  sim.expire_at("timestamp", kLater);
  sim.expire_at("snapshot", kLater);
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  const WallTime much_later = kNow + std::chrono::hours(24 * 10);
  sim.expire_at("timestamp", much_later + seconds(60));
  sim.expire_at("snapshot", much_later + seconds(60));
  SECTION("timestamp") {
    sim.part("timestamp")["version"] = 3;
    sim.put("timestamp");
  }
  SECTION("snapshot") {
    sim.part("targets")["version"] = 1;
    sim.publish();
  }
  CHECK(device.refresh_word(much_later) == "tuf.rollback");
}

TEST_CASE("a timestamp of the same version keeps the local file and its snapshot", "[tuf]") {
  Sim sim;
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  const std::string trusted = device.file("timestamp");
  sim.part("timestamp")["meta"]["snapshot.json"]["version"] = 99;
  sim.put("timestamp");
  CHECK(device.refresh_word() == "ok");
  CHECK(device.file("timestamp") == trusted);
}

TEST_CASE("a trusted timestamp that has expired is a freeze at the same version too", "[tuf]") {
  Sim sim;
  sim.expire_at("timestamp", kLater);
  sim.publish_timestamp();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.refresh_word(kLater) == "tuf.freeze");
}

TEST_CASE("an interrupted run is completed although the timestamp is the trusted one", "[tuf]") {
  const Sim sim;
  for (const std::string lost : {"1.snapshot.json", "1.targets.json"}) {
    INFO(lost);
    Device device(sim);
    device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
      if (fetch.path != lost) return std::nullopt;
      return Fetched{Fetched::Status::kTransportError, {}, "link down"};
    };
    CHECK(device.refresh_word() == "tuf.unavailable");
    CHECK(device.lookup_word("anything") == "tuf.not-refreshed");
    CHECK(device.refresh_word() == "tuf.unavailable");  // not "ok" for the equal timestamp
    device.interfere = nullptr;
    CHECK(device.refresh_word() == "ok");
    CHECK(device.trusted().size() == 4);
  }
}

TEST_CASE("after any failed refresh the next one works in the same process", "[tuf]") {
  const Sim sim;
  Device device(sim);
  for (const std::string broken :
       {"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    for (const auto status :
         {Fetched::Status::kOk, Fetched::Status::kTransportError, Fetched::Status::kTooSlow}) {
      device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
        if (fetch.path != broken) return std::nullopt;
        return Fetched{status, "{\"signed\": {}", "cut off"};
      };
      CHECK(device.refresh_word() != "ok");
    }
  }
  device.interfere = nullptr;
  CHECK(device.refresh_word() == "ok");
}

TEST_CASE("files whose version is not the announced one are mix-and-match", "[tuf]") {
  Sim sim;
  Device device(sim);
  for (const std::string role : {"snapshot", "targets"}) {
    INFO(role);
    device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
      if (fetch.path != sim.path_of(role)) return std::nullopt;
      Sim::Json part = sim.part(role);
      part["version"] = 5;
      return Fetched{Fetched::Status::kOk, sim.sign_part(role, part), {}};
    };
    CHECK(device.refresh_word() == "tuf.mix-and-match");
    CHECK(device.file(role).empty());
  }
}

TEST_CASE("announced length and hashes bind snapshot and targets", "[tuf]") {
  Sim sim;
  sim.announce = true;
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  for (const std::string role : {"snapshot", "targets"}) {
    INFO(role);
    if (role == "targets") sim.bump("targets");
    sim.publish();
    device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
      if (fetch.path != sim.path_of(role)) return std::nullopt;
      std::string file = sim.files.at(fetch.path);
      file.back() = ' ';  // validly signed still, of the same length
      return Fetched{Fetched::Status::kOk, file, {}};
    };
    CHECK(device.refresh_word() == "tuf.mix-and-match");
    device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
      if (fetch.path != sim.path_of(role)) return std::nullopt;
      return Fetched{Fetched::Status::kOk, sim.files.at(fetch.path) + "\n", {}};
    };
    CHECK(device.refresh_word() == "tuf.endless-data");
    device.interfere = nullptr;
    CHECK(device.refresh_word() == "ok");
  }
}

TEST_CASE("the announced length bounds the fetch, and alone it is enforced", "[tuf]") {
  Sim sim;
  sim.announce = true;
  sim.publish();
  sim.part("timestamp")["meta"]["snapshot.json"].erase("hashes");
  sim.bump("timestamp");
  sim.put("timestamp");
  Device device(sim);
  std::uint64_t asked_bytes = 0;
  device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
    if (fetch.path != sim.path_of("snapshot")) return std::nullopt;
    asked_bytes = fetch.max_bytes;
    std::string file = sim.files.at(fetch.path);
    file.pop_back();  // the last line feed: still the same JSON
    return Fetched{Fetched::Status::kOk, file, {}};
  };
  CHECK(device.refresh_word() == "tuf.mix-and-match");
  CHECK(asked_bytes == sim.files.at(sim.path_of("snapshot")).size());
}

TEST_CASE("every listed hash must match, not one of several", "[tuf]") {
  Sim sim;
  sim.announce = true;
  sim.publish();
  Device device(sim);
  SECTION("a wrong second hash") {
    sim.part("timestamp")["meta"]["snapshot.json"]["hashes"]["sha512"] = std::string(128, '0');
    sim.bump("timestamp");
    sim.put("timestamp");
    CHECK(device.refresh_word() == "tuf.mix-and-match");
  }
  SECTION("upper-case hex is another text") {
    auto& hash = sim.part("timestamp")["meta"]["snapshot.json"]["hashes"]["sha256"];
    std::string text = hash.get<std::string>();
    for (char& c : text)
      c = static_cast<char>(std::toupper(c));
    hash = text;
    sim.bump("timestamp");
    sim.put("timestamp");
    CHECK(device.refresh_word() == "tuf.mix-and-match");
  }
  SECTION("only an algorithm that nobody knows") {
    sim.part("timestamp")["meta"]["snapshot.json"]["hashes"] = {{"md5", "00"}};
    sim.bump("timestamp");
    sim.put("timestamp");
    CHECK(device.refresh_word() == "tuf.unsupported");
  }
}

TEST_CASE("a local snapshot is the rollback base although the new timestamp announces another",
          "[tuf]") {
  Sim sim;
  sim.announce = true;
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  sim.part("targets")["version"] = 1;
  sim.publish();
  CHECK(device.refresh_word() == "tuf.rollback");
}

TEST_CASE("files on disk are verified again before they are believed", "[tuf]") {
  Sim sim;
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    INFO(role);
    Sim::Json part = sim.part(role);
    part["x-planted"] = true;
    const auto forged = tuf::Signer::generate();
    const auto path = device.folder() / (role + ".json");
    REQUIRE(write_file_durably(path, sim.sign_part(role, part, {*forged})).has_value());
    CHECK(device.refresh_word() == "ok");
    CHECK(device.file(role) == sim.files.at(sim.path_of(role)));
  }
}

TEST_CASE("a file that is larger than its limit is endless data", "[tuf]") {
  const Sim sim;
  for (const std::string file :
       {"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    INFO(file);
    Device device(sim);
    device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
      if (fetch.path != file) return std::nullopt;
      REQUIRE(fetch.max_bytes <= 5000000);
      return Fetched{Fetched::Status::kOk, std::string(fetch.max_bytes + 1, ' '), {}};
    };
    CHECK(device.refresh_word() == "tuf.endless-data");
  }
}

TEST_CASE("what a transport reports has a code of its own, and hides no newer root", "[tuf]") {
  const Sim sim;
  Device device(sim);
  for (const auto& [status, expected] : std::vector<std::pair<Fetched::Status, std::string>>{
           {Fetched::Status::kTransportError, "tuf.unavailable"},
           {Fetched::Status::kTooLarge, "tuf.endless-data"},
           {Fetched::Status::kTooSlow, "tuf.slow-retrieval"}}) {
    device.interfere = [status = status](const tuf::Fetch&) {
      return Fetched{status, {}, "detail"};
    };
    CHECK(device.refresh_word() == expected);
    CHECK(device.asked == Names{"2.root.json"});
  }
  device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
    if (fetch.path != "timestamp.json") return std::nullopt;
    return Fetched{Fetched::Status::kNotFound, {}, {}};
  };
  CHECK(device.refresh_word() == "tuf.missing");
}

TEST_CASE("another major version of the specification is refused, a minor one is not", "[tuf]") {
  for (const auto& [version, expected] :
       std::vector<std::pair<std::string, std::string>>{{"1.0", "ok"},
                                                        {"1.0.31", "ok"},
                                                        {"1.99.0", "ok"},
                                                        {"2.0.0", "tuf.unsupported"},
                                                        {"0.9", "tuf.unsupported"},
                                                        {"1", "tuf.unsupported"},
                                                        {"1.", "tuf.unsupported"},
                                                        {"11.0", "tuf.unsupported"},
                                                        {"1.x", "tuf.unsupported"},
                                                        {"", "tuf.unsupported"}}) {
    INFO(version);
    Sim sim;
    sim.part("timestamp")["spec_version"] = version;
    sim.put("timestamp");
    Device device(sim);
    CHECK(device.refresh_word() == expected);
  }
}

TEST_CASE("two processes do not refresh in one folder at once", "[tuf]") {
  const Sim sim;
  tuf::UpdaterOptions options;
  options.lock_patience = milliseconds(0);
  Device device(sim, options);
  auto other = tuf::Updater::open(device.folder(), options);
  REQUIRE(other.has_value());
  other->start_refresh(kNow);
  REQUIRE(other->next().has_value());
  CHECK(device.refresh_word() == "tuf.busy");
  *other = *tuf::Updater::open(device.folder(), options);  // the holder ends
  CHECK(device.refresh_word() == "ok");
}
