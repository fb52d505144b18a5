#include "cli/parser.h"

#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;

TEST_CASE("a line is checked as a whole before anything of it is asked or done", "[cli]") {
  for (const char* line :
       {"push a --version x", "push a --wait --dry-run", "watch --every soon", "watch --rounds x",
        "jobs --limit many", "enroll a --ttl x", "explain x", "keys sign request", "backtest",
        "firmware remove x", "firmware add f --version 1.0.0 --hardware sim-a --rollback-floor x",
        "firmware add f --version 1.0.0 --hardware sim/a", "logs --follow --before 3",
        "keys init --keys x", "keys rotate root --threshold x"}) {
    CAPTURE(line);
    cli::test::Script script;
    const auto ran = cli::test::otactl(line, script);
    CHECK(ran.code == 2);
    CHECK(ran.err.find("otactl: ") == 0);
    CHECK(ran.err.find("--help") != std::string::npos);
    CHECK(script.calls.empty());
    CHECK(script.asked.empty());
  }
}

TEST_CASE("help and version are words, too", "[cli]") {
  const auto said = [](const std::vector<std::string>& words) {
    const Invocation parsed = parse(words, {}, commands());
    CHECK(parsed.code == ExitCode::kDone);
    return parsed.text;
  };
  CHECK(said({"help"}) == said({"--help"}));
  CHECK(said({"help", "push"}) == said({"push", "--help"}));
  CHECK(said({"help", "firmware", "add"}) == said({"firmware", "add", "--help"}));
  CHECK(said({"version"}) == said({"--version"}));
  CHECK(parse(std::vector<std::string>{"help", "pussh"}, {}, commands()).code == ExitCode::kUsage);
}

TEST_CASE("an empty text is no name", "[cli]") {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"rollback", "", "--yes"}, {"push", "a", ""}, {"device", ""}}) {
    const Invocation parsed = parse(words, {}, commands());
    CHECK(parsed.command == nullptr);
    CHECK(parsed.code == ExitCode::kUsage);
    CHECK(parsed.text.find("is an empty text") != std::string::npos);
  }
}
