// What a stranger may cost: connections, memory and time, over real TLS on loopback.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/file.h"
#include "http/server.h"
#include "tests/support/catch.h"
#include "tests/support/http_rig.h"

using namespace ota;
using namespace ota::test;

namespace {

// Connected, from this address of the loopback network, and silent.
FileDescriptor silent_socket(std::uint16_t port, const char* from) {
  FileDescriptor out(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  ::inet_pton(AF_INET, from, &address.sin_addr);
  if (::bind(out.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (::connect(out.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return out;
}

std::string post_head(std::string_view path, std::size_t length) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a stranger's body is short, a device's may be longer", "[http][threads]") {
  HttpRig rig;
  const std::size_t least = model::ServerLimits().stranger_body_bytes;
  const std::string body(least + 1, 'a');
  CHECK(connected(rig).request("POST", "/open", body.substr(1)).value().status == 200);
  TlsClient stranger = connected(rig);
  REQUIRE(stranger.send(post_head("/open", body.size())));
  CHECK(stranger.read_reply().value().status == 413);  // before any of it was sent
  CHECK(stranger.closed_within());
  CHECK(connected(rig, rig.device("iot-001")).request("POST", "/open", body).value().status == 200);
}

TEST_CASE("bodies that are on their way share a budget, and give it back", "[http][threads]") {
  http::ServerOptions options;
  options.limits.body_bytes = 2U << 20;
  options.limits.body_memory_bytes = 1U << 20;
  HttpRig rig(options);
  const std::string part(600'000, 'a');
  TlsClient first = connected(rig, rig.device("iot-001"));
  REQUIRE(first.send(post_head("/open", 700'000) + part));
  CHECK(rig.eventually([&] { return rig.server().stats().body_bytes == part.size(); }));
  TlsClient second = connected(rig, rig.device("iot-002"));
  REQUIRE(second.send(post_head("/open", 700'000) + part));
  const auto refused = second.read_reply();
  CHECK(refused.value().status == 503);
  CHECK(refused.value().header("retry-after") == "2");
  // An operator is not kept out, and what comes whole takes no memory.
  CHECK(connected(rig, rig.by_operator()).request("POST", "/open", part).value().status == 200);
  CHECK(connected(rig).request("POST", "/open", "{}").value().status == 200);
  REQUIRE(first.send(std::string(100'000, 'a')));
  CHECK(first.read_reply().value().status == 200);
  CHECK(rig.eventually([&] { return rig.server().stats().body_bytes == 0; }));
  {
    TlsClient gone = connected(rig, rig.device("iot-003"));
    REQUIRE(gone.send(post_head("/open", 700'000) + part));
    CHECK(rig.eventually([&] { return rig.server().stats().body_bytes == part.size(); }));
  }
  CHECK(rig.eventually([&] { return rig.server().stats().body_bytes == 0; }));
}

TEST_CASE("silent sockets of one address keep nobody else out, and are an event",
          "[http][threads]") {
  http::ServerOptions options;
  options.limits.connections = 300;
  options.limits.connections_per_address = 20;
  options.limits.handshake_timeout = seconds(60);
  HttpRig rig(options);
  TlsClient before = connected(rig, rig.device("iot-001"));
  REQUIRE(before.request("GET", "/hello").has_value());
  std::vector<FileDescriptor> silent;
  for (int i = 0; i < 600; ++i) {
    silent.push_back(silent_socket(rig.port(), "127.0.0.2"));
    REQUIRE(silent.back());
  }
  CHECK(rig.refused_for(
      "127.0.0.2: more than 20 connections from here that do not say who they are"));
  CHECK(rig.eventually([&] { return rig.server().stats().accepted == 601; }));
  CHECK(rig.server().stats().strangers == 20);
  CHECK(rig.server().stats().connections == 21);
  CHECK(before.request("GET", "/hello").value().status == 200);
  CHECK(connected(rig, rig.device("iot-002")).request("GET", "/hello").value().status == 200);
  CHECK(connected(rig, rig.by_operator()).request("GET", "/v1/admin").value().status == 200);
}

TEST_CASE("silent sockets of many addresses lose to whoever comes and says who it is",
          "[http][threads]") {
  http::ServerOptions options;
  options.threads = 2;
  options.limits.connections = 300;
  options.limits.stranger_connections = 100;
  options.limits.handshake_timeout = seconds(60);
  HttpRig rig(options);
  const Identity identity = rig.device("iot-001");
  std::vector<TlsClient> devices;
  std::vector<FileDescriptor> silent;
  for (int i = 0; i < 600; ++i) {
    silent.push_back(silent_socket(rig.port(), ("127.0.1." + std::to_string(i % 200)).c_str()));
    REQUIRE(silent.back());
    if (i % 20 == 0) devices.push_back(connected(rig, identity));
  }
  CHECK(
      rig.refused_for("many: strangers hold their part of the connections; the oldest of them go"));
  for (TlsClient& device : devices)
    CHECK(device.request("GET", "/hello").value().status == 200);
  CHECK(connected(rig, rig.by_operator()).request("GET", "/v1/admin").value().status == 200);
  CHECK(rig.eventually([&] { return rig.server().stats().strangers <= 100; }));
  CHECK(rig.eventually([&] { return rig.server().stats().connections <= 131; }));
}

TEST_CASE("an operator gets in where devices hold all places", "[http][threads]") {
  http::ServerOptions options;
  options.limits.connections = 10;
  HttpRig rig(options);
  std::vector<TlsClient> devices;
  const Identity identity = rig.device("iot-001");
  for (int i = 0; i < 10; ++i) {
    devices.push_back(connected(rig, identity));
    REQUIRE(devices.back().request("GET", "/hello").has_value());
  }
  TlsClient one_more(rig.port(), identity);
  CHECK((!one_more.handshake() || !one_more.request("GET", "/hello").has_value()));
  CHECK(connected(rig, rig.by_operator()).request("GET", "/v1/admin").value().status == 200);
  CHECK(devices.front().request("GET", "/hello").value().status == 200);
}

TEST_CASE("a revoked device's connections are a stranger's", "[http][threads]") {
  HttpRig rig;
  const Identity identity = rig.device("iot-001");
  rig.revoke("iot-001");
  TlsClient client = connected(rig, identity);
  CHECK(client.request("GET", "/hello").value().status == 403);
  TlsClient other = connected(rig, identity);
  CHECK(rig.eventually([&] { return rig.server().stats().strangers >= 1; }));
}

TEST_CASE("a client of HTTP/1.0 is told that the connection stays", "[http][threads]") {
  HttpRig rig;
  TlsClient client = connected(rig);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    const auto reply = client.read_reply();
    CHECK(reply.value().status == 200);
    CHECK(reply.value().header("connection") == "keep-alive");
  }
  REQUIRE(client.send("GET /hello HTTP/1.0\r\n\r\n"));
  CHECK(client.read_reply().value().header("connection") == "close");
  CHECK(client.closed_within());
}
