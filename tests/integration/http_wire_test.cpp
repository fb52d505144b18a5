// What the server makes of raw bytes over TLS: one row for each reading of HTTP/1.1 that has been
// used against servers (smuggling, splitting, confusion about the target), and for each TLS that a
// client may ask for.
#include <openssl/ssl.h>

#include "http/server.h"
#include "tests/support/catch.h"
#include "tests/support/http_rig.h"

using namespace ota;
using namespace ota::test;

namespace {

enum class Then { kStays, kEnds };

struct WireRow {
  const char* what;
  std::string bytes;
  unsigned status;
  Then then;
};

const std::string kH = "Host: h\r\n";

std::string get(const std::string& target, const std::string& fields = kH) {
  return "GET " + target + " HTTP/1.1\r\n" + fields + "\r\n";
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /open HTTP/1.1\r\n" + kH + fields + "\r\n" + body;
}

// A handshake as `configure` wants it: what came of it.
struct Handshake {
  bool done = false;
  std::string version;
  std::string cipher;
  std::string protocol;  // by ALPN
};

Handshake shake(std::uint16_t port, const std::function<void(SSL_CTX*)>& configure) {
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()),
                                                             SSL_CTX_free);
  SSL_CTX_set_security_level(context.get(), 0);
  configure(context.get());
  const std::unique_ptr<BIO, void (*)(BIO*)> bio(BIO_new_ssl_connect(context.get()), BIO_free_all);
  const std::string where = "127.0.0.1:" + std::to_string(port);
  BIO_set_conn_hostname(bio.get(), where.c_str());
  Handshake out;
  out.done = BIO_do_handshake(bio.get()) == 1;
  SSL* stream = nullptr;
  BIO_get_ssl(bio.get(), &stream);
  if (!out.done || stream == nullptr) return out;
  out.version = SSL_get_version(stream);
  out.cipher = SSL_get_cipher_name(stream);
  const unsigned char* name = nullptr;
  unsigned length = 0;
  SSL_get0_alpn_selected(stream, &name, &length);
  if (length > 0) out.protocol.assign(reinterpret_cast<const char*>(name), length);
  return out;
}

void offer(SSL_CTX* context, const std::string& protocols) {
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
}

}  // namespace

