// The form of metadata: what a signed file must have before its content is looked at.
#include "tuf/metadata.h"

#include "tests/support/catch.h"
#include "tests/support/tuf_sim.h"
#include "tuf/error.h"

using namespace ota;
using namespace ota::tuf;
using tuf::testing::Sim;

namespace {

// The outcome of parsing `part` as `role` after `change` acted on a good one.
std::string parsed(const std::string& role, const std::function<void(Json&)>& change) {
  Sim sim;
  sim.delegate("targets", "A", {"*"});
  sim.add_target("targets", "image", "bytes");
  sim.announce = true;
  sim.publish();
  Json part = sim.part(role);
  change(part);
  const auto outcome = [](const auto& result) -> std::string {
    return result ? "ok" : std::string(word_of(result.error().code));
  };
  const auto text = parse_strict(part.dump());
  if (!text) return outcome(text);
  if (role == "root") return outcome(parse_root(*text));
  if (role == "timestamp") return outcome(parse_timestamp(*text));
  if (role == "snapshot") return outcome(parse_snapshot(*text));
  return outcome(parse_targets(*text));
}

std::string enveloped(const std::function<void(Json&)>& change) {
  const Sim sim;
  Json file = *parse_strict(sim.files.at("timestamp.json"));
  change(file);
  const auto envelope = parse_envelope(file.dump(), "timestamp");
  return envelope ? "ok" : std::string(word_of(envelope.error().code));
}

}  // namespace

TEST_CASE("versions, thresholds and lengths are whole numbers of at least their least", "[tuf]") {
  for (const char* bad : {"0", "-1", "\"1\"", "1.0", "null", "true", "[1]", "9007199254740992"}) {
    INFO(bad);
    const auto set_version = [&](Json& part) { part["version"] = Json::parse(bad); };
    for (const char* role : {"root", "timestamp", "snapshot", "targets"})
      CHECK(parsed(role, set_version) == "tuf.malformed");
    CHECK(parsed("root", [&](Json& part) {
            part["roles"]["timestamp"]["threshold"] = Json::parse(bad);
          }) == "tuf.malformed");
    CHECK(parsed("timestamp", [&](Json& part) {
            part["meta"]["snapshot.json"]["length"] = Json::parse(bad);
          }) == "tuf.malformed");
  }
  CHECK(parsed("targets", [](Json& part) { part["targets"]["image"]["length"] = -1; }) ==
        "tuf.malformed");
  CHECK(parsed("targets", [](Json& part) { part["targets"]["image"]["length"] = 0; }) == "ok");
}

TEST_CASE("an expiry is YYYY-MM-DDTHH:MM:SSZ and nothing else", "[tuf]") {
  for (const char* bad : {"", "2030-01-01", "2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00",
                          "2030-01-01T00:00:00.5Z", "2030-01-01t00:00:00z", "2030-02-30T00:00:00Z",
                          "2030-01-01T00:00:60Z", "10000-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
                          "2030-01-01T24:00:00Z", " 2030-01-01T00:00:00Z"}) {
    INFO(bad);
    CHECK(parsed("timestamp", [&](Json& part) { part["expires"] = bad; }) == "tuf.malformed");
  }
  CHECK(parsed("timestamp", [](Json& part) { part["expires"] = "9999-12-31T23:59:59Z"; }) == "ok");
}

