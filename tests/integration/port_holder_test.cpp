// Who holds a port that the server wants.
#include "http/port_holder.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/support/catch.h"

using namespace ota;

TEST_CASE("who listens on a port is told by pid and name, and a free port has nobody",
          "[integration]") {
  const FileDescriptor listening(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  REQUIRE(::bind(listening.get(), reinterpret_cast<sockaddr*>(&address), length) == 0);
  REQUIRE(::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  const std::uint16_t port = ntohs(address.sin_port);
  CHECK(http::port_holder(port).empty());
  REQUIRE(::listen(listening.get(), 1) == 0);
  CHECK(http::port_holder(port) == "pid " + std::to_string(::getpid()) + " (integration-tes)");
}
