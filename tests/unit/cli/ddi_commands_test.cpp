#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;

TEST_CASE("a DDI token is printed once, with how to use it", "[cli]") {
  cli::test::Script script;
  script.answers["POST /v1/devices/press-01/ddi-token"] = {
      Json{{"device", "press-01"}, {"token", "T0ken"}}};
  const cli::test::Ran ran = cli::test::otactl("ddi token press-01", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("\nT0ken\n"));
  CHECK(ran.says("-k TOKEN"));
}

TEST_CASE("the waiting list says what to do for each id", "[cli]") {
  cli::test::Script script;
  script.answers["GET /v1/ddi"] = {Json{
      {"listen", "0.0.0.0:8444"},
      {"gateway_token", true},
      {"waiting",
       {{{"id", "press-01"}, {"client", "SWUpdate"}, {"address", "10.0.0.7"}, {"listed", true}},
        {{"id", "press-02"}, {"client", "\x1b[2J"}, {"address", ""}, {"listed", false}}}}}};
  const cli::test::Ran ran = cli::test::otactl("ddi waiting", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("DDI is served on 0.0.0.0:8444"));
  CHECK(ran.says("otactl ddi accept press-01"));
  CHECK(ran.says("list it in config/devices.json"));
  CHECK_FALSE(ran.says("\x1b"));
}

TEST_CASE("a gateway token is asked about, made and turned off", "[cli]") {
  cli::test::Script script;
  script.answers["POST /v1/ddi/gateway-token"] = {Json{{"token", "G4te"}}, Json()};
  CHECK(cli::test::otactl("ddi gateway-token", script).says("\nG4te\n"));
  CHECK(script.asked.size() == 1);
  CHECK(cli::test::otactl("ddi gateway-token --off --yes", script).says("OFF"));
  CHECK(script.bodies == std::vector<Json>{{{"on", true}}, {{"on", false}}});
  script.says = Answer::kNo;
  CHECK(cli::test::otactl("ddi gateway-token", script).code == 1);
  CHECK(script.bodies.size() == 2);
}

TEST_CASE("cancel --force ends an update on the server alone", "[cli]") {
  cli::test::Script script;
  script.answers["POST /v1/jobs/job-000001/force-quit"] = {Json()};
  script.answers["GET /v1/jobs/job-000001"] = {Json{{"state", "cancelled"}}};
  CHECK(cli::test::otactl("cancel --force job-000001", script).says("CANCELLED: job-000001"));
  script.answers["POST /v1/devices/press-01/ddi-attributes"] = {Json()};
  CHECK(cli::test::otactl("ddi ask press-01", script).code == 0);
  script.answers["POST /v1/ddi/waiting/press-01/accept"] = {Json()};
  CHECK(cli::test::otactl("ddi accept press-01", script).code == 0);
}

TEST_CASE("a DDI device's page shows its attributes and the lines that it sent", "[cli]") {
  cli::test::Script script;
  script.answers["GET /v1/devices/press-01"] = {
      Json{{"row", {{"id", "press-01"}}},
           {"record", {{"ddi", {{"name", "SWUpdate"}, {"attributes", {{"hwRev", "1.0"}}}}}}},
           {"ddi_log", {"ERROR : no space", "a line\x1b[2J"}}}};
  const cli::test::Ran ran = cli::test::otactl("device press-01", script);
  CHECK(ran.says("Updated over DDI by SWUpdate"));
  CHECK(ran.says("hwRev = 1.0"));
  CHECK(ran.says("  ERROR : no space\n"));
  CHECK_FALSE(ran.says("\x1b"));
}
