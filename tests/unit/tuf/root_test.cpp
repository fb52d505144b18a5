// Roots: rotation step by step, thresholds, fast-forward recovery.
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using namespace ota::tuf::testing;
using tuf::Fetched;
using tuf::KeyKind;
using tuf::Signer;

namespace {
using Names = std::vector<std::string>;
}

TEST_CASE("root is walked version by version, each signed by the old and the new keys", "[tuf]") {
  Sim sim;
  Device device(sim);
  for (int version = 2; version <= 12; ++version) {
    const std::vector<Signer> old = sim.signers["root"];
    sim.rotate("root");
    sim.publish_root(old);
  }
  CHECK(device.refresh_word() == "ok");
  CHECK(device.trusted().front() == "root 12");
  CHECK(device.asked.size() == 12 + 3);
  CHECK(device.asked[10] == "12.root.json");
  CHECK(device.asked[11] == "13.root.json");
  CHECK(device.file("root") == sim.files.at("12.root.json"));
}

TEST_CASE("a new root that lacks the old or the new threshold is refused and not stored", "[tuf]") {
  Sim sim;
  Device device(sim);
  const std::vector<Signer> old = sim.signers["root"];
  SECTION("only the new keys sign") {
    sim.rotate("root");
    sim.publish_root();
  }
  SECTION("only the old keys sign") {
    sim.rotate("root");
    sim.signers["root"] = old;
    sim.publish_root();
  }
  SECTION("a threshold raised beyond who signs") {
    sim.part("root")["roles"]["root"]["threshold"] = 2;
    sim.add_key("root", *Signer::generate());
    sim.signers["root"] = old;
    sim.publish_root();
  }
  SECTION("another role's key signs") {
    sim.signers["root"] = sim.signers["timestamp"];
    sim.publish_root();
  }
  CHECK(device.refresh_word() == "tuf.signatures");
  CHECK(device.trusted() == Names{"root 1"});
  CHECK(device.asked == Names{"2.root.json"});
}

TEST_CASE("a root file must carry exactly the next version", "[tuf]") {
  Sim sim;
  Device device(sim);
  for (const auto& [version, expected] : std::vector<std::pair<int, std::string>>{
           {1, "tuf.rollback"}, {3, "tuf.mix-and-match"}, {0, "tuf.malformed"}}) {
    Sim::Json part = sim.part("root");
    part["version"] = version;
    sim.files["2.root.json"] = sim.sign_part("root", part);
    CHECK(device.refresh_word() == expected);
    CHECK(device.trusted() == Names{"root 1"});
  }
}

TEST_CASE("each root is stored before the next is asked for", "[tuf]") {
  Sim sim;
  Device device(sim);
  sim.publish_root();
  sim.publish_root();
  device.interfere = [&](const tuf::Fetch& fetch) -> std::optional<Fetched> {
    if (fetch.path == "3.root.json") CHECK(device.trusted() == Names{"root 2"});
    if (fetch.path != "4.root.json") return std::nullopt;
    return Fetched{Fetched::Status::kTransportError, {}, {}};
  };
  CHECK(device.refresh_word() == "tuf.unavailable");
  CHECK(device.trusted() == Names{"root 3"});
}

TEST_CASE("no more root steps are made in one refresh than allowed, and the next goes on",
          "[tuf]") {
  Sim sim;
  for (int i = 0; i < 5; ++i)
    sim.publish_root();
  tuf::UpdaterOptions options;
  options.max_root_steps = 3;
  Device device(sim, options);
  CHECK(device.refresh_word() == "tuf.too-many-roots");
  CHECK(device.trusted() == Names{"root 4"});
  CHECK(device.refresh_word() == "ok");
}

TEST_CASE("rotating the timestamp's key drops what the old one signed", "[tuf]") {
  Sim sim;
  sim.part("timestamp")["version"] = 1000000;  // fast-forwarded by a thief
  sim.publish_timestamp();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  sim.rotate("timestamp");
  sim.publish_root();
  sim.part("timestamp")["version"] = 1;
  sim.publish_timestamp();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.trusted().back() == "timestamp 2");
}

