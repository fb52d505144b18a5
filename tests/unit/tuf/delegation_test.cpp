// Searching a target through delegations: TUF 1.0.34 section 5.6.7.
#include "base/digest.h"
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using namespace ota::tuf::testing;
using tuf::Fetched;
using tuf::Signer;

namespace {

using Names = std::vector<std::string>;

struct Edge {
  std::string delegator;
  std::string role;
  Names paths = {"*"};
  bool terminating = false;
};

// The roles that a search for `target` visits, in order.
Names visited(const std::vector<Edge>& edges, const std::string& target = "missing") {
  Sim sim;
  for (const Edge& edge : edges)
    sim.delegate(edge.delegator, edge.role, edge.paths, edge.terminating);
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word(target) == "tuf.unknown-target");
  Names roles;
  for (const std::string& path : device.asked)
    roles.push_back(path.substr(2, path.size() - 7));  // "1.A.json"
  return roles;
}

}  // namespace

TEST_CASE("delegations are walked in pre-order, depth first, each role once", "[tuf]") {
  CHECK(visited({{"targets", "A"}}) == Names{"A"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}}) == Names{"A", "B"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"B", "C"}}) == Names{"A", "B", "C"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"A", "D"}}) ==
        Names{"A", "C", "D", "B"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"A", "C"}, {"C", "D"}}) ==
        Names{"A", "C", "D", "B"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"C", "D"}, {"D", "B"}}) ==
        Names{"A", "B", "C", "D"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C"}}) ==
        Names{"A", "C", "B"});
}

TEST_CASE("a terminating delegation ends the search after its own subtree", "[tuf]") {
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"A", "C", {"*"}, true}, {"A", "D"}}) ==
        Names{"A", "C"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"A", "C", {"*"}, true}, {"C", "D"}}) ==
        Names{"A", "C", "D"});
  CHECK(visited({{"targets", "A"}, {"targets", "B", {"*"}, true}, {"targets", "C"}}) ==
        Names{"A", "B"});
  CHECK(visited({{"targets", "A", {"*.py"}, true}, {"targets", "B"}}) == Names{"B"});
}

TEST_CASE("only branches whose patterns cover the target are followed", "[tuf]") {
  CHECK(visited({{"targets", "A", {"*.py"}}, {"targets", "B"}, {"A", "C"}}) == Names{"B"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"A", "C", {"*.py"}}, {"C", "D"}}) ==
        Names{"A", "B"});
  CHECK(visited({{"targets", "A"}, {"targets", "B"}, {"B", "C"}, {"A", "C", {"*.py"}}}) ==
        Names{"A", "B", "C"});
  CHECK(visited({{"targets", "A", {"*.md", "*.doc"}},
                 {"targets", "B", {"releases/*/*"}},
                 {"B", "C", {"releases/x/*"}},
                 {"B", "D", {"releases/y/*.zip"}}},
                "releases/y/z.zip") == Names{"B", "D"});
}

TEST_CASE("a delegation by hash prefixes covers the targets whose digest starts so", "[tuf]") {
  const std::string digest = sha256_hex("dir/image");
  for (const auto& [prefixes, found] :
       std::vector<std::pair<Names, bool>>{{{digest.substr(0, 4)}, true},
                                           {{"", "zz"}, true},
                                           {{digest.substr(0, 1) == "0" ? "1" : "0"}, false},
                                           {{}, false}}) {
    Sim sim;
    Sim::Json& entry = sim.delegate("targets", "A", {});
    entry.erase("paths");
    entry["path_hash_prefixes"] = prefixes;
    sim.add_target("A", "dir/image", "bytes");
    sim.bump("targets");
    sim.publish();
    Device device(sim);
    REQUIRE(device.refresh_word() == "ok");
    CHECK((device.lookup_word("dir/image") == "ok") == found);
  }
}

