#include <filesystem>
#include <fstream>

#include "cli/command.h"
#include "tests/support/catch.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;

namespace {

constexpr const char* kSmallRollout =
    R"({"type":"rollout","format":1,"start":"2026-03-04T00:00:00Z","phases":["all"],"metrics":["cpu"],)"
    R"("devices":[{"id":"d1","model":"a"},{"id":"d2","model":"a"}],"judge":{"watch":1}})"
    "\n"
    R"({"t":"2026-03-04T00:00:00Z","type":"offer","device":"d1","phase":0})"
    "\n"
    R"({"t":"2026-03-04T00:00:00Z","type":"offer","device":"d2","phase":0})"
    "\n";

std::string failed_row(const std::string& device) {
  return R"({"t":"2026-03-04T00:02:00Z","type":"failed","device":")" + device + "\"}\n";
}

}  // namespace

TEST_CASE("otactl rollout judge tells by its exit code whether a recording halts",
          "[cli][rollout]") {
  const ota::test::TempFolder folder;
  const std::string file = (folder.path() / "r.jsonl").string();
  const auto judge = [&](const std::string& content, const std::string& options = "") {
    std::ofstream(file) << content;
    cli::test::Script script;
    const cli::test::Ran ran = cli::test::otactl("rollout judge " + file + options, script);
    CHECK(script.calls.empty());  // it needs no server
    return ran;
  };
  const cli::test::Ran whole = judge(kSmallRollout);
  CHECK(whole.code == 0);
  CHECK(whole.out ==
        "{\"summary\":true,\"halted\":null,\"looks\":0,\"offered\":2,\"devices\":2}\n");
  CHECK(whole.err.find("judge.watch is no setting that a recording is judged by") !=
        std::string::npos);

  const std::string failing = kSmallRollout + failed_row("d1") + failed_row("d2");
  const cli::test::Ran halted = judge(failing);
  CHECK(halted.code == 6);
  CHECK(halted.says(R"("decision":"halt","reason":{"test":"failures","evidence":850.333333,)"));
  CHECK(halted.says(R"({"summary":true,"halted":"2026-03-04T00:02:00Z")"));
  CHECK(judge(failing, " --json").out == halted.out);
  CHECK(judge(failing, " --alpha 0.001").code == 0);
  CHECK(judge(failing, " --alpha 0.2 --margin cpu=3 --margin temp=2").code == 6);

  const cli::test::Ran foreign = judge(kSmallRollout + failed_row("d9"));
  CHECK(foreign.code == 1);
  CHECK(foreign.err.find("r.jsonl: line 4: 'd9' is no device of this rollout's first row") !=
        std::string::npos);
  for (const char* wrong : {" --alpha 0.5", " --alpha x", " --margin cpu", " --margin cpu=-1",
                            " --margin =3", " --margin cpu=3x"}) {
    INFO(wrong);
    CHECK(judge(kSmallRollout, wrong).code == 2);
  }
  cli::test::Script script;
  CHECK(cli::test::otactl("rollout judge " + (folder.path() / "none").string(), script).code == 1);
  CHECK(cli::test::otactl("rollout judge", script).code == 2);
}
