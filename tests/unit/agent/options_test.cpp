#include "agents/options.h"

#include <vector>

#include "tests/support/catch.h"

using namespace ota::agent;

namespace {
auto parse(std::vector<std::string_view> words) {
  return parse_options(words);
}
}  // namespace

TEST_CASE("the agent's commands take their options in any order and with either sign", "[agent]") {
  const auto join = parse({"join", "--dir=/d", "--code", "ota1.x", "--server", "https://h:1"});
  REQUIRE(join.has_value());
  CHECK(join->command == Options::Command::kJoin);
  CHECK(join->code == "ota1.x");
  CHECK(join->server == "https://h:1");
  const auto run = parse({"run", "--dir", "/d"});
  REQUIRE(run.has_value());
  CHECK(run->config == "/d/config.json");
  CHECK(parse({"status", "--json", "--config", "c"})->json);
  const auto here = parse({"join", "--server", "https://h:1", "--code", "ota1.x"});
  REQUIRE(here.has_value());
  CHECK(here->dir == ".");
  CHECK(parse({"--version"})->command == Options::Command::kVersion);
  CHECK(parse({"run", "--help"})->command == Options::Command::kHelp);
}

TEST_CASE("a command line that is incomplete or unknown is refused in words", "[agent]") {
  CHECK(parse({}).has_error());
  CHECK(parse({"walk"}).has_error());
  CHECK(parse({"run"}).has_error());
  CHECK(parse({"run", "--dir"}).has_error());
  CHECK(parse({"run", "--dir", "/d", "--colour", "red"}).has_error());
  CHECK(parse({"join", "--server", "https://h:1", "--dir", "/d"}).error().context.find("--code") !=
        std::string::npos);
  CHECK(
      parse({"join", "--server", "https://h:1", "--code", "ota1.x", "--config", "c"}).has_error());
}
