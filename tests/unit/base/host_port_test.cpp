#include "base/host_port.h"

#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("only an IPv6 address gets brackets, and only once", "[base]") {
  CHECK(bracketed_host("::1") == "[::1]");
  CHECK(bracketed_host("[::1]") == "[::1]");
  CHECK(bracketed_host("192.0.2.1") == "192.0.2.1");
  CHECK(bracketed_host("gateway") == "gateway");
}

TEST_CASE("where a server listens is told so that a URL can be made of it", "[base]") {
  CHECK(bracketed_listen(":::8443") == "[::]:8443");
  CHECK(bracketed_listen("[::]:8443") == "[::]:8443");
  CHECK(bracketed_listen("fe80::1:8443") == "[fe80::1]:8443");
  CHECK(bracketed_listen("0.0.0.0:8443") == "0.0.0.0:8443");
  CHECK(bracketed_listen("") == "");
}