TEST_CASE("a member that is missing or of another type makes its file malformed", "[tuf]") {
  const std::vector<std::pair<std::string, std::string>> members = {
      {"root", "/version"},
      {"root", "/expires"},
      {"root", "/keys"},
      {"root", "/roles"},
      {"root", "/roles/root"},
      {"root", "/roles/targets"},
      {"root", "/roles/snapshot"},
      {"root", "/roles/timestamp"},
      {"root", "/roles/timestamp/keyids"},
      {"root", "/roles/timestamp/threshold"},
      {"timestamp", "/meta"},
      {"timestamp", "/meta/snapshot.json"},
      {"timestamp", "/meta/snapshot.json/version"},
      {"snapshot", "/meta"},
      {"snapshot", "/meta/targets.json/version"},
      {"targets", "/targets"},
      {"targets", "/targets/image/length"},
      {"targets", "/targets/image/hashes"},
      {"targets", "/delegations/keys"},
      {"targets", "/delegations/roles"},
      {"targets", "/delegations/roles/0/name"},
      {"targets", "/delegations/roles/0/keyids"},
      {"targets", "/delegations/roles/0/threshold"},
      {"targets", "/delegations/roles/0/terminating"},
      {"targets", "/delegations/roles/0/paths"},
  };
  for (const auto& [role, pointer] : members) {
    INFO(role << pointer);
    const Json::json_pointer where(pointer);
    CHECK(parsed(role, [](Json&) {}) == "ok");
    CHECK(parsed(role, [&](Json& part) { part.at(where.parent_pointer()).erase(where.back()); }) ==
          "tuf.malformed");
    for (const char* other : {"null", "\"text\"", "-7", "[[]]"}) {
      if (where.back() == "name" && std::string(other) == "\"text\"") continue;
      CHECK(parsed(role, [&](Json& part) { part[where] = Json::parse(other); }) == "tuf.malformed");
    }
  }
}

TEST_CASE("empty hashes are refused, absent ones are not", "[tuf]") {
  CHECK(parsed("timestamp", [](Json& part) {
          part["meta"]["snapshot.json"]["hashes"] = Json::object();
        }) == "tuf.malformed");
  CHECK(parsed("timestamp", [](Json& part) { part["meta"]["snapshot.json"].erase("hashes"); }) ==
        "ok");
  CHECK(parsed("targets", [](Json& part) {
          part["targets"]["image"]["hashes"] = Json::object();
        }) == "tuf.malformed");
}

TEST_CASE("a delegation has a name of its own and either paths or prefixes", "[tuf]") {
  for (const char* name : {"", "root", "targets", "snapshot", "timestamp"}) {
    CHECK(parsed("targets", [&](Json& part) { part["delegations"]["roles"][0]["name"] = name; }) ==
          "tuf.malformed");
  }
  CHECK(parsed("targets", [](Json& part) {
          part["delegations"]["roles"][0]["path_hash_prefixes"] = {"ab"};
        }) == "tuf.malformed");
  CHECK(parsed("targets", [](Json& part) {
          Json& roles = part["delegations"]["roles"];
          roles.push_back(Json(roles[0]));
        }) == "tuf.malformed");
}

TEST_CASE("a role that lists a key id twice is malformed", "[tuf]") {
  CHECK(parsed("root", [](Json& part) {
          Json& ids = part["roles"]["timestamp"]["keyids"];
          ids.push_back(Json(ids[0]));
        }) == "tuf.malformed");
}

TEST_CASE("an envelope of another type or with a key id that signs twice is malformed", "[tuf]") {
  CHECK(enveloped([](Json&) {}) == "ok");
  CHECK(enveloped([](Json& file) { file["signed"]["_type"] = "snapshot"; }) == "tuf.malformed");
  CHECK(enveloped([](Json& file) { file["signatures"].push_back(Json(file["signatures"][0])); }) ==
        "tuf.malformed");
  CHECK(enveloped([](Json& file) { file["signatures"][0]["sig"] = 1; }) == "tuf.malformed");
  CHECK(enveloped([](Json& file) { file.erase("signatures"); }) == "tuf.malformed");
  CHECK(enveloped([](Json& file) { file.erase("signed"); }) == "tuf.malformed");
  CHECK(enveloped([](Json& file) {
          Json& list = file["signatures"];
          for (int i = 0; i < 300; ++i)
            list.push_back({{"keyid", std::to_string(i)}, {"sig", ""}});
        }) == "tuf.malformed");
}

