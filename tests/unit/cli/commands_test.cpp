#include <set>

#include "cli/command.h"
#include "tests/support/catch.h"
#include "tests/unit/cli/fake_server.h"

using namespace ota;
using namespace ota::cli;

TEST_CASE("every command has a name of its own, words for the help and an example", "[cli]") {
  std::set<std::string_view> names;
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK(names.insert(command.name).second);
    CHECK_FALSE(command.summary.empty());
    CHECK(command.run != nullptr);
    REQUIRE_FALSE(command.examples.empty());
    for (const Example& example : command.examples) {
      CHECK(example.line.starts_with("otactl "));
      CHECK(example.line.find(command.name.substr(command.name.rfind(' ') + 1)) !=
            std::string_view::npos);
      CHECK_FALSE(example.what.empty());
    }
    std::set<std::string_view> options;
    for (const Option& option : command.options) {
      CHECK(option.name.starts_with("--"));
      CHECK(options.insert(option.name).second);
      CHECK_FALSE(option.help.empty());
    }
    for (const Positional& positional : command.positionals)
      CHECK_FALSE(positional.help.empty());
  }
}

TEST_CASE("every command's help names its options and shows its examples", "[cli]") {
  for (const Command& command : commands()) {
    INFO(command.name);
    cli::test::Script script;
    const cli::test::Ran ran = cli::test::otactl(std::string(command.name) + " --help", script);
    CHECK(ran.code == 0);
    CHECK(ran.says(command.examples.front().line));
    CHECK(ran.says("--json"));
    CHECK(ran.says("otactl " + std::string(command.name)));
    for (const Option& option : command.options)
      CHECK(ran.says(option.name));
    CHECK(script.calls.empty());
  }
}

TEST_CASE("the examples of the help are lines that the parser takes", "[cli]") {
  for (const Command& command : commands()) {
    for (const Example& example : command.examples) {
      INFO(example.line);
      // Words as a shell splits them, up to a pipe or a redirection.
      std::vector<std::string> words;
      std::string word;
      bool quoted = false;
      for (const char c : std::string(example.line.substr(7)) + " ") {
        if (c == '"') {
          quoted = !quoted;
        } else if (c == ' ' && !quoted) {
          if (word == "|" || word == ">>") break;
          words.push_back(word);
          word.clear();
        } else {
          word += c;
        }
      }
      const Invocation invocation = parse(words, {}, commands());
      REQUIRE(invocation.command != nullptr);
      CHECK(invocation.command->name == command.name);
    }
  }
}

TEST_CASE("without a command the help is shown", "[cli]") {
  cli::test::Script script;
  const cli::test::Ran ran = cli::test::otactl("", script);
  CHECK(ran.code == 0);
  for (const Command& command : commands()) {
    INFO(command.name);
    CHECK(ran.says(command.name.substr(0, command.name.find(' '))));
  }
}

TEST_CASE("a wrong line is a usage error that says where help is", "[cli]") {
  for (const char* line : {"frobnicate", "push", "push iot-001 --frob", "firmware", "device",
                           "logs --severity loud", "push iot-001 --version"}) {
    INFO(line);
    cli::test::Script script;
    const cli::test::Ran ran = cli::test::otactl(line, script);
    CHECK(ran.code == 2);
    CHECK(ran.err.find("Try: otactl") != std::string::npos);
    CHECK(ran.out.empty());
    CHECK(script.calls.empty());
  }
}

TEST_CASE("the help of all names the program once", "[cli]") {
  cli::test::Script script;
  const cli::test::Ran ran = cli::test::otactl("--help", script);
  CHECK(ran.code == 0);
  CHECK(ran.says("Usage: otactl ["));
  CHECK_FALSE(ran.says("otactl otactl"));
  CHECK(cli::test::otactl("firmware --help", script).says("Usage: otactl firmware ["));
}

TEST_CASE("a command that is none is named, with the nearest one", "[cli]") {
  struct Case {
    const char* line;
    const char* words;
  };
  for (const Case& one :
       {Case{"nosuch", "otactl: there is no command \"nosuch\"\nTry"},
        Case{"devics", "no command \"devics\"; did you mean \"devices\"?"},
        Case{"--json nosuch iot-001", "no command \"nosuch\"\n"},
        Case{"firmware remote 1", "no command \"firmware remote\"; did you mean \"remove\"?"},
        Case{"firmware", "A subcommand is required"}}) {
    INFO(one.line);
    cli::test::Script script;
    const cli::test::Ran ran = cli::test::otactl(one.line, script);
    INFO(ran.err);
    CHECK(ran.code == 2);
    CHECK(ran.err.find(one.words) != std::string::npos);
  }
}

TEST_CASE("a value that does not fit its option is a usage error", "[cli]") {
  for (const char* line :
       {"push iot-001 --version banana", "enroll iot-001 --ttl banana", "jobs --limit abc",
        "logs --limit abc", "explain abc", "explain 0", "firmware remove banana",
        "firmware add x.img --hardware a --version banana",
        "firmware add x.img --hardware a --version 1.0.0 --rollback-floor banana",
        "watch --every banana", "watch --rounds -x", "keys rotate root --keys 17",
        "replay x.csv --threshold 2", "replay --device iot-001 --from banana",
        "replay --device iot-001 --from 5x5h"}) {
    INFO(line);
    cli::test::Script script;
    const cli::test::Ran ran = cli::test::otactl(line, script);
    CHECK(ran.code == 2);
    CHECK(ran.err.find("Try: otactl ") != std::string::npos);
    CHECK(ran.out.empty());
    CHECK(script.calls.empty());
  }
}

TEST_CASE("what the server calls not valid is no usage error", "[cli]") {
  cli::test::Script script;
  script.answers["POST /v1/enrolments"] = {fail(Errc::kInvalid, "the server says: no")};
  CHECK(cli::test::otactl("enroll iot-001", script).code == 1);
}

TEST_CASE("root and server come from the line, else from the environment", "[cli]") {
  const std::vector<std::string> bare{"status"};
  const Environment environment{"/srv/ota", "https://gateway:9443"};
  Invocation invocation = parse(bare, environment, commands());
  CHECK(invocation.globals.root == "/srv/ota");
  CHECK(invocation.globals.server == "https://gateway:9443");
  const std::vector<std::string> given{"--root", "/tmp/x", "status", "--server", "https://h:1"};
  invocation = parse(given, environment, commands());
  REQUIRE(invocation.command != nullptr);
  CHECK(invocation.globals.root == "/tmp/x");
  CHECK(invocation.globals.server == "https://h:1");
}
