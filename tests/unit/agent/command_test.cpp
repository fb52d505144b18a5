#include "agents/command.h"

#include "tests/support/catch.h"

using namespace ota::agent;

namespace {
const std::string kDigest(64, 'a');
std::string update(const std::string& job, const std::string& digest, const std::string& target) {
  return R"({"commands":[{"type":"update","job":")" + job +
         R"(","attempt":2,"deadline":"2026-01-01T00:00:00Z","release":{"version":"2.1.5","hardware":["sim-a"],)"
         R"("class":"functional","notes":"","target":")" +
         target + R"(","length":10,"sha256":")" + digest + R"("}}]})";
}
}  // namespace

TEST_CASE("update, cancel and rollback are understood, unknown types left out", "[agent]") {
  const auto one = parse_commands(update("job-000042", kDigest, "firmware-2.1.5.img"));
  REQUIRE(one.has_value());
  REQUIRE(one->size() == 1);
  CHECK(one->front().job == "job-000042");
  CHECK(one->front().attempt == 2);
  CHECK(one->front().release.length == 10);
  const auto more = parse_commands(
      R"({"commands":[{"type":"cancel","job":"job-1"},{"type":"dance"},{"type":"rollback"}]})");
  REQUIRE(more.has_value());
  REQUIRE(more->size() == 2);
  CHECK(more->back().from.empty());
  const auto named =
      parse_commands(R"({"commands":[{"type":"rollback","from":")" + kDigest + R"("}]})");
  REQUIRE(named.has_value());
  CHECK(named->front().from == kDigest);
}

TEST_CASE("a malformed command refuses the whole answer", "[agent]") {
  for (const std::string& wrong :
       {std::string("{}"), std::string("[]"), std::string(R"({"commands":1})"),
        std::string(R"({"commands":[1]})"), std::string(R"({"commands":[{"type":"cancel"}]})"),
        std::string(R"({"commands":[{"type":"cancel","job":"../x"}]})"),
        std::string(R"({"commands":[{"type":"rollback","from":"zz"}]})"),
        std::string(R"({"commands":[{"type":"rollback","to":"zz"}]})"),
        std::string(R"({"commands":[{"type":"cancel","job":"job-1","sha256":"zz"}]})"),
        update("job-1", "zz", "f"), update("job-1", std::string(64, 'A'), "f"),
        update("job-1", "../../../../etc/passwd", "f"), update("job-1", kDigest, ""),
        update("a/b", kDigest, "f")}) {
    INFO(wrong);
    CHECK(parse_commands(wrong).has_error());
  }
}
