#include "sim/proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/file.h"
#include "tests/support/catch.h"

using namespace ota;
using namespace ota::sim;

namespace {

sockaddr_in at_port(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

struct Listener {
  FileDescriptor fd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  std::uint16_t port = 0;
  Listener() {
    sockaddr_in address = at_port(0);
    socklen_t size = sizeof address;
    REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(listen(fd.get(), 8) == 0);
    REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port = ntohs(address.sin_port);
  }
};

FileDescriptor connect_to(std::uint16_t port) {
  FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = at_port(port);
  REQUIRE(connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

// What arrives within five seconds: "" at the end of the stream.
std::string receive(const FileDescriptor& fd) {
  pollfd wanted{fd.get(), POLLIN, 0};
  if (poll(&wanted, 1, 5000) != 1) return "nothing came";
  std::array<char, 64> bytes{};
  const ssize_t got = recv(fd.get(), bytes.data(), bytes.size(), 0);
  return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
}

}  // namespace

TEST_CASE("a whole wire carries both ways, a cut one drops what is open", "[sim][threads]") {
  const Listener server;
  const auto proxy = Proxy::open();
  REQUIRE(proxy.has_value());
  (*proxy)->set_target(server.port);
  const FileDescriptor device = connect_to((*proxy)->port());
  const FileDescriptor accepted(accept(server.fd.get(), nullptr, nullptr));
  REQUIRE(send(device.get(), "up", 2, 0) == 2);
  CHECK(receive(accepted) == "up");
  REQUIRE(send(accepted.get(), "down", 4, 0) == 4);
  CHECK(receive(device) == "down");
  (*proxy)->set_wire(Wire::kCut);
  CHECK(receive(device).empty());
  CHECK(receive(accepted).empty());
  const FileDescriptor refused = connect_to((*proxy)->port());
  CHECK(receive(refused).empty());
  (*proxy)->set_wire(Wire::kWhole);
  const FileDescriptor again = connect_to((*proxy)->port());
  const FileDescriptor accepted_again(accept(server.fd.get(), nullptr, nullptr));
  REQUIRE(send(again.get(), "up", 2, 0) == 2);
  CHECK(receive(accepted_again) == "up");
}
