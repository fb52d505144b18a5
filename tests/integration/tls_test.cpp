// Who gets through the handshake, and what everybody else is told.
#include "http/server.h"
#include "tests/support/catch.h"
#include "tests/support/http_rig.h"

using namespace ota;
using namespace ota::test;

TEST_CASE("a device, an operator and nobody are told apart by their certificates",
          "[tls][threads]") {
  HttpRig rig;
  TlsClient device(rig.port(), rig.device("iot-001"));
  TlsClient by_operator(rig.port(), rig.by_operator());
  TlsClient nobody(rig.port());
  REQUIRE(device.handshake());
  REQUIRE(by_operator.handshake());
  REQUIRE(nobody.handshake());
  const struct {
    const char* target;
    unsigned of_device, of_operator, of_nobody;
  } table[] = {
      {"/hello", 200, 200, 200}, {"/v1/device", 200, 403, 401}, {"/v1/admin", 403, 200, 401}};
  for (const auto& row : table) {
    INFO(row.target);
    CHECK(device.request("GET", row.target).value().status == row.of_device);
    CHECK(by_operator.request("GET", row.target).value().status == row.of_operator);
    CHECK(nobody.request("GET", row.target).value().status == row.of_nobody);
  }
  const auto reply = device.request("GET", "/v1/device");
  CHECK(reply.value().body.find("\"name\":\"iot-001\"") != std::string::npos);
  CHECK(rig.refused_for("no client certificate"));
}

TEST_CASE("a handshake that is refused has a reason of its own", "[tls][threads]") {
  HttpRig rig;
  const auto refused = [&](const Identity& identity, TlsVersion version, const char* reason,
                           const char* alert) {
    INFO(reason);
    TlsClient client(rig.port(), identity, version);
    if (client.handshake()) {
      // TLS 1.3: the client is done before the server has looked at its certificate.
      CHECK_FALSE(client.request("GET", "/hello").has_value());
    }
    CHECK(client.failure().find(alert) != std::string::npos);
    CHECK(rig.refused_for(reason));
  };
  refused({}, TlsVersion::k12, "TLS version below 1.3", "protocol version");
  refused(rig.expired_device("iot-001"), TlsVersion::k13, "client certificate expired",
          "certificate expired");
  refused(rig.foreign_device("iot-002"), TlsVersion::k13,
          "client certificate from an unknown authority", "unknown ca");
  // Past the few reports a second for one address.
  CHECK(rig.server().stats().refused_handshakes == 3);
}

TEST_CASE("a certificate made for servers is none for clients", "[tls][threads]") {
  HttpRig rig;
  TlsClient client(rig.port(), rig.server_as_client());
  if (client.handshake()) CHECK_FALSE(client.request("GET", "/hello").has_value());
  CHECK(rig.refused_for("certificate not made for clients"));
}

TEST_CASE("what is no TLS is refused and named", "[tls][threads]") {
  HttpRig rig;
  TlsClient plain(rig.port());
  REQUIRE(plain.send_raw("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(rig.refused_for("plain HTTP on the TLS port"));
  TlsClient noise(rig.port());
  REQUIRE(noise.send_raw("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
  CHECK(rig.refused_for("no TLS spoken"));
}

TEST_CASE("a client that does not go on with the handshake is cut off", "[tls][threads]") {
  http::ServerOptions options;
  options.limits.handshake_timeout = milliseconds(200);
  HttpRig rig(options);
  TlsClient client(rig.port());
  REQUIRE(client.send_raw("\x16\x03\x01"));
  CHECK(rig.refused_for("TLS handshake not finished in time"));
}

TEST_CASE("a resumed session is checked like a new one", "[tls][threads]") {
  HttpRig rig;
  const Identity identity = rig.device("iot-001");
  std::shared_ptr<ssl_session_st> session;
  {
    TlsClient first(rig.port(), identity);
    REQUIRE(first.handshake());
    REQUIRE(first.request("GET", "/v1/device").value().status == 200);
    session = first.session();
  }
  {
    TlsClient second(rig.port(), identity);
    second.resume(session);
    REQUIRE(second.handshake());
    CHECK(second.resumed());
    const auto reply = second.request("GET", "/v1/device");
    CHECK(reply.value().status == 200);
    CHECK(reply.value().body.find("iot-001") != std::string::npos);
    session = second.session();
  }
  rig.revoke("iot-001");
  TlsClient third(rig.port(), identity);
  third.resume(session);
  REQUIRE(third.handshake());
  CHECK(third.resumed());
  const auto reply = third.request("GET", "/v1/device");
  CHECK(reply.value().status == 403);
  CHECK(reply.value().body.find("iot-001 was revoked") != std::string::npos);
  CHECK(third.closed_within());
}

TEST_CASE("a revoked device is refused on its open connection, with the reason", "[tls][threads]") {
  HttpRig rig;
  TlsClient client(rig.port(), rig.device("iot-001"));
  REQUIRE(client.handshake());
  REQUIRE(client.request("POST", "/v1/telemetry", "{}").value().status == 204);
  rig.revoke("iot-001");
  const auto reply = client.request("POST", "/v1/telemetry", "{}");
  CHECK(reply.value().status == 403);
  CHECK(reply.value().header("content-type") == "application/problem+json");
  CHECK(reply.value().body.find("iot-001 was revoked") != std::string::npos);
  CHECK(client.closed_within());
}

TEST_CASE("disconnect ends all connections of a device and no other", "[tls][threads]") {
  http::ServerOptions options;
  options.threads = 2;
  HttpRig rig(options);
  const Identity identity = rig.device("iot-001");
  TlsClient idle(rig.port(), identity);
  TlsClient parked(rig.port(), identity);
  TlsClient other(rig.port(), rig.device("iot-002"));
  REQUIRE(idle.handshake());
  REQUIRE(idle.request("GET", "/hello").has_value());
  REQUIRE(parked.handshake());
  REQUIRE(parked.send("GET /v1/wait HTTP/1.1\r\nHost: h\r\n\r\n"));
  REQUIRE(other.handshake());
  const auto waiting = rig.take_parked(1);
  REQUIRE(waiting.size() == 1);
  rig.server().disconnect("iot-001");
  CHECK(idle.closed_within(milliseconds(1000)));
  CHECK(parked.closed_within(milliseconds(1000)));
  CHECK(rig.eventually([&] { return rig.closed_while_parked() == 1; }));
  CHECK(other.request("GET", "/hello").value().status == 200);
}

TEST_CASE("a port that another server holds is a clear error", "[tls][threads]") {
  HttpRig rig;
  http::ServerOptions options;
  options.port = rig.port();
  try {
    HttpRig second(options);
    FAIL("both listen on one port");
  } catch (const std::exception& error) {
    CHECK(std::string(error.what()).find("listens there") != std::string::npos);
  }
}
