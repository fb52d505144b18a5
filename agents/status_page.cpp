#include "agents/status_page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <string_view>

namespace ota::agent {
namespace {

constexpr timeval kReaderPatience{0, 250000};
constexpr std::size_t kRequestBytes = 2048;

std::string answer(std::string_view request, const std::function<std::string()>& content) {
  std::string status = "200 OK";
  std::string body;
  if (!request.starts_with("GET ")) {
    status = "405 Method Not Allowed";
  } else if (!request.starts_with("GET / ")) {
    status = "404 Not Found";
  } else {
    body = content() + "\n";
  }
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace

Result<StatusPage> StatusPage::open(std::uint16_t port, std::function<std::string()> content) {
  FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) return fail_errno(errno, "status page");
  const int yes = 1;
  ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 4) != 0) {
    const std::string what = "port " + std::to_string(port) + " on 127.0.0.1";
    return errno == EADDRINUSE ? fail(Errc::kExists, what + " is in use") : fail_errno(errno, what);
  }
  socklen_t length = sizeof address;
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &length);
  return StatusPage(std::move(listener), ntohs(address.sin_port), std::move(content));
}

void StatusPage::serve() {
  const FileDescriptor peer(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer) return;
  ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &kReaderPatience, sizeof kReaderPatience);
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &kReaderPatience, sizeof kReaderPatience);
  // The first segment of such a small request is all of it; a peer that dribbles is not served.
  std::array<char, kRequestBytes> request{};
  const ssize_t got = ::recv(peer.get(), request.data(), request.size(), 0);
  if (got <= 0) return;
  const std::string reply = answer({request.data(), static_cast<std::size_t>(got)}, content_);
  ::send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
}

}  // namespace ota::agent