TEST_CASE("a threshold counts keys that signed validly, once each", "[tuf]") {
  Sim sim;
  for (int i = 0; i < 2; ++i)
    sim.add_key("timestamp", *Signer::generate());
  sim.part("root")["roles"]["timestamp"]["threshold"] = 2;
  sim.publish_root();
  const auto outcome = [&](const std::vector<Signature>& signatures) {
    const auto root = parse_root(sim.part("root"));
    const std::string file = [&] {
      Json list = Json::array();
      for (const Signature& s : signatures)
        list.push_back({{"keyid", s.keyid}, {"sig", s.sig}});
      return Json{{"signatures", list}, {"signed", sim.part("timestamp")}}.dump();
    }();
    const auto envelope = parse_envelope(file, "timestamp");
    const auto counted =
        verify_threshold(*envelope, root->roles.at("timestamp"), root->keys, "timestamp");
    return counted ? "ok" : std::string(word_of(counted.error().code));
  };
  const auto& signers = sim.signers["timestamp"];
  const std::string bytes = canonical(sim.part("timestamp"));
  const auto by = [&](std::size_t i) {
    return Signature{signers[i].public_key().id(), *signers[i].sign(bytes)};
  };
  const Signer stranger = *Signer::generate();
  const Signature unknown{stranger.public_key().id(), *stranger.sign(bytes)};
  CHECK(outcome({by(0), by(2)}) == "ok");
  CHECK(outcome({by(0), by(1), by(2)}) == "ok");
  CHECK(outcome({by(0)}) == "tuf.signatures");
  CHECK(outcome({}) == "tuf.signatures");
  CHECK(outcome({by(0), unknown}) == "tuf.signatures");
  CHECK(outcome({by(0), unknown, by(1)}) == "ok");
  CHECK(outcome({by(0), {by(1).keyid, by(0).sig}}) == "tuf.signatures");
  CHECK(outcome({by(0), {by(1).keyid, ""}}) == "tuf.signatures");
  CHECK(outcome({by(0), {by(1).keyid, ""}, by(2)}) == "ok");
  CHECK(outcome({by(0),
                 {sim.signers["targets"][0].public_key().id(),
                  *sim.signers["targets"][0].sign(bytes)}}) == "tuf.signatures");
}

TEST_CASE("one key under two ids counts once", "[tuf]") {
  Sim sim;
  const Signer& signer = sim.signers["timestamp"].front();
  Json twin = signer.public_key().json();
  twin["x-note"] = "the same key, described differently";
  const std::string twin_id = PublicKey::parse(twin)->id();
  sim.part("root")["keys"][twin_id] = twin;
  sim.part("root")["roles"]["timestamp"]["keyids"].push_back(twin_id);
  sim.part("root")["roles"]["timestamp"]["threshold"] = 2;
  const auto root = parse_root(sim.part("root"));
  const std::string sig = *signer.sign(canonical(sim.part("timestamp")));
  const auto envelope = parse_envelope(Json{{"signatures",
                                             {{{"keyid", signer.public_key().id()}, {"sig", sig}},
                                              {{"keyid", twin_id}, {"sig", sig}}}},
                                            {"signed", sim.part("timestamp")}}
                                           .dump(),
                                       "timestamp");
  REQUIRE(envelope.has_value());
  CHECK_FALSE(verify_threshold(*envelope, root->roles.at("timestamp"), root->keys, "timestamp"));
}

TEST_CASE("a key under an id that is not its digest does not count", "[tuf]") {
  Sim sim;
  Json& root = sim.part("root");
  const std::string id = root["roles"]["timestamp"]["keyids"][0];
  const std::string false_id(64, 'a');
  root["keys"][false_id] = root["keys"][id];
  root["keys"].erase(id);
  root["roles"]["timestamp"]["keyids"][0] = false_id;
  const auto parsed_root = parse_root(root);
  REQUIRE(parsed_root.has_value());
  CHECK_FALSE(parsed_root->keys.contains(false_id));
}
