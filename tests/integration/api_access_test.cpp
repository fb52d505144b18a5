// Who may call what: every route, every role, a device's own things and another's.
#include <map>
#include <set>

#include "tests/integration/api_server.h"

using namespace ota;
using http::Access;
using http::Method;
using test::ApiServer;
using test::ScriptedDevice;

namespace {

// The table that the issue of access is decided by; a route that is not here fails the test.
const std::map<std::string, Access> kTable{
    {"GET /healthz", Access::kAnyone},
    {"GET /openapi.json", Access::kAnyone},
    {"GET /metrics", Access::kLoopbackOrOperator},
    {"POST /v1/enroll", Access::kAnyone},
    {"POST /v1/renew", Access::kDevice},
    {"POST /v1/status", Access::kDevice},
    {"POST /v1/telemetry", Access::kDevice},
    {"GET /v1/commands", Access::kDevice},
    {"POST /v1/jobs/{id}/report", Access::kDevice},
    {"GET /tuf/metadata/{name...}", Access::kDeviceOrOperator},
    {"GET /tuf/targets/{name...}", Access::kDeviceOrOperator},
    {"GET /v1/status", Access::kOperator},
    {"GET /v1/devices", Access::kOperator},
    {"GET /v1/devices/{id}", Access::kOperator},
    {"GET /v1/devices/{id}/minutes", Access::kOperator},
    {"POST /v1/devices/{id}/rollback", Access::kOperator},
    {"POST /v1/devices/{id}/revoke", Access::kOperator},
    {"POST /v1/devices/{id}/acknowledge", Access::kOperator},
    {"POST /v1/devices/{id}/allow-renewal", Access::kOperator},
    {"POST /v1/push", Access::kOperator},
    {"POST /v1/stop", Access::kOperator},
    {"POST /v1/resume", Access::kOperator},
    {"GET /v1/jobs", Access::kOperator},
    {"GET /v1/jobs/{id}", Access::kOperator},
    {"POST /v1/jobs/{id}/cancel", Access::kOperator},
    {"POST /v1/jobs/{id}/force-quit", Access::kOperator},
    {"GET /v1/ddi", Access::kOperator},
    {"POST /v1/ddi/gateway-token", Access::kOperator},
    {"POST /v1/ddi/waiting/{id}/accept", Access::kOperator},
    {"POST /v1/devices/{id}/ddi-token", Access::kOperator},
    {"POST /v1/devices/{id}/ddi-use", Access::kOperator},
    {"POST /v1/devices/{id}/ddi-attributes", Access::kOperator},
    {"GET /v1/operators", Access::kOperator},
    {"POST /v1/operators/{id}/revoke", Access::kOperator},
    {"GET /v1/events", Access::kOperator},
    {"GET /v1/audit/verify", Access::kOperator},
    {"GET /v1/audit/imports", Access::kOperator},
    {"GET /v1/audit/closed/{id}/{after}", Access::kOperator},
    {"POST /v1/audit/imports/{id}/acknowledge", Access::kOperator},
    {"GET /v1/audit/checkpoint", Access::kOperator},
    {"GET /v1/audit/vkey", Access::kOperator},
    {"GET /v1/audit/tile/{path...}", Access::kOperator},
    {"GET /v1/firmware", Access::kOperator},
    {"POST /v1/enrolments", Access::kOperator},
    {"GET /v1/state/export", Access::kOperator},
    {"POST /v1/state/import", Access::kOperator},
    {"GET /v1/config", Access::kOperator},
    {"GET /v1/agents", Access::kOperator},
    {"POST /v1/agents/{id}/start", Access::kOperator},
    {"POST /v1/agents/{id}/stop", Access::kOperator},
    {"POST /v1/agents/{id}/restart", Access::kOperator},
};

std::string word_of(Method method) {
  return method == Method::kGet ? "GET" : method == Method::kPost ? "POST" : "?";
}

std::string path_of(const std::string& pattern, const std::string& job) {
  std::string path = pattern;
  const auto put = [&](const std::string& what, const std::string& with) {
    const auto at = path.find(what);
    if (at != std::string::npos) path.replace(at, what.size(), with);
  };
  put("{name...}", "timestamp.json");
  put("{after}", "0");
  put("{id}", pattern.find("/jobs/") != std::string::npos ? job : "iot-001");
  return path;
}

struct Refusal {
  unsigned status = 0;
  std::string code;
};

Refusal call(http::Client& client, Method method, const std::string& path) {
  const auto reply = method == Method::kGet ? client.get(path, ApiServer::kMost)
                                            : client.post(path, "{}", ApiServer::kMost);
  REQUIRE(reply.has_value());
  const auto body = parse_json(reply->body, {.max_bytes = ApiServer::kMost, .max_depth = 64});
  const bool problem = reply->content_type.find("problem+json") != std::string::npos;
  return {reply->status, problem && body ? body->value("code", "") : ""};
}

bool may(Access access, const std::string& role) {
  switch (access) {
    case Access::kAnyone:
      return true;
    case Access::kDevice:
      return role == "device";
    case Access::kOperator:
      return role == "operator";
    case Access::kDeviceOrOperator:
      return role != "nobody";
    case Access::kLoopbackOrOperator:
      return true;  // this test speaks from the loopback address
  }
  return false;
}

// A device that joined, is healthy, and has an update under way.
std::string running_job(ApiServer& server) {
  ScriptedDevice device(server, "iot-001");
  REQUIRE(device.status(server.release(0)) == 204);
  REQUIRE(test::wait_until([&] {
    CHECK(device.sample(10) == 204);
    return server.fleet->detail("iot-001")->verdict.level == model::Level::kStable;
  }));
  auto operators = server.client("operator");
  const auto reply = operators.post("/v1/push", R"({"devices":["iot-001"]})", ApiServer::kMost);
  REQUIRE(reply.has_value());
  const Json result = parse_json(reply->body)->at("results").at(0);
  REQUIRE(result.contains("job"));
  REQUIRE(device.commands(5).size() == 1);
  return result.at("job");
}

}  // namespace

