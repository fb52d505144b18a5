// The agents' HTTPS client against the real server: trust, bounds, ranges, cancellation.
#include <fstream>
#include <thread>

#include "base/file.h"
#include "http/client.h"
#include "pki/join_code.h"
#include "tests/support/catch.h"
#include "tests/support/http_rig.h"
#include "tests/support/wait.h"

using namespace ota;
using http::Client;
using http::ClientOptions;
using test::HttpRig;

namespace {

ClientOptions options_for(HttpRig& rig) {
  ClientOptions options;
  options.base_url = "https://127.0.0.1:" + std::to_string(rig.port());
  options.authority = rig.folder() / "state" / "pki" / "authority.crt";
  return options;
}

ClientOptions as(ClientOptions options, HttpRig& rig, const test::Identity& identity) {
  options.certificate = rig.folder() / "client.crt";
  options.key = rig.folder() / "client.key";
  REQUIRE(write_file_durably(options.certificate, identity.certificate).has_value());
  REQUIRE(write_file_durably(options.key, identity.key, 0600).has_value());
  return options;
}

std::string fingerprint(HttpRig& rig) {
  const auto pem = read_file(rig.folder() / "state" / "pki" / "authority.crt", 10000);
  REQUIRE(pem.has_value());
  return *pki::certificate_fingerprint(*pem);
}

}  // namespace

TEST_CASE("a device's certificate is presented, and its name arrives", "[agent][client]") {
  HttpRig rig;
  Client client(as(options_for(rig), rig, rig.device("iot-001")));
  const auto reply = client.get("/v1/device", 10000);
  REQUIRE(reply.has_value());
  CHECK(reply->status == 200);
  CHECK(reply->body.find("iot-001") != std::string::npos);
  CHECK(client.post("/v1/telemetry", "{}", 10000)->status == 204);
}

TEST_CASE("only the given authority's server is trusted", "[agent][client]") {
  HttpRig rig;
  const HttpRig other;
  ClientOptions options = options_for(rig);
  options.authority = other.folder() / "state" / "pki" / "authority.crt";
  Client client(options);
  const auto reply = client.get("/hello", 10000);
  REQUIRE(reply.has_error());
  CHECK(reply.error().code == Errc::kDenied);
  CHECK(reply.error().text().find("the server is not trusted") != std::string::npos);
}

TEST_CASE(
    "at a first contact the fingerprint decides, and the authority's certificate is handed out",
    "[agent][client]") {
  HttpRig rig;
  ClientOptions options = options_for(rig);
  options.authority.clear();
  options.authority_fingerprint = fingerprint(rig);
  Client client(options);
  REQUIRE(client.get("/hello", 10000).has_value());
  CHECK(*pki::certificate_fingerprint(client.presented_authority()) ==
        options.authority_fingerprint);

  options.authority_fingerprint[5] = options.authority_fingerprint[5] == 'a' ? 'b' : 'a';
  Client wary(options);
  const auto before = rig.server().stats().requests;
  const auto reply = wary.post("/open", "secret", 10000);
  REQUIRE(reply.has_error());
  CHECK(reply.error().code == Errc::kDenied);
  CHECK(rig.server().stats().requests == before);
  CHECK(wary.presented_authority().empty());
}

TEST_CASE(
    "a certificate of a foreign authority is refused by the server, and the error says which side",
    "[agent][client]") {
  HttpRig rig;
  Client client(as(options_for(rig), rig, rig.foreign_device("iot-001")));
  const auto reply = client.get("/v1/device", 10000);
  REQUIRE(reply.has_error());
  CHECK(reply.error().code == Errc::kDenied);
  CHECK(reply.error().text().find("the server refused the connection") != std::string::npos);
}

TEST_CASE("plain http is refused unless a test asks for it", "[agent][client]") {
  HttpRig rig;
  ClientOptions options = options_for(rig);
  options.base_url.replace(0, 5, "http");
  CHECK(Client(options).get("/hello", 10000).error().code == Errc::kInvalid);
}