TEST_CASE("a target three delegations deep is found with its digest and file", "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"releases/*/*"});
  sim.delegate("A", "B", {"releases/x/*"});
  sim.delegate("B", "C", {"releases/x/*.img"});
  sim.add_target("C", "releases/x/v1.img", "the image");
  sim.announce = true;
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  REQUIRE(device.lookup_word("releases/x/v1.img") == "ok");
  CHECK(device.updater().target().length == 9);
  CHECK(sim.targets.at(device.updater().target_path()) == "the image");
  CHECK(device.file("C") == sim.files.at("1.C.json"));
  device.restart();
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("releases/x/v1.img") == "ok");
  CHECK(device.asked.empty());  // from disk, verified again
}

TEST_CASE("the nearest role in the walk decides, even where a later one lists the target too",
          "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.delegate("targets", "B", {"*"});
  sim.add_target("A", "image", "from A");
  sim.add_target("B", "image", "from B, longer");
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  REQUIRE(device.lookup_word("image") == "ok");
  CHECK(device.updater().target().length == 6);
}

TEST_CASE("a delegated role needs its delegator's threshold, not one signature", "[tuf]") {
  Sim sim;
  const Signer second = *Signer::generate();
  sim.delegate("targets", "A", {"*"});
  sim.signers["A"].push_back(second);
  Sim::Json& delegations = sim.part("targets")["delegations"];
  delegations["keys"][second.public_key().id()] = second.public_key().json();
  delegations["roles"][0]["keyids"].push_back(second.public_key().id());
  delegations["roles"][0]["threshold"] = 2;
  sim.add_target("A", "image", "bytes");
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("image") == "ok");
  sim.signers["A"].pop_back();
  sim.bump("A");
  sim.publish();
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("image") == "tuf.signatures");
}

TEST_CASE("a delegated role is refused when forged, expired, exchanged or of another version",
          "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.delegate("targets", "B", {"*"});
  sim.add_target("A", "image", "bytes");
  sim.announce = true;
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  const auto serve = [&](std::string file) {
    device.interfere = [file = std::move(file)](const tuf::Fetch&) {
      return Fetched{Fetched::Status::kOk, file, {}};
    };
    return device.lookup_word("image");
  };
  const std::string good = sim.files.at("1.A.json");
  CHECK(serve(good.substr(0, good.size() - 1)) == "tuf.mix-and-match");
  CHECK(serve(good + " ") == "tuf.endless-data");
  SECTION("without announced hashes") {
    sim.announce = false;
    sim.publish();
    device.interfere = nullptr;
    REQUIRE(device.refresh_word() == "ok");
    CHECK(serve(sim.sign_part("A", sim.part("A"), {*Signer::generate()})) == "tuf.signatures");
    CHECK(serve(sim.files.at("1.B.json")) == "tuf.signatures");
    Sim::Json other = sim.part("A");
    other["version"] = 2;
    CHECK(serve(sim.sign_part("A", other)) == "tuf.mix-and-match");
    other = sim.part("A");
    other["expires"] = "2026-08-20T12:00:00Z";
    CHECK(serve(sim.sign_part("A", other)) == "tuf.freeze");
    CHECK(device.file("A").empty());
    CHECK(serve(good) == "ok");
  }
}

TEST_CASE("a role that is cached is verified again against the delegator on this path", "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"a/*"});
  sim.delegate("targets", "B", {"b/*"});
  sim.delegate("A", "C", {"*/*"});
  sim.delegate("B", "C", {"*/*"});
  sim.add_target("C", "a/image", "one");
  sim.add_target("C", "b/image", "two");
  // B delegates to C with a key that did not sign C.
  const Signer stranger = *Signer::generate();
  Sim::Json& delegations = sim.part("B")["delegations"];
  delegations["keys"] = {{stranger.public_key().id(), stranger.public_key().json()}};
  delegations["roles"][0]["keyids"] = {stranger.public_key().id()};
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("a/image") == "ok");
  CHECK(device.lookup_word("b/image") == "tuf.signatures");
  CHECK(device.lookup_word("a/image") == "ok");
}

