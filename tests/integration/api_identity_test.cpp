// Who speaks, over real TLS: certificates that have ended, and one identity in two places.
#include <future>
#include <thread>

#include "tests/integration/api_server.h"

using namespace ota;
using test::ApiServer;
using test::ScriptedDevice;
using test::wait_until;

namespace {

std::vector<std::shared_ptr<const model::Event>> told(const ApiServer& server,
                                                      const std::string& kind) {
  std::vector<std::shared_ptr<const model::Event>> found;
  const auto snapshot = server.fleet->snapshot();
  for (const auto& event : *snapshot->events) {
    if (event->kind == kind) found.push_back(event);
  }
  return found;
}

Json renewal(const ApiServer& server) {
  return {{"csr", *pki::DeviceKey::make_csr(server.key_of("iot-001"), "iot-001")}};
}

std::string code_of(const std::string& body) {
  return parse_json(body)->at("code");
}

void wait_for_end(ApiServer& server) {
  const auto end = server.fleet->detail("iot-001")->record->certificate_expires;
  REQUIRE(wait_until([&] { return SystemClock().wall() > end; }));
}

}  // namespace

TEST_CASE("a certificate that ends during a connection is not served on", "[api][certificate]") {
  ApiServer server;
  server.apply([](model::Settings& settings) {
    settings.console.certificate_lifetime = milliseconds(2000);
  });
  REQUIRE(server.join("iot-001").status == 201);
  ScriptedDevice device(server, "iot-001");
  const auto before = server.server->stats().accepted;
  REQUIRE(device.sample(10) == 204);
  wait_for_end(server);
  CHECK(device.sample(10) == 403);
  CHECK(code_of(device.last) == "certificate-expired");
  CHECK(server.server->stats().accepted == before + 1);  // it was the same connection
}

TEST_CASE(
    "a device whose certificate has ended is named, and renews it on the operator's word, "
    "with the key that enrolled",
    "[api][certificate]") {
  ApiServer server;
  server.apply([](model::Settings& settings) {
    settings.console.certificate_lifetime = milliseconds(1000);
  });
  REQUIRE(server.join("iot-001").status == 201);
  wait_for_end(server);
  server.apply([](model::Settings& settings) {
    settings.console.certificate_lifetime = std::chrono::hours(24);
  });
  ScriptedDevice device(server, "iot-001");
  CHECK(device.post("/v1/renew", renewal(server)) == 403);
  CHECK(code_of(device.last) == "certificate-expired");
  CHECK(device.last.find("cert expired") != std::string::npos);
  REQUIRE(wait_until([&] { return told(server, "auth.expired").size() == 1; }));
  CHECK(told(server, "auth.expired")[0]->source == "iot-001");
  CHECK(wait_until([&] { return told(server, "enrol.expired").size() == 1; }));

  auto operators = server.client("operator");
  const auto allowed =
      operators.post("/v1/devices/iot-001/allow-renewal", dump_json({{"ttl_s", 60}}), 4096);
  REQUIRE(allowed.has_value());
  CHECK(allowed->status == 204);
  CHECK(device.sample(10) == 403);  // for nothing else
  const auto thief = pki::DeviceKey::make_csr(server.key_of("thief"), "iot-001");
  CHECK(device.post("/v1/renew", {{"csr", *thief}}) == 403);
  CHECK(code_of(device.last) == "another-key");
  REQUIRE(device.post("/v1/renew", renewal(server)) == 200);
  std::ofstream(server.certificate_of("iot-001"))
      << parse_json(device.last)->at("certificate").get<std::string>();
  // On the same client: no session of the old certificate is in the way.
  CHECK(device.sample(10) == 204);
}

TEST_CASE("one that has ended and is another authority's is refused in the handshake, as ever",
          "[api][certificate]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  test::TempFolder elsewhere;
  SystemClock clock;
  auto foreign = pki::Authority::open_or_create(elsewhere.path(), {}, clock);
  REQUIRE(foreign.has_value());
  const auto issued =
      foreign->issue_device("iot-001", renewal(server).at("csr").get<std::string>(), seconds(1));
  REQUIRE(issued.has_value());
  std::ofstream(server.certificate_of("iot-001")) << issued->pem;
  REQUIRE(wait_until([&] { return clock.wall() > issued->expires; }));
  auto stranger = server.client("iot-001");
  const auto reply = stranger.post("/v1/renew", dump_json(renewal(server)), 4096);
  REQUIRE(reply.has_error());
  CHECK(reply.error().code == Errc::kDenied);
}

TEST_CASE("a poll that another one displaces is told so, and is no empty answer",
          "[api][identity]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  auto first = server.client("iot-001");
  std::promise<std::optional<http::Reply>> told;
  auto answer = told.get_future();
  std::thread waits([&] {
    const auto reply = first.get("/v1/commands?wait=30", 4096);
    told.set_value(reply ? std::optional(*reply) : std::nullopt);
  });
  auto second = server.client("iot-001");
  // Until the first one is parked there is nobody to displace.
  const bool displaced = wait_until([&] {
    const auto status = second.get("/v1/commands?wait=0", 4096)->status;
    CHECK((status == 204 || status == 409));
    return answer.wait_for(seconds(0)) == std::future_status::ready;
  });
  waits.join();
  REQUIRE(displaced);
  const auto reply = answer.get();
  REQUIRE(reply.has_value());
  CHECK(reply->status == 409);
  CHECK(code_of(reply->body) == "displaced");
}

TEST_CASE("two agents with one identity are said on the wire's own words", "[api][identity]") {
  ApiServer server;
  REQUIRE(server.join("iot-001").status == 201);
  const auto place = [&](const std::string& boot) {
    auto client = server.client("iot-001");
    const auto reply = client.get("/v1/commands?wait=0&boot=" + boot, 4096);
    REQUIRE(reply.has_value());
  };
  const auto row = [&] { return server.fleet->detail("iot-001")->row; };
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  while (!row().in_two_places() && std::chrono::steady_clock::now() < deadline) {
    place(std::string(32, '1'));
    place(std::string(32, '2'));
  }
  CHECK(row().in_two_places());
  CHECK(told(server, "device.in-two-places").size() == 1);
  auto operators = server.client("operator");
  const auto shown = operators.get("/v1/devices/iot-001", ApiServer::kMost);
  REQUIRE(shown.has_value());
  CHECK(parse_json(shown->body)->at("row").at("in_two_places") == true);
}
