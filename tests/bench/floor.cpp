// The floor: what TLS 1.3 with client certificates costs a server of one thread on this machine at
// least. Raw OpenSSL on non-blocking sockets over epoll, a parser that knows only the benchmark's
// requests, a fixed answer.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "tests/bench/peers.h"

namespace ota::bench {
namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 204 No Content\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n";

SSL_CTX* make_context(const std::filesystem::path& pki) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_use_certificate_chain_file(context, (pki / "server.crt").c_str());
  SSL_CTX_use_PrivateKey_file(context, (pki / "server.key").c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_load_verify_locations(context, (pki / "authority.crt").c_str(), nullptr);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_num_tickets(context, 1);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("floor"), 5);
  return context;
}

int listen_anywhere(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return -1;
  }
  port = ntohs(address.sin_port);
  return listener;
}

class Floor {
 public:
  Floor(SSL_CTX* context, int listener) : context_(context), listener_(listener) {}

  void run() {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_, EPOLLIN, nullptr);
    watch(STDIN_FILENO, EPOLLIN, this);
    std::array<epoll_event, 256> events;
    while (true) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) {
        void* const who = events.at(static_cast<std::size_t>(i)).data.ptr;
        if (who == nullptr) {
          accept_all();
        } else if (who == this) {
          std::array<char, 16> command{};
          if (::read(STDIN_FILENO, command.data(), command.size()) <= 0) return;
          answer_waiting();
        } else {
          serve_one(static_cast<SSL*>(who));
        }
      }
    }
  }

 private:
  void watch(int descriptor, std::uint32_t events, void* who) const {
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.ptr = who;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &wanted);
  }

  void accept_all() const {
    while (true) {
      const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (client < 0) return;
      const int on = 1;
      ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      SSL* const stream = SSL_new(context_);
      SSL_set_fd(stream, client);
      SSL_set_accept_state(stream);
      watch(client, EPOLLIN, stream);
      serve_one_first(stream);
    }
  }
  void serve_one_first(SSL* stream) const { static_cast<void>(SSL_do_handshake(stream)); }

  void serve_one(SSL* stream) {
    std::array<char, 16384> bytes;
    while (true) {
      ERR_clear_error();
      const int got = SSL_read(stream, bytes.data(), bytes.size());
      if (got > 0) {
        const std::string_view text(bytes.data(), static_cast<std::size_t>(got));
        if (text.starts_with("GET /v1/wait")) {
          waiting_.push_back(stream);
        } else {
          SSL_write(stream, kAnswer.data(), static_cast<int>(kAnswer.size()));
        }
        continue;
      }
      if (SSL_get_error(stream, got) == SSL_ERROR_WANT_READ) return;
      const int client = SSL_get_fd(stream);
      SSL_set_shutdown(stream, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
      SSL_free(stream);
      ::close(client);
      return;
    }
  }

  void answer_waiting() {
    for (SSL* stream : waiting_)
      SSL_write(stream, kAnswer.data(), static_cast<int>(kAnswer.size()));
    waiting_.clear();
  }

  SSL_CTX* context_;
  int listener_;
  int epoll_ = -1;
  std::vector<SSL*> waiting_;
};

}  // namespace

int serve_floor(const std::filesystem::path& root) {
  std::signal(SIGPIPE, SIG_IGN);
  std::uint16_t port = 0;
  const int listener = listen_anywhere(port);
  if (listener < 0) return 1;
  std::cout << port << std::endl;
  Floor(make_context(root / "state" / "pki"), listener).run();
  return 0;
}

}  // namespace ota::bench