TEST_CASE("a delegated file on disk is verified before it is believed", "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.add_target("A", "image", "bytes");
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  Sim::Json forged = sim.part("A");
  forged["targets"]["image"]["length"] = 666;
  REQUIRE(write_file_durably(device.folder() / "A.json",
                             sim.sign_part("A", forged, {*Signer::generate()}))
              .has_value());
  REQUIRE(device.lookup_word("image") == "ok");
  CHECK(device.updater().target().length == 5);
}

TEST_CASE("a delegated role that the snapshot does not list is not even asked for", "[tuf]") {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.bump("targets");
  sim.publish();
  sim.part("snapshot")["meta"].erase("A.json");
  sim.bump("snapshot");
  sim.put("snapshot");
  sim.publish_timestamp();
  Device device(sim);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("image") == "tuf.mix-and-match");
  CHECK(device.asked.empty());
}

TEST_CASE("no more delegated roles are visited in one search than allowed", "[tuf]") {
  Sim sim;
  std::string parent = "targets";
  for (int i = 0; i < 6; ++i) {
    const std::string role = "R" + std::to_string(i);
    sim.delegate(parent, role, {"*"});
    parent = role;
  }
  sim.bump("targets");
  sim.publish();
  tuf::UpdaterOptions options;
  options.max_delegations = 4;
  Device device(sim, options);
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("image") == "tuf.too-many-roles");
  CHECK(device.asked.size() == 4);
}

TEST_CASE("role names that look like paths are safe as URL and as file", "[tuf]") {
  for (const std::string name :
       {"?", "#", "/delegatedrole", "../delegatedrole", "a b", "..", "."}) {
    INFO(name);
    Sim sim;
    sim.delegate("targets", name, {"*"});
    sim.add_target(name, "image", "bytes");
    sim.bump("targets");
    sim.publish();
    Device device(sim);
    REQUIRE(device.refresh_word() == "ok");
    CHECK(device.lookup_word("image") == "ok");
    CHECK(device.file(name) == sim.files.at(sim.path_of(name)));
    CHECK_FALSE(std::filesystem::exists(device.folder().parent_path() / "delegatedrole.json"));
  }
}

TEST_CASE("a search needs a refresh that succeeded", "[tuf]") {
  Sim sim;
  sim.add_target("targets", "image", "bytes");
  sim.bump("targets");
  sim.publish();
  Device device(sim);
  CHECK(device.lookup_word("image") == "tuf.not-refreshed");
  REQUIRE(device.refresh_word() == "ok");
  CHECK(device.lookup_word("image") == "ok");
  device.interfere = [](const tuf::Fetch&) {
    return Fetched{Fetched::Status::kTransportError, {}, {}};
  };
  CHECK(device.refresh_word() == "tuf.unavailable");
  CHECK(device.lookup_word("image") == "tuf.not-refreshed");
}

TEST_CASE("a target without a hash that is known and well-formed is refused", "[tuf]") {
  const std::string good = sha256_hex("bytes");
  for (const auto& [hashes, expected] : std::vector<std::pair<Sim::Json, std::string>>{
           {{{"sha256", good}}, "ok"},
           {{{"sha256", good}, {"md5", "00"}}, "ok"},
           {{{"sha512", std::string(128, 'a')}}, "ok"},
           {{{"md5", "00"}}, "tuf.unsupported"},
           {{{"sha1", std::string(40, 'a')}}, "tuf.unsupported"},
           {{{"sha256", good.substr(2)}}, "tuf.unsupported"},
           {{{"sha256", "../../../../etc/passwd"}}, "tuf.unsupported"},
           {{{"sha256", std::string(64, 'A')}}, "tuf.unsupported"}}) {
    INFO(hashes.dump());
    Sim sim;
    sim.part("targets")["targets"]["image"] = {{"length", 5}, {"hashes", hashes}};
    sim.bump("targets");
    sim.publish();
    Device device(sim);
    REQUIRE(device.refresh_word() == "ok");
    CHECK(device.lookup_word("image") == expected);
  }
}
