#include "cli/ask.h"

#include "base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;
using cli::test::Script;

namespace {

// A server that would do whatever it is asked.
Script willing() {
  Script script;
  const Json allowed{{"device", "a"}, {"answer", "allow"}, {"headline", "SUCCESS"}};
  script.answers["POST /v1/push"] = {
      Json{{"results", {{{"decision", allowed}}, {{"decision", allowed}}}}}};
  for (const char* path : {"/v1/devices/a/rollback", "/v1/devices/a/revoke",
                           "/v1/ddi/gateway-token", "/v1/state/import"}) {
    script.answers["POST " + std::string(path)] = {Json{{"token", "t"}}};
  }
  return script;
}

bool changes(const Json& body) {
  return !(body.is_object() && body.value("dry_run", false));
}

}  // namespace

TEST_CASE("without a terminal and without --yes nothing is done, and the exit code is 2", "[cli]") {
  const ota::test::TempFolder folder;
  const std::string file = (folder.path() / "state.json").string();
  REQUIRE(write_file_durably(file, "{}").has_value());
  for (const std::string& line :
       {std::string("rollback a"), std::string("revoke a"), std::string("push a b"),
        std::string("push a b --json"), std::string("ddi gateway-token"),
        std::string("ddi gateway-token --off"), "state import " + file,
        std::string("state import -")}) {
    CAPTURE(line);
    Script script = willing();
    script.says = Answer::kNobody;
    const auto ran = cli::test::otactl(line, script);
    CHECK(ran.code == 2);
    CHECK(ran.err.find("--yes") != std::string::npos);
    CHECK(std::none_of(script.bodies.begin(), script.bodies.end(), changes));
    Script told = willing();
    told.says = Answer::kNobody;
    if (line != "state import -") CHECK(cli::test::otactl(line + " --yes", told).code == 0);
  }
}

TEST_CASE("only a yes goes on: a no ends with 1 and has done nothing", "[cli]") {
  for (const char* line : {"rollback a", "revoke a", "push a b", "push a b --json"}) {
    CAPTURE(line);
    Script script = willing();
    script.says = Answer::kNo;
    CHECK(cli::test::otactl(line, script).code == 1);
    CHECK(std::none_of(script.bodies.begin(), script.bodies.end(), changes));
    REQUIRE(script.asked.size() == 1);
    script.says = Answer::kYes;
    CHECK(cli::test::otactl(line, script).code == 0);
  }
}

TEST_CASE("a cancel says cancelled only once it is", "[cli]") {
  Script script;
  script.answers["POST /v1/jobs/job-1/cancel"] = {Json()};
  script.answers["GET /v1/jobs/job-1"] = {Json{{"state", "downloading"}}};
  const auto asked = cli::test::otactl("cancel job-1", script);
  CHECK(asked.code == 0);
  CHECK(asked.says("ASKED: the device is told to stop job-1"));
  CHECK_FALSE(asked.says("CANCELLED"));
  script.answers["GET /v1/jobs/job-1"] = {Json{{"state", "cancelled"}}};
  CHECK(cli::test::otactl("cancel job-1", script).says("CANCELLED: job-1"));
}
