#include "ddi/wire.h"

#include <set>

#include "base/digest.h"
#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_corpus.h"

using namespace ota;
using fleet::DdiAttributes;
using fleet::DdiExecution;
using fleet::DdiFinished;

namespace {

const std::string kBase = "https://ota.example:8444/DEFAULT/controller/v1/Press-01";

fleet::DdiFeedback feedback(const std::string& body) {
  const auto parsed = ddi::parse_feedback(body);
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("a DDI report is its execution and its result, whatever else a client adds", "[ddi]") {
  const auto said = feedback(R"({"id":1208,"time":"20261122T080829","status":{"execution":
    "proceeding","result":{"finished":"none","progress":{"cnt":0,"of":1}},"details":["a","b"]}})");
  CHECK(said.execution == DdiExecution::kProceeding);
  CHECK(said.finished == DdiFinished::kNone);
  CHECK(said.details == std::vector<std::string>{"a", "b"});
  // Zephyr: no id, no time, no details.
  CHECK(feedback(R"({"status":{"execution":"closed","result":{"finished":"success"}}})").finished ==
        DdiFinished::kSuccess);
  // A word of the future means that the device is at work.
  CHECK(feedback(R"({"status":{"execution":"dreaming"}})").execution == DdiExecution::kProceeding);
  CHECK_FALSE(ddi::parse_feedback(R"({"status":{}})").has_value());
  CHECK_FALSE(ddi::parse_feedback("").has_value());
}

TEST_CASE("a failure report with raw line ends in its strings is repaired", "[ddi]") {
  const auto said = feedback(
      "{\"id\":\"7\",\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"failure\"},"
      "\"details\":[\"no \\\"url\\\"\nfound\tthere\"]}}");
  CHECK(said.execution == DdiExecution::kClosed);
  CHECK(said.finished == DdiFinished::kFailure);
  CHECK(said.details == std::vector<std::string>{"no \"url\" found there"});
}

TEST_CASE("of a report that cannot be repaired the two words that matter are taken", "[ddi]") {
  const auto said =
      feedback(R"({"id":"7","status":{"execution":"closed","result":{"finished":"failure"},)"
               R"("details":["parser said "execution":"proceeding" in line 3"]}})");
  CHECK(said.execution == DdiExecution::kClosed);
  CHECK(said.finished == DdiFinished::kFailure);
  CHECK(said.details.size() == 1);
  const std::string endless =
      R"({"status":{"execution":"closed","result":{"finished":"success"},"details":[")" +
      std::string(3U << 20, 'x') + R"("]}})";
  CHECK(feedback(endless).finished == DdiFinished::kSuccess);
  CHECK(feedback(endless).details.front().size() < 8192);
}

TEST_CASE("the committed reports of the fuzz target are read as what they are", "[ddi]") {
  for (const char* name : {"attributes", "proceeding", "raw-line-end", "unescaped-quotes"}) {
    CAPTURE(name);
    const auto text = read_file(test::fuzz_corpus("ddi_report") / name, 1U << 20);
    REQUIRE(text.has_value());
    const bool attributes = std::string_view(name) == "attributes";
    CHECK(ddi::parse_feedback(*text).has_value() != attributes);
    CHECK(ddi::parse_attributes(*text).has_value() == attributes);
  }
}

TEST_CASE("attributes are read with their mode, merge by default", "[ddi]") {
  const auto merge = ddi::parse_attributes(
      R"({"id":"","time":"x","status":{"execution":"closed"},"data":{"hwRev":"1.0","n":5}})");
  REQUIRE(merge.has_value());
  CHECK(merge->mode == DdiAttributes::Mode::kMerge);
  CHECK(merge->values == std::map<std::string, std::string>{{"hwRev", "1.0"}});
  CHECK(ddi::parse_attributes(R"({"mode":"replace","data":{}})")->mode ==
        DdiAttributes::Mode::kReplace);
  CHECK(ddi::parse_attributes(R"({"mode":"remove","data":{"a":""}})")->mode ==
        DdiAttributes::Mode::kRemove);
  CHECK_FALSE(ddi::parse_attributes(R"({"mode":"merge"})").has_value());
}

TEST_CASE("the poll's answer has the sleep that every client reads, and one action", "[ddi]") {
  fleet::DdiOffer offer;
  const Json idle = ddi::root_json(kBase, offer, seconds(300));
  CHECK(idle == Json{{"config", {{"polling", {{"sleep", "00:05:00"}}}}}});
  offer.deployment = 1208;
  offer.change = 2;
  offer.wants_attributes = true;
  const Json busy = ddi::root_json(kBase, offer, seconds(15));
  CHECK(busy["_links"]["deploymentBase"]["href"] == kBase + "/deploymentBase/1208?c=2");
  CHECK(busy["_links"]["configData"]["href"] == kBase + "/configData");
  CHECK(busy["_links"].size() == 2);
  offer.cancel = 1208;
  const Json cancel = ddi::root_json(kBase, offer, seconds(15));
  CHECK(cancel["_links"]["cancelAction"]["href"] == kBase + "/cancelAction/1208");
  CHECK_FALSE(cancel["_links"].contains("deploymentBase"));
}

