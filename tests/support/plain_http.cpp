#include "tests/support/plain_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace ota::test {
namespace {

// All of `text`, or as much as the peer takes before it hangs up.
bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

std::string read_head(int fd) {
  constexpr std::size_t kMax = 65536;
  std::string head;
  std::array<char, 4096> chunk{};
  while (head.find("\r\n\r\n") == std::string::npos && head.size() < kMax) {
    const ssize_t got = ::recv(fd, chunk.data(), chunk.size(), 0);
    if (got <= 0) break;
    head.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return head;
}

}  // namespace

PlainHttpServer::PlainHttpServer(Handler handler)
    : handler_(std::move(handler)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!listener_ || ::bind(listener_.get(), generic, size) != 0 ||
      ::listen(listener_.get(), 16) != 0 || ::getsockname(listener_.get(), generic, &size) != 0) {
    throw std::runtime_error("no test server");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::jthread([this](std::stop_token stop) { serve(std::move(stop)); });
}

PlainHttpServer::~PlainHttpServer() {
  thread_.request_stop();
}

std::string PlainHttpServer::url() const {
  return "http://127.0.0.1:" + std::to_string(port_);
}

std::vector<std::string> PlainHttpServer::take_requests() {
  const std::lock_guard lock(mutex_);
  return std::exchange(requests_, {});
}

void PlainHttpServer::serve(std::stop_token stop) {
  constexpr int kTickMs = 20;
  while (!stop.stop_requested()) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, kTickMs) <= 0) continue;
    const FileDescriptor connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (connection) answer(connection.get());
  }
}

void PlainHttpServer::answer(int connection) {
  const std::string head = read_head(connection);
  const std::size_t start = head.find(' ');
  const std::size_t end = head.find(' ', start + 1);
  if (end == std::string::npos) return;
  const std::string path = head.substr(start + 1, end - start - 1);
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back((head.starts_with("GET ") ? "" : head.substr(0, start + 1)) + path);
  }
  const PlainAnswer answer = handler_(path);
  if (answer.end == PlainAnswer::End::kNoAnswer) return;
  const bool endless = answer.end == PlainAnswer::End::kEndless;
  std::string reply =
      "HTTP/1.0 " + std::to_string(answer.status) + " Status\r\n" + answer.extra_header;
  if (!endless) reply += "Content-length: " + std::to_string(answer.body.size()) + "\r\n";
  reply += "\r\n";
  const std::size_t shown =
      answer.end == PlainAnswer::End::kCutOff ? answer.body.size() / 2 : answer.body.size();
  if (!send_all(connection, reply + answer.body.substr(0, shown))) return;
  const std::string filler(65536, ' ');
  while (endless && send_all(connection, filler)) {
  }
}

}  // namespace ota::test