TEST_CASE("rotating the snapshot's key recovers from fast-forwarded targets versions", "[tuf]") {
  Sim sim;
  sim.part("targets")["version"] = 1000000;
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  sim.part("targets")["version"] = 2;
  sim.publish();
  CHECK(device.refresh_word() == "tuf.rollback");
  sim.rotate("snapshot");
  sim.publish_root();
  sim.publish();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.trusted().at(2) == "targets 2");
}

TEST_CASE("a changed threshold of an online role drops both local files too", "[tuf]") {
  Sim sim;
  sim.add_key("timestamp", *Signer::generate());
  sim.publish_root();
  sim.publish_timestamp();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  sim.part("timestamp")["version"] = 0;
  sim.part("snapshot")["version"] = 0;
  sim.part("root")["roles"]["timestamp"]["threshold"] = 2;
  sim.publish_root();
  sim.publish();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.trusted() == Names{"root 3", "snapshot 1", "targets 1", "timestamp 1"});
}

TEST_CASE("a new root alone keeps the local files", "[tuf]") {
  Sim sim;
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  sim.publish_root();
  CHECK(device.refresh_word() == "ok");
  CHECK(device.asked == Names{"2.root.json", "3.root.json", "timestamp.json"});
}

TEST_CASE("a root may hold unused, shared and unknown keys and thresholds nobody reaches",
          "[tuf]") {
  Sim sim;
  Sim::Json& root = sim.part("root");
  const Signer unused = *Signer::generate();
  root["keys"][unused.public_key().id()] = unused.public_key().json();
  Sim::Json strange = unused.public_key().json();
  strange["keytype"] = "quantum";
  root["keys"][tuf::PublicKey::parse(strange)->id()] = strange;
  sim.add_key("snapshot", sim.signers["timestamp"].front());
  sim.publish_root();
  sim.publish();
  Device device(sim);
  CHECK(device.refresh_word() == "ok");
  root["roles"]["targets"]["threshold"] = 9;
  sim.publish_root();
  sim.bump("targets");
  sim.publish();
  CHECK(device.refresh_word() == "tuf.signatures");
  CHECK(device.trusted().front() == "root 3");  // the root itself is fine
}

TEST_CASE("all three kinds of keys sign a repository, alone and mixed in one role", "[tuf]") {
  const Signer ecdsa = *Signer::generate(KeyKind::kEcdsaP256);
  for (const Signer& signer : {rsa_signer(), ecdsa}) {
    Sim sim;
    for (const char* role : {"timestamp", "snapshot", "targets"}) {
      sim.part("root")["roles"][role]["keyids"] = Sim::Json::array();
      sim.signers[role].clear();
      sim.add_key(role, signer);
    }
    sim.add_key("root", signer);
    sim.part("root")["roles"]["root"]["threshold"] = 2;
    sim.publish_root();
    sim.publish();
    Device device(sim);
    CHECK(device.refresh_word() == "ok");
  }
}

TEST_CASE("unsigned, cut and exchanged files are refused for every role", "[tuf]") {
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    INFO(role);
    const Sim sim;
    Device device(sim);
    const auto serve = [&](std::string file) {
      device.interfere =
          [&sim, role, file = std::move(file)](const tuf::Fetch& fetch) -> std::optional<Fetched> {
        if (fetch.path != sim.path_of(role)) return std::nullopt;
        return Fetched{Fetched::Status::kOk, file, {}};
      };
      return device.refresh_word();
    };
    const std::string good = sim.files.at(sim.path_of(role));
    CHECK(serve("") == "tuf.malformed");
    CHECK(serve(good.substr(0, good.size() / 2)) == "tuf.malformed");
    CHECK(serve(good + "{}") == "tuf.malformed");
    CHECK(serve(sim.files.at("1.root.json")) == "tuf.malformed");
    CHECK(serve(sim.sign_part(role, sim.parts.at(role), {*Signer::generate()})) ==
          "tuf.signatures");
    for (const std::string other : {"root", "timestamp", "snapshot", "targets"}) {
      if (other == role) continue;
      CHECK(serve(sim.sign_part(role, sim.parts.at(role), sim.signers.at(other))) ==
            "tuf.signatures");
    }
    Sim::Json changed = sim.parts.at(role);
    changed["version"] = 2;
    Sim::Json forged = *tuf::parse_strict(good);
    forged["signed"] = changed;
    CHECK(serve(forged.dump()) == "tuf.signatures");
    CHECK(device.file(role).empty());
  }
}