TEST_CASE("each route is allowed or refused to each role as the table says", "[api][threads]") {
  ApiServer server;
  for (const char* id : {"iot-001", "iot-002", "iot-003"})
    REQUIRE(server.join(id).status == 201);
  const std::string job = running_job(server);
  auto operators = server.client("operator");
  REQUIRE(operators.post("/v1/devices/iot-003/revoke", "{}", ApiServer::kMost)->status == 204);

  std::set<std::string> walked;
  std::set<std::string> changing{"POST /v1/devices/{id}/revoke", "POST /v1/jobs/{id}/cancel"};
  for (const http::Route& route : server.service->router()->routes()) {
    const std::string name = word_of(route.method) + " " + route.pattern;
    INFO(name);
    const auto entry = kTable.find(name);
    REQUIRE(entry != kTable.end());
    CHECK(route.access == entry->second);
    walked.insert(name);
    const std::string path = path_of(route.pattern, job);
    for (const auto& [who, role] : std::map<std::string, std::string>{{"", "nobody"},
                                                                      {"iot-001", "device"},
                                                                      {"iot-002", "device"},
                                                                      {"operator", "operator"}}) {
      INFO("as " << (who.empty() ? "nobody" : who));
      const bool allowed = may(entry->second, role);
      // What would end the scene for those after it is only tried by who must not.
      if (allowed && changing.count(name) != 0) continue;
      auto client = server.client(who);
      const Refusal got = call(client, route.method, path);
      CHECK((got.code == "no-certificate") == (!allowed && role == "nobody"));
      CHECK((got.code == "wrong-role") == (!allowed && role != "nobody"));
      if (!allowed) CHECK(got.status == (role == "nobody" ? 401 : 403));
      CHECK(got.status < 500 + (name == "POST /v1/state/import" ? 100 : 0));
    }
    auto revoked = server.client("iot-003");
    const Refusal got = call(revoked, route.method, path);
    CHECK(got.status == 403);
    CHECK(got.code == "not-admitted");
  }
  CHECK(walked.size() == kTable.size());
}

TEST_CASE("a device can neither see nor report another device's job", "[api][threads]") {
  ApiServer server;
  for (const char* id : {"iot-001", "iot-002"})
    REQUIRE(server.join(id).status == 201);
  const std::string job = running_job(server);
  ScriptedDevice other(server, "iot-002");
  CHECK(other.report(job, 1, model::JobState::kSucceeded) == 404);
  CHECK(other.commands(0).empty());
  CHECK(server.fleet->job(job)->state == model::JobState::kSent);
}

TEST_CASE("the description and the routes name the same calls for the same callers",
          "[api][threads]") {
  ApiServer server;
  auto client = server.client("");
  const auto reply = client.get("/openapi.json", ApiServer::kMost);
  REQUIRE(reply.has_value());
  const auto document = parse_json(reply->body, {.max_bytes = ApiServer::kMost, .max_depth = 64});
  REQUIRE(document.has_value());
  const std::map<Access, std::string> words{{Access::kAnyone, "anyone"},
                                            {Access::kDevice, "device"},
                                            {Access::kOperator, "operator"},
                                            {Access::kDeviceOrOperator, "device-or-operator"},
                                            {Access::kLoopbackOrOperator, "loopback-or-operator"}};
  std::map<std::string, std::string> described;
  for (const auto& [path, calls] : document->at("paths").items()) {
    for (const auto& [method, call] : calls.items()) {
      if (method == "parameters") continue;
      std::string name = method == "get" ? "GET " : "POST ";
      name += path;
      described[name] = call.at("x-access");
      CHECK(call.contains("summary"));
      CHECK(call.at("responses").contains("default"));
    }
  }
  std::map<std::string, std::string> served;
  for (const http::Route& route : server.service->router()->routes()) {
    std::string pattern = route.pattern;
    if (const auto dots = pattern.find("...}"); dots != std::string::npos) pattern.erase(dots, 3);
    served[word_of(route.method) + " " + pattern] = words.at(route.access);
  }
  CHECK(described == served);
}
