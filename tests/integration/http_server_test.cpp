// Requests, limits, time-outs and the end, over real TLS on loopback.
#include "http/server.h"

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/http_rig.h"

using namespace ota;
using namespace ota::test;
using http::Response;

namespace {

std::string problem_code(const std::optional<HttpReply>& reply) {
  if (!reply || reply->header("content-type") != "application/problem+json") return "no problem";
  return Json::parse(reply->body)["code"].get<std::string>();
}

}  // namespace

TEST_CASE("a connection serves request after request", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig, rig.device("iot-001"));
  for (int i = 0; i < 50; ++i) {
    const auto reply = client.request("POST", "/v1/telemetry", R"({"seq":1})");
    REQUIRE(reply.has_value());
    REQUIRE(reply->status == 204);
    REQUIRE_FALSE(reply->header("date").empty());
  }
  CHECK(rig.server().stats().requests == 50);
  CHECK(rig.server().stats().accepted == 1);
}

TEST_CASE("pipelined requests are answered in order, parked ones included", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  REQUIRE(
      client.send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"
                  "GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"
                  "POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                  "GET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(client.read_reply().value().status == 200);
  rig.take_parked(1).at(0)(Response::json({{"parked", true}}, 202));
  CHECK(client.read_reply().value().status == 202);
  CHECK(client.read_reply().value().body.find("\"length\":3") != std::string::npos);
  CHECK(client.read_reply().value().status == 404);
}

TEST_CASE("hundreds of pipelined requests are all answered", "[http][threads]") {
  http::ServerOptions options;
  options.limits.requests_per_second_per_device = 0;
  HttpRig rig(options);
  TlsClient client = connected(rig);
  std::string text;
  for (int i = 0; i < 500; ++i)
    text += "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n";
  REQUIRE(client.send(text));
  for (int i = 0; i < 500; ++i)
    REQUIRE(client.read_reply().value().status == 200);
}

TEST_CASE("a long poll is answered from another thread", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig, rig.device("iot-001"));
  for (int i = 0; i < 20; ++i) {
    REQUIRE(client.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    std::thread([&] { rig.take_parked(1).at(0)(Response::no_content()); }).join();
    REQUIRE(client.read_reply().value().status == 204);
  }
}

TEST_CASE("a client that goes away while it is parked is noticed", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  REQUIRE(client.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  auto waiting = rig.take_parked(1);
  REQUIRE(waiting.size() == 1);
  client.close();
  CHECK(rig.eventually([&] { return rig.closed_while_parked() == 1; }));
  waiting.at(0)(Response::no_content());  // to nobody
  CHECK(rig.eventually([&] { return rig.server().stats().connections == 0; }));
}

TEST_CASE("an answer may come after the server is gone", "[http][threads]") {
  std::vector<http::Responder> waiting;
  {
    HttpRig rig;
    TlsClient client = connected(rig);
    REQUIRE(client.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
    waiting = rig.take_parked(1);
  }
  REQUIRE(waiting.size() == 1);
  waiting.at(0)(Response::no_content());
}

TEST_CASE("a handler that throws or forgets its request is answered with 500", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  CHECK(problem_code(client.request("GET", "/v1/throw")) == "internal");
  CHECK(problem_code(client.request("GET", "/v1/forget")) == "unanswered");
  CHECK(client.request("GET", "/hello").value().status == 200);
  CHECK(rig.server().stats().errors_5xx == 2);
}

TEST_CASE("a large answer arrives whole", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  const auto reply = client.request("GET", "/v1/big");
  REQUIRE(reply.has_value());
  CHECK(reply->body == std::string(3'000'000, 'x'));
  CHECK(client.request("HEAD", "/v1/big").value().header("content-length") == "3000000");
  CHECK(client.request("GET", "/hello").value().status == 200);
}

TEST_CASE("what asks for no route says so", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  CHECK(problem_code(client.request("GET", "/nowhere")) == "no-route");
  const auto reply = client.request("DELETE", "/hello");
  CHECK(problem_code(reply) == "wrong-method");
  CHECK(reply.value().header("allow") == "GET, HEAD");
  CHECK(problem_code(client.request("PATCH", "/hello")) == "unknown-method");
  CHECK(problem_code(client.request("GET", "/a/../hello")) == "bad-target");
}

TEST_CASE("a body over the limit is refused before it is sent", "[http][threads]") {
  http::ServerOptions options;
  options.limits.body_bytes = 1000;
  options.limits.import_bytes = 3'000'000;
  HttpRig rig(options);
  {
    TlsClient client = connected(rig);
    CHECK(client.request("POST", "/open", std::string(1000, 'a')).value().status == 200);
    REQUIRE(client.send("POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n"));
    const auto reply = client.read_reply();
    CHECK(reply.value().status == 413);
    CHECK(problem_code(reply) == "body-too-large");
    CHECK(client.closed_within());
  }
  {
    // Sent without waiting: the answer must not be lost to a reset.
    TlsClient client = connected(rig);
    CHECK(client.request("POST", "/open", std::string(500'000, 'a')).value().status == 413);
  }
  TlsClient by_operator = connected(rig, rig.by_operator());
  const auto reply = by_operator.request("POST", "/v1/import", std::string(2'000'000, 'a'));
  REQUIRE(reply.has_value());
  CHECK(reply->body.find("\"length\":2000000") != std::string::npos);
}

TEST_CASE("a client that asks before it sends is told to go on, or not to", "[http][threads]") {
  http::ServerOptions options;
  options.limits.body_bytes = 1000;
  HttpRig rig(options);
  TlsClient client = connected(rig);
  REQUIRE(
      client.send("POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  CHECK(client.read_reply().value().status == 100);
  REQUIRE(client.send("hello"));
  CHECK(client.read_reply().value().status == 200);
  REQUIRE(
      client.send("POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 5000\r\n"
                  "Expect: 100-continue\r\n\r\n"));
  CHECK(client.read_reply().value().status == 413);
}

TEST_CASE("a malformed or oversized header is answered and ends the connection",
          "[http][threads]") {
  HttpRig rig;
  const struct {
    std::string text;
    unsigned status;
  } table[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/3.0\r\nHost: h\r\n\r\n", 505},
      {"POST /open HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411},
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(9000, 'x') + "\r\n\r\n", 431},
  };
  for (const auto& row : table) {
    INFO(row.text.substr(0, 40));
    TlsClient client = connected(rig);
    REQUIRE(client.send(row.text));
    const auto reply = client.read_reply();
    REQUIRE(reply.has_value());
    CHECK(reply->status == row.status);
    CHECK(reply->header("connection") == "close");
    CHECK(client.closed_within());
  }
}

TEST_CASE("a slow sender is cut off, in the header and in the body", "[http][threads]") {
  http::ServerOptions options;
  options.limits.header_timeout = milliseconds(300);
  options.limits.body_timeout = milliseconds(300);
  HttpRig rig(options);
  for (const char* start :
       {"GET /hel", "POST /open HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc"}) {
    INFO(start);
    TlsClient client = connected(rig);
    REQUIRE(client.send(start));
    // A byte now and then does not help.
    const auto deadline = std::chrono::steady_clock::now() + HttpRig::kPatience;
    std::optional<HttpReply> reply;
    while (!reply && std::chrono::steady_clock::now() < deadline) {
      reply = client.read_reply(Body::kWithBody, milliseconds(50));
      if (!reply) client.send("x");
    }
    REQUIRE(reply.has_value());
    CHECK(reply->status == 408);
    CHECK(client.closed_within());
  }
}

TEST_CASE("an idle connection is closed without a word", "[http][threads]") {
  http::ServerOptions options;
  options.limits.idle_timeout = milliseconds(200);
  HttpRig rig(options);
  TlsClient client = connected(rig);
  REQUIRE(client.request("GET", "/hello").has_value());
  CHECK(client.closed_within());
  CHECK(client.failure().empty());
}

TEST_CASE("a device over its rate is told when to come back, over all its connections",
          "[http][threads]") {
  http::ServerOptions options;
  options.threads = 2;
  options.limits.requests_per_second_per_device = 5;
  HttpRig rig(options);
  const Identity identity = rig.device("iot-001");
  TlsClient clients[] = {connected(rig, identity), connected(rig, identity)};
  int limited = 0;
  for (int i = 0; i < 40; ++i) {
    const auto reply = clients[i % 2].request("POST", "/v1/telemetry", "{}");
    REQUIRE(reply.has_value());
    if (reply->status == 429) {
      ++limited;
      CHECK(reply->header("retry-after") == "1");
    }
  }
  CHECK(limited > 0);
  CHECK(rig.server().stats().limited == static_cast<std::uint64_t>(limited));
  CHECK(
      connected(rig, rig.device("iot-002")).request("POST", "/v1/telemetry", "{}").value().status ==
      204);
}

TEST_CASE("connections over the limits are refused, and welcome when others have gone",
          "[http][threads]") {
  http::ServerOptions options;
  options.limits.connections_per_address = 2;
  HttpRig rig(options);
  TlsClient first = connected(rig);
  TlsClient second = connected(rig);
  TlsClient third(rig.port());
  CHECK_FALSE(third.handshake());
  CHECK(rig.server().stats().limited == 1);
  first.close();
  CHECK(rig.eventually([&] { return rig.server().stats().connections == 1; }));
  CHECK(connected(rig).request("GET", "/hello").has_value());
  CHECK(second.request("GET", "/hello").has_value());
}

TEST_CASE("draining lets a running answer end and ends the waiting polls", "[http][threads]") {
  HttpRig rig;
  TlsClient idle = connected(rig);
  TlsClient report = connected(rig);
  TlsClient poll = connected(rig);
  REQUIRE(idle.request("GET", "/hello").has_value());
  REQUIRE(report.send("POST /v1/wait HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"));
  auto running = rig.take_parked(1);
  REQUIRE(running.size() == 1);
  REQUIRE(poll.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  const auto waiting = rig.take_parked(1);
  REQUIRE(waiting.size() == 1);
  std::thread drained([&] { rig.server().drain(HttpRig::kPatience); });
  CHECK(idle.closed_within());
  CHECK(problem_code(poll.read_reply()) == "shutting-down");
  running.at(0)(Response::no_content());
  const auto reply = report.read_reply();
  CHECK(reply.value().status == 204);
  CHECK(reply.value().header("connection") == "close");
  poll.close();
  report.close();
  drained.join();
  CHECK_THROWS(TlsClient(rig.port()));
}

TEST_CASE("draining returns within its patience though a request is never answered",
          "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  REQUIRE(client.send("POST /v1/wait HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"));
  const auto waiting = rig.take_parked(1);
  const auto start = std::chrono::steady_clock::now();
  rig.server().drain(milliseconds(300));
  CHECK(std::chrono::steady_clock::now() - start < seconds(3));
  CHECK(client.closed_within());
  CHECK(rig.closed_while_parked() == 1);
}

TEST_CASE("five hundred connections wait and are all answered", "[http][threads]") {
  http::ServerOptions options;
  options.threads = 2;
  HttpRig rig(options);
  const Identity identity = rig.device("iot-001");
  std::vector<TlsClient> clients;
  std::shared_ptr<ssl_session_st> session;
  for (int i = 0; i < 500; ++i) {
    TlsClient client(rig.port(), identity);
    if (session) client.resume(session);
    REQUIRE(client.handshake());
    if (!session) {
      REQUIRE(client.request("GET", "/hello").has_value());
      session = client.session();
    }
    clients.push_back(std::move(client));
  }
  model::ServerLimits limits;
  limits.requests_per_second_per_device = 0;
  rig.server().apply_limits(limits);
  for (TlsClient& client : clients) {
    REQUIRE(client.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  }
  const auto waiting = rig.take_parked(500);
  REQUIRE(waiting.size() == 500);
  CHECK(rig.server().stats().connections == 500);
  for (const http::Responder& responder : waiting)
    responder(Response::no_content());
  for (TlsClient& client : clients)
    REQUIRE(client.read_reply().value().status == 204);
}
