#include "base/host_port.h"

#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("only an IPv6 address gets brackets, and only once", "[base]") {
  CHECK(host_and_port("::1", 8443) == "[::1]:8443");
  CHECK(host_and_port("[::1]", 8443) == "[::1]:8443");
  CHECK(host_and_port("192.0.2.1", 8443) == "192.0.2.1:8443");
  CHECK(host_and_port("gateway", 8443) == "gateway:8443");
}

TEST_CASE("an address that stands for all is reached at the loopback of its family", "[base]") {
  CHECK(reachable_here("") == "127.0.0.1");
  CHECK(reachable_here("0.0.0.0") == "127.0.0.1");
  CHECK(reachable_here("::") == "::1");
  CHECK(reachable_here("0:0::0") == "::1");
  CHECK(reachable_here("::1") == "::1");
  CHECK(reachable_here("127.0.0.2") == "127.0.0.2");
  CHECK(reachable_here("192.0.2.1") == "192.0.2.1");
}

TEST_CASE("where a server listens is told so that a URL can be made of it", "[base]") {
  CHECK(host_and_port("::", 8443) == "[::]:8443");
  CHECK(host_and_port("[::]", 8443) == "[::]:8443");
  CHECK(host_and_port("fe80::1", 8443) == "[fe80::1]:8443");
  CHECK(host_and_port("0.0.0.0", 8443) == "0.0.0.0:8443");
}

TEST_CASE("an IPv6 site is counted as one, an IPv4 address as itself", "[base]") {
  CHECK(address_key("192.0.2.1") == "192.0.2.1");
  CHECK(address_key("2001:db8:1:2:3:4:5:6") == "2001:db8:1:2::/64");
  CHECK(address_key("2001:db8:1:2::9") == address_key("2001:db8:1:2:3:4:5:6"));
  CHECK(address_key("2001:db8:1:3::9") != address_key("2001:db8:1:2::9"));
  CHECK(address_key("no: address") == "no: address");
}