TEST_CASE("an answer that is larger than its bound is an error, not a truncated body",
          "[agent][client]") {
  HttpRig rig;
  Client client(options_for(rig));
  CHECK(client.get("/v1/big", 1000).error().code == Errc::kLimit);
  CHECK(client.get("/v1/big", 3'000'000)->body.size() == 3'000'000);
}

TEST_CASE("a download starts where it is asked to, and is bounded", "[agent][client]") {
  HttpRig rig;
  std::string content;
  for (int i = 0; i < 50000; ++i)
    content += static_cast<char>('a' + i % 26);
  std::ofstream(rig.folder() / "image", std::ios::binary) << content;
  Client client(options_for(rig));
  std::string got;
  int restarts = 0;
  const auto sink = [&](std::string_view chunk) -> Result<void> {
    got += chunk;
    return {};
  };
  const auto restart = [&] {
    got.clear();
    ++restarts;
  };
  Client::Download wanted;
  wanted.max_bytes = content.size();
  SECTION("from the beginning") {
    CHECK(client.download("/files/image", wanted, sink, restart)->status == 200);
    CHECK(got == content);
  }
  SECTION("the rest alone") {
    got = content.substr(0, 12345);
    wanted.offset = got.size();
    CHECK(client.download("/files/image", wanted, sink, restart)->status == 206);
    CHECK(got == content);
    CHECK(restarts == 0);
  }
  SECTION("a server that ignores the range sends all, and the sink is told to begin anew") {
    got = "old beginning";
    wanted.offset = got.size();
    wanted.max_bytes = 3'000'000;
    CHECK(client.download("/v1/big", wanted, sink, restart)->status == 200);
    CHECK(restarts == 1);
    CHECK(got.size() == 3'000'000);
  }
  SECTION("more than the bound") {
    wanted.max_bytes = 1000;
    CHECK(client.download("/files/image", wanted, sink, restart).error().code == Errc::kLimit);
  }
  SECTION("an error of the sink ends it with that error") {
    const auto full = [](std::string_view) -> Result<void> { return fail(Errc::kFull, "disk"); };
    CHECK(client.download("/files/image", wanted, full, restart).error().code == Errc::kFull);
  }
  SECTION("what is not there goes into the reply, not into the sink") {
    const auto reply = client.download("/files/none", wanted, sink, restart);
    REQUIRE(reply.has_value());
    CHECK(reply->status == 404);
    CHECK(got.empty());
  }
}

TEST_CASE("a waiting request ends at once when cancelled, and a closed client starts none",
          "[agent][client][threads]") {
  HttpRig rig;
  Client client(options_for(rig));
  Result<http::Reply> reply = fail(Errc::kInternal);
  std::thread waiting([&] { reply = client.get("/v1/wait", 1000, std::chrono::seconds(60)); });
  const auto parked = rig.take_parked(1);
  const auto start = std::chrono::steady_clock::now();
  SECTION("cancel ends this one alone") {
    client.cancel();
    waiting.join();
    CHECK(reply.error().code == Errc::kUnavailable);
    CHECK(client.get("/hello", 1000).has_value());
  }
  SECTION("close ends all") {
    client.close();
    waiting.join();
    CHECK(reply.error().code == Errc::kUnavailable);
    CHECK(client.get("/hello", 1000).error().code == Errc::kUnavailable);
  }
  CHECK(std::chrono::steady_clock::now() - start < seconds(5));
}

TEST_CASE("a server that does not answer is a timeout, one that is not there is unavailable",
          "[agent][client]") {
  HttpRig rig;
  Client client(options_for(rig));
  CHECK(client.get("/v1/wait", 1000, milliseconds(200)).error().code == Errc::kTimeout);
  ClientOptions nobody = options_for(rig);
  nobody.base_url = "https://127.0.0.1:1";
  CHECK(Client(nobody).get("/hello", 1000).error().code == Errc::kUnavailable);
}