TEST_CASE("a sleep is HH:MM:SS within a day, and devices spread by a tenth", "[ddi]") {
  CHECK(ddi::sleep_text(seconds(0)) == "00:00:01");
  CHECK(ddi::sleep_text(seconds(3723)) == "01:02:03");
  CHECK(ddi::sleep_text(seconds(100'000)) == "23:59:59");
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) {
    const seconds spread = ddi::spread(seconds(300), "device-" + std::to_string(i));
    CHECK(spread >= seconds(270));
    CHECK(spread <= seconds(330));
    seen.insert(spread.count());
  }
  CHECK(seen.size() > 30);
}

TEST_CASE("a deployment holds every member that a client asks for, in its type", "[ddi]") {
  model::Release release;
  release.version = model::Version(2, 1, 0);
  release.target = "gateway-2.1.0.swu";
  release.length = 67584;
  const ddi::Digests digests{std::string(40, 'a'), std::string(32, 'b'), std::string(64, 'c')};
  const Json document = ddi::deployment_json(kBase, 1208, release, digests);
  CHECK(document["id"] == "1208");  // rauc refuses a number
  CHECK(document["deployment"]["update"] == "forced");
  CHECK(document["deployment"]["download"] == "forced");
  const Json& chunks = document["deployment"]["chunks"];
  REQUIRE(chunks.size() == 1);
  CHECK(chunks[0]["part"] == "bApp");
  CHECK(chunks[0]["version"] == "2.1.0");
  CHECK(chunks[0].contains("name"));
  REQUIRE(chunks[0]["artifacts"].size() == 1);
  const Json& artifact = chunks[0]["artifacts"][0];
  CHECK(artifact["filename"] == "gateway-2.1.0.swu");
  CHECK(artifact["size"].is_number());
  CHECK(artifact["hashes"]["sha1"] == digests.sha1);
  CHECK(artifact["hashes"]["md5"] == digests.md5);
  CHECK(artifact["hashes"]["sha256"] == digests.sha256);
  const std::string href = artifact["_links"]["download"]["href"];
  CHECK(href == kBase + "/softwaremodules/1208/artifacts/gateway-2.1.0.swu");
  CHECK(artifact["_links"]["download-http"]["href"] == href);
  CHECK(dump_json(document).find("\\/") == std::string::npos);
}

TEST_CASE("a cancel names the same number as path, id and stopId", "[ddi]") {
  CHECK(ddi::cancel_json(1208) == Json{{"id", "1208"}, {"cancelAction", {{"stopId", "1208"}}}});
}

TEST_CASE("tokens are read in the scheme's spelling with one blank, and only hashed", "[ddi]") {
  using Kind = fleet::DdiCredentials::Kind;
  const auto target = ddi::parse_authorization("TargetToken abc");
  CHECK(target.kind == Kind::kTargetToken);
  CHECK(target.token_hash == sha256_hex("abc"));
  CHECK(ddi::parse_authorization("GatewayToken abc").kind == Kind::kGatewayToken);
  CHECK_FALSE(ddi::parse_authorization("").malformed);
  for (const char* wrong : {"targettoken abc", "TargetToken  abc", "TargetToken ", "TargetToken",
                            "Bearer abc", "TargetToken a b"}) {
    CAPTURE(wrong);
    CHECK(ddi::parse_authorization(wrong).malformed);
    CHECK(ddi::parse_authorization(wrong).kind == Kind::kNone);
  }
}

TEST_CASE("a DDI token has 32 letters and digits", "[ddi]") {
  const std::string token = ddi::make_token();
  CHECK(token.size() == 32);
  CHECK(token.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
        std::string::npos);
  CHECK(token != ddi::make_token());
}

TEST_CASE("clients are named by their User-Agent, which cannot paint", "[ddi]") {
  CHECK(ddi::client_name("libcurl-agent/1.0") == "SWUpdate");
  CHECK(ddi::client_name("rauc-hawkbit-c-agent/1.0") == "rauc-hawkbit-updater");
  CHECK(ddi::client_name("") == "DDI client");
  CHECK(ddi::client_name("evil\x1b[2J").find('\x1b') == std::string::npos);
}

TEST_CASE("only a host that may stand in a link is put into one", "[ddi]") {
  for (const char* good : {"ota.example", "127.0.0.1:8444", "[::1]:8444"}) {
    CHECK(ddi::valid_host(good));
  }
  for (const char* bad : {"", "a b", "evil/..", "a\"b", "user@host", "h\nx"}) {
    CHECK_FALSE(ddi::valid_host(bad));
  }
}

TEST_CASE("names that clients cannot fetch are refused in words", "[ddi]") {
  CHECK(ddi::check_file_name("gateway-2.1.0.swu"));
  for (const char* bad : {"", "a b.swu", "a?.swu", "a#.swu", "a%20.swu", "../a.swu", ".a.swu",
                          "gr\xc3\xbc\xc3\x9f.swu"}) {
    CAPTURE(bad);
    CHECK_FALSE(ddi::check_file_name(bad));
  }
}
