#include "agents/config.h"

#include "tests/support/catch.h"

using namespace ota;
using namespace ota::agent;

namespace {
const std::string kLeast =
    R"({"device_id":"iot-001","server":"https://127.0.0.1:8443","hardware":"sim-a")";

std::string problem_of(const std::string& more) {
  const auto config = parse_config(kLeast + more + "}", "agents/iot-001/config.json");
  return config ? "" : config.error().context;
}
}  // namespace

TEST_CASE("the least configuration gets the defaults, and its folder is the file's", "[agent]") {
  const auto config = parse_config(kLeast + std::string(1, '}'), "/etc/ota/config.json");
  REQUIRE(config.has_value());
  CHECK(config->profile == "host");
  CHECK(config->interval == seconds(1));
  CHECK(config->dir == "/etc/ota/");
  CHECK(config->status_port == 0);
  CHECK(config->factory_version.text() == "2.1.4");
  CHECK(config->installer.command.empty());
}

TEST_CASE("every error names the file, the key, what was found and what is accepted", "[agent]") {
  CHECK(
      problem_of(R"(,"interval_ms":-5)") ==
      "agents/iot-001/config.json: interval_ms is -5; accepted: a whole number from 50 to 3600000");
  CHECK(problem_of(R"(,"status_port":70000)").find("accepted: a whole number from 0 to 65535") !=
        std::string::npos);
  CHECK(problem_of(R"(,"status_port":"8000")").find("status_port is \"8000\"") !=
        std::string::npos);
  CHECK(problem_of(R"(,"profile":"stabel")").find("\"overheating\"") != std::string::npos);
  CHECK(problem_of(R"(,"profil":"stable")")
            .find("profil is no key of this file; accepted: device_id") != std::string::npos);
  CHECK(problem_of(R"(,"limits":{"image_bytes":0})").find("limits.image_bytes is 0") !=
        std::string::npos);
  CHECK(problem_of(R"(,"health_check":{"command":["true"]})").find("absolute path") !=
        std::string::npos);
  CHECK(problem_of(R"(,"installer":{"kind":"command"})").find("installer.command is missing") !=
        std::string::npos);
}

TEST_CASE("all problems of a file are told at once", "[agent]") {
  const std::string all = problem_of(R"(,"seed":"x","interval_ms":0,"colour":1)");
  CHECK(std::count(all.begin(), all.end(), '\n') == 2);
}

TEST_CASE("what is required is asked for", "[agent]") {
  const auto config = parse_config("{}", "c.json");
  REQUIRE(config.has_error());
  for (const char* key : {"device_id is missing", "server is missing", "hardware is missing"}) {
    CHECK(config.error().context.find(key) != std::string::npos);
  }
}

TEST_CASE("only https servers without a path are accepted", "[agent]") {
  CHECK(checked_server("https://10.0.0.1:8443").has_value());
  CHECK(checked_server("https://[::1]:8443").has_value());
  for (const char* wrong :
       {"http://10.0.0.1", "https://", "https://a/b", "https://user@host", "10.0.0.1:8443", ""}) {
    INFO(wrong);
    CHECK(checked_server(wrong).has_error());
  }
}

TEST_CASE("malformed configuration is refused with its position", "[agent]") {
  const auto config = parse_config("{\n  \"device_id\": }", "c.json");
  REQUIRE(config.has_error());
  CHECK(config.error().text().find("line 2") != std::string::npos);
}