TEST_CASE("raw bytes have one reading, or are refused and end the connection", "[http][threads]") {
  HttpRig rig;
  const WireRow table[] = {
      {"a request", get("/hello"), 200, Then::kStays},
      {"bare line ends", "GET /hello HTTP/1.1\nHost: h\n\n", 505, Then::kEnds},
      {"an empty line before it", "\r\n" + get("/hello"), 200, Then::kStays},
      {"an absolute target", get("https://h/hello"), 200, Then::kStays},
      {"an absolute target without a path", get("https://h"), 404, Then::kStays},
      {"an absolute target with user information", get("https://a@h/hello"), 400, Then::kStays},
      {"another scheme", get("ftp://h/hello"), 400, Then::kStays},
      {"the authority form", get("h:443"), 400, Then::kStays},
      {"the asterisk form", get("*"), 400, Then::kStays},
      {"dots in the path", get("/a/../hello"), 400, Then::kStays},
      {"encoded dots", get("/%2e%2e/hello"), 400, Then::kStays},
      {"an encoded slash", get("/a%2fb"), 400, Then::kStays},
      {"an encoded zero", get("/hello%00"), 400, Then::kStays},
      {"an encoded line end in the query", get("/hello?a=%0d%0a"), 400, Then::kStays},
      {"a parameter twice", get("/hello?a=1&a=2"), 400, Then::kStays},
      {"bytes that are no UTF-8", get("/hello%ff"), 400, Then::kStays},
      {"CONNECT", "CONNECT h:443 HTTP/1.1\r\n" + kH + "\r\n", 400, Then::kStays},
      {"TRACE", "TRACE /hello HTTP/1.1\r\n" + kH + "\r\n", 501, Then::kStays},
      {"a method in small letters", "get /hello HTTP/1.1\r\n" + kH + "\r\n", 501, Then::kStays},
      {"no Host", get("/hello", ""), 400, Then::kEnds},
      {"two Hosts", get("/hello", kH + "Host: g\r\n"), 400, Then::kEnds},
      {"a blank before the colon", get("/hello", "Host : h\r\n"), 400, Then::kEnds},
      {"a folded field", get("/hello", kH + "X: a\r\n b\r\n"), 200, Then::kStays},
      {"a field without a name", get("/hello", kH + ": a\r\n"), 400, Then::kEnds},
      {"a zero in a field", get("/hello", kH + std::string("X: a\0b\r\n", 8)), 400, Then::kEnds},
      {"chunks", post("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 411, Then::kEnds},
      {"a length and chunks",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, Then::kEnds},
      {"chunks spelled apart", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 411,
       Then::kEnds},
      {"two lengths", post("Content-Length: 1\r\nContent-Length: 2\r\n", "ab"), 400, Then::kEnds},
      {"a length with a sign", post("Content-Length: +1\r\n", "a"), 400, Then::kEnds},
      {"a negative length", post("Content-Length: -1\r\n", "a"), 400, Then::kEnds},
      {"a hexadecimal length", post("Content-Length: 0x1\r\n", "a"), 400, Then::kEnds},
      {"a length past 64 bits", post("Content-Length: 18446744073709551617\r\n", "a"), 400,
       Then::kEnds},
      // RFC 9110 section 8.6: the same one, several times.
      {"a list of one length", post("Content-Length: 1, 1\r\n", "a"), 200, Then::kStays},
      {"a list of lengths", post("Content-Length: 1, 2\r\n", "ab"), 400, Then::kEnds},
      {"a body with GET", "GET /hello HTTP/1.1\r\n" + kH + "Content-Length: 1\r\n\r\nx", 200,
       Then::kStays},
      {"HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200, Then::kEnds},
      {"HTTP/0.9", "GET /hello\r\n\r\n", 400, Then::kEnds},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, Then::kEnds},
      {"a TLS hello inside of TLS", std::string("\x16\x03\x01\x00\x05hello", 10), 400, Then::kEnds},
      {"a header past its limit", get("/hello", kH + "X: " + std::string(9000, 'x') + "\r\n"), 431,
       Then::kEnds},
      {"a target past the header's limit", get("/" + std::string(9000, 'x')), 431, Then::kEnds},
      {"a hundred fields",
       get(
           "/hello", kH +
                         [] {
                           std::string fields;
                           for (int i = 0; i < 100; ++i)
                             fields += "X" + std::to_string(i) + ": 1\r\n";
                           return fields;
                         }()),
       200, Then::kStays},
  };
  for (const WireRow& row : table) {
    INFO(row.what);
    TlsClient client(rig.port());
    REQUIRE(client.handshake());
    REQUIRE(client.send(row.bytes));
    const auto reply = client.read_reply();
    REQUIRE(reply.has_value());
    CHECK(reply->status == row.status);
    if (row.then == Then::kStays) {
      // Nothing of it is left over to be taken for another request.
      const auto next = client.request("GET", "/hello");
      CHECK((next.has_value() && next->status == 200));
    } else {
      CHECK(reply->header("connection") == "close");
      CHECK(client.closed_within());
    }
  }
  CHECK(rig.server().stats().errors_5xx == 4);  // 501 and 505, twice each
}

TEST_CASE("the API speaks TLS 1.3 alone, DDI 1.2 too, and both only what is good",
          "[tls][threads]") {
  HttpRig api;
  http::ServerOptions options;
  options.tls_floor = http::TlsFloor::kTls12;
  HttpRig ddi(options);
  const auto at_most = [](int version) {
    return [version](SSL_CTX* context) {
      SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context, version);
    };
  };
  const auto with_ciphers = [](const char* list) {
    return [list](SSL_CTX* context) {
      SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
      SSL_CTX_set_cipher_list(context, list);
    };
  };
  CHECK(shake(api.port(), at_most(TLS1_3_VERSION)).version == "TLSv1.3");
  CHECK_FALSE(shake(api.port(), at_most(TLS1_2_VERSION)).done);
  CHECK(shake(ddi.port(), at_most(TLS1_3_VERSION)).version == "TLSv1.3");
  CHECK(shake(ddi.port(), at_most(TLS1_2_VERSION)).version == "TLSv1.2");
  CHECK_FALSE(shake(ddi.port(), at_most(TLS1_1_VERSION)).done);
  for (const char* weak :
       {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-RSA-AES128-GCM-SHA256",
        "DHE-RSA-AES128-GCM-SHA256", "aNULL", "eNULL"}) {
    INFO(weak);
    CHECK_FALSE(shake(ddi.port(), with_ciphers(weak)).done);
  }
  // The order is the server's.
  CHECK(
      shake(ddi.port(), with_ciphers("ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384"))
          .cipher == "ECDHE-ECDSA-AES256-GCM-SHA384");
  const auto groups = [](const char* list) {
    return [list](SSL_CTX* context) { SSL_CTX_set1_groups_list(context, list); };
  };
  const auto signatures = [](const char* list) {
    return [list](SSL_CTX* context) { SSL_CTX_set1_sigalgs_list(context, list); };
  };
  for (HttpRig* rig : {&api, &ddi}) {
    CHECK(shake(rig->port(), groups("X25519")).done);
    CHECK(shake(rig->port(), groups("P-256")).done);
    CHECK_FALSE(shake(rig->port(), groups("P-521")).done);
    CHECK_FALSE(shake(rig->port(), signatures("RSA-PSS+SHA256")).done);
    // ALPN (RFC 7301): HTTP/1.1 where it is offered; without a match the extension is left out.
    CHECK(shake(rig->port(), [](SSL_CTX* c) { offer(c, "\x02h2\x08http/1.1"); }).protocol ==
          "http/1.1");
    const Handshake other = shake(rig->port(), [](SSL_CTX* c) { offer(c, "\x02h2"); });
    CHECK((other.done && other.protocol.empty()));
  }
}

TEST_CASE("a server is given a new certificate while it runs", "[tls][threads]") {
  HttpRig rig;
  TlsClient before(rig.port());
  REQUIRE(before.handshake());
  TempFolder other;
  const SystemClock clock;
  const auto authority = pki::Authority::open_or_create(other.path(), {}, clock);
  REQUIRE(authority.has_value());
  REQUIRE(rig.server().set_identity(authority->server_identity()).has_value());
  CHECK(before.request("GET", "/hello").value().status == 200);
  // The old authority's devices are strangers to the new one: who signs is what changed.
  TlsClient device(rig.port(), rig.device("iot-001"));
  CHECK((!device.handshake() || !device.request("GET", "/v1/device").has_value()));
  TlsClient after(rig.port());
  REQUIRE(after.handshake());
  CHECK(after.request("GET", "/hello").value().status == 200);
}
