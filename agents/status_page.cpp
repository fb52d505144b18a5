#include "agents/status_page.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <string_view>

namespace ota::agent {
namespace {

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](unsigned char x, unsigned char y) {
    return std::tolower(x) == std::tolower(y);
  });
}

// False where the deadline passed first.
bool ready(int descriptor, short what, std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd entry{descriptor, what, 0};
  return left.count() > 0 && ::poll(&entry, 1, static_cast<int>(left.count())) > 0;
}

constexpr std::chrono::milliseconds kPatience{250};  // for all of a connection
constexpr std::size_t kRequestBytes = 2048;

// The value of the one Host field; empty where there is none, or more than one.
std::string_view host_of(std::string_view request) {
  std::string_view found;
  while (!request.empty()) {
    const auto end = request.find('\n');
    std::string_view line = request.substr(0, end);
    request.remove_prefix(end == std::string_view::npos ? request.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    constexpr std::string_view kHost = "host:";
    if (line.size() < kHost.size() || !same_word(line.substr(0, kHost.size()), kHost)) continue;
    if (!found.empty()) return {};
    found = line.substr(kHost.size());
    while (found.starts_with(' ') || found.starts_with('\t'))
      found.remove_prefix(1);
    while (found.ends_with(' ') || found.ends_with('\t'))
      found.remove_suffix(1);
  }
  return found;
}

// Whether the page was asked for by an address of its own: a web site whose name was turned to
// 127.0.0.1 (DNS rebinding) is not told what runs here.
bool is_own_host(std::string_view host) {
  if (const auto colon = host.rfind(':'); colon != std::string_view::npos) {
    host = host.substr(0, colon);
  }
  return host == "127.0.0.1" || same_word(host, "localhost");
}

std::string answer(std::string_view request, const std::function<std::string()>& content) {
  std::string status = "200 OK";
  std::string body;
  if (!is_own_host(host_of(request))) {
    status = "421 Misdirected Request";
  } else if (!request.starts_with("GET ")) {
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
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::array<char, kRequestBytes> request{};
  std::size_t have = 0;
  while (std::string_view(request.data(), have).find("\r\n\r\n") == std::string_view::npos) {
    if (have == request.size() || !ready(peer.get(), POLLIN, deadline)) return;
    const ssize_t got =
        ::recv(peer.get(), request.data() + have, request.size() - have, MSG_DONTWAIT);
    if (got <= 0) return;
    have += static_cast<std::size_t>(got);
  }
  const std::string reply = answer({request.data(), have}, content_);
  std::string_view rest = reply;
  while (!rest.empty() && ready(peer.get(), POLLOUT, deadline)) {
    const ssize_t put = ::send(peer.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(put));
  }
}

}  // namespace ota::agent
