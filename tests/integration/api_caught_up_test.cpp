// What a program was told is true for its next call.
#include "tests/integration/api_server.h"

using namespace ota;
using test::ApiServer;
using test::ScriptedDevice;

namespace {

class Operator {
 public:
  explicit Operator(const ApiServer& server) : client_(server.client("operator")) {}

  Json get(const std::string& path) {
    const auto reply = client_.get(path, ApiServer::kMost);
    REQUIRE(reply.has_value());
    REQUIRE(reply->status == 200);
    return *parse_json(reply->body);
  }
  Json post(const std::string& path, const Json& body = Json::object()) {
    const auto reply = client_.post(path, dump_json(body), ApiServer::kMost);
    REQUIRE(reply.has_value());
    INFO(reply->body);
    REQUIRE(reply->status / 100 == 2);
    return reply->body.empty() ? Json() : *parse_json(reply->body);
  }
  Json row(const std::string& device) {
    const Json page = get("/v1/devices");
    for (const Json& row : page.at("devices")) {
      if (row.at("id") == device) return row;
    }
    return {};
  }

 private:
  http::Client client_;
};

// Of the dry run of a push: what the check of that name says.
std::string published_check(Operator& asks, const model::Version& version) {
  const Json answer = asks.post(
      "/v1/push", {{"devices", {"iot-001"}}, {"version", version.text()}, {"dry_run", true}});
  for (const Json& check : answer.at("results").at(0).at("decision").at("checks")) {
    if (check.at("check") == "published") return check.at("result");
  }
  return {};
}

}  // namespace

TEST_CASE("what was published is known to the call that follows, and what was removed is not",
          "[api]") {
  ApiServer server;
  Operator asks(server);
  for (std::uint32_t patch = 6; patch < 12; ++patch) {
    const model::Version version(2, 1, patch);
    CHECK(published_check(asks, version) == "block");
    server.publish(version);
    CHECK(published_check(asks, version) == "pass");
    server.publish({3, 0, patch});
    CHECK(asks.get("/v1/firmware").at("releases").at(0).at("version") ==
          "3.0." + std::to_string(patch));
    REQUIRE(server.repository->remove(version).has_value());
    CHECK(published_check(asks, version) == "block");
  }
}

TEST_CASE("the list of devices shows what an operator and a device were told a moment ago",
          "[api]") {
  ApiServer server;
  Operator asks(server);
  server.join("iot-001");
  CHECK(asks.row("iot-001").at("enrolled") == true);
  ScriptedDevice device(server, "iot-001");
  REQUIRE(device.status(server.release(0)) == 204);
  CHECK(asks.row("iot-001").at("version") == "2.1.4");
  for (int i = 0; i < 10; ++i)
    REQUIRE(device.sample(20 + i % 3) / 100 == 2);
  CHECK(asks.row("iot-001").at("gate") == "pass");
  const Json pushed = asks.post("/v1/push", {{"devices", {"iot-001"}}, {"again", true}});
  const std::string job = pushed.at("results").at(0).at("job");
  CHECK(asks.row("iot-001").at("job_state") == "queued");
  CHECK(asks.row("iot-001").at("gate") == "updating");
  REQUIRE(device.commands(5).size() == 1);
  CHECK(asks.row("iot-001").at("job_state") == "sent");
  std::uint64_t seq = 0;
  for (const auto state : {model::JobState::kDownloading, model::JobState::kVerifying,
                           model::JobState::kInstalling, model::JobState::kRolledBack}) {
    REQUIRE(device.report(job, ++seq, state) == 204);
    CHECK(asks.row("iot-001").at("job_state") == std::string(model::to_text(state)));
  }
  CHECK(asks.row("iot-001").at("state") == "ROLLBACK");
  CHECK(asks.row("iot-001").at("gate") == "rejected");
  asks.post("/v1/devices/iot-001/acknowledge");
  CHECK(asks.row("iot-001").at("state") == "ONLINE");
  asks.post("/v1/devices/iot-001/revoke");
  CHECK(asks.row("iot-001").at("revoked") == true);
  CHECK(asks.row("iot-001").at("gate") == "revoked");
}

TEST_CASE("the status counts what was told a moment ago", "[api]") {
  ApiServer server;
  Operator asks(server);
  server.join("iot-001");
  ScriptedDevice device(server, "iot-001");
  REQUIRE(device.status(server.release(0)) == 204);
  CHECK(asks.get("/v1/status").at("counts").at("versions").at("2.1.4") == 1);
  const auto last = asks.get("/v1/status").at("last_event").get<std::uint64_t>();
  asks.post("/v1/devices/iot-001/acknowledge");
  CHECK(asks.get("/v1/status").at("last_event").get<std::uint64_t>() > last);
}
